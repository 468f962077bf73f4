#!/bin/sh
# Makes the fonts of this folder anew: Noto Sans for Latin and Cyrillic, and the
# Chinese characters that locales/zh-Hans.toml uses from Noto Sans CJK (face 2 of
# the collection: Simplified Chinese), each in two weights.
#
# Needs Debian's fonts-noto-core, fonts-noto-cjk and fonttools. The result does
# not depend on the day or the machine: SHA256SUMS must come out the same until
# the locale file or a package version changes.
set -eu
cd "$(dirname "$0")"
core=/usr/share/fonts/truetype/noto
cjk=/usr/share/fonts/opentype/noto

# Basic Latin to Latin Extended-B, Cyrillic, Vietnamese, punctuation, currency.
latin=U+0020-007E,U+00A0-024F,U+0400-04FF,U+1EA0-1EF9,U+2009,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+202F,U+2030,U+2039,U+203A,U+20A0-20BF,U+2116,U+2122,U+2212

# A subset without the spaces would leave gaps of a full em between Chinese words.
spaces="U+0020,U+00A0,U+2009,U+202F,U+3000"
signs="U+3001,U+3002,U+300A,U+300B,U+300C,U+300D,U+FF01,U+FF08,U+FF09,U+FF0C,U+FF1A,U+FF1B,U+FF1F,U+2212,U+25B2,U+25BC"

characters=$(mktemp)
trap 'rm -f "$characters"' EXIT
tr -d '\n' <../../locales/zh-Hans.toml >"$characters"

subset() { # SOURCE FACE TARGET ARGUMENTS...
	source=$1 face=$2 target=$3
	shift 3
	SOURCE_DATE_EPOCH=0 pyftsubset "$source" --font-number="$face" --output-file="$target" \
		--no-hinting --layout-features=kern,mark,mkmk,ccmp,locl --name-IDs=0,1,2,3,4,5,6,13,14 \
		--drop-tables+=vhea,vmtx,VORG,BASE,DSIG --no-recalc-timestamp "$@"
}

for weight in Regular Bold; do
	subset "$core/NotoSans-$weight.ttf" 0 "NotoSans-$weight.ttf" --unicodes="$latin"
	subset "$cjk/NotoSansCJK-$weight.ttc" 2 "NotoSansSC-$weight.otf" --unicodes="$spaces,$signs" --text-file="$characters"
done
sha256sum NotoSans*.?tf >SHA256SUMS
