#!/bin/sh
# Draws the same liquidation map with this bot, with go-chart's own renderer and
# with matplotlib, and prints how many times faster the first is. A single number
# of milliseconds says little on a busy machine, so the three take turns and the
# median ratio of five rounds counts.
set -eu
cd "$(dirname "$0")/.."
python=/usr/bin/python3 # Debian's, with python3-matplotlib
if ! "$python" -c 'import matplotlib' 2>/dev/null; then
	echo "skipped: $python has no matplotlib (apt-get install python3-matplotlib)"
	exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test ./charts -run TestWritePlainMap -plain "$work/map.json" >"$work/log" || {
	cat "$work/log" >&2
	exit 1
}
go test -c -o "$work/charts.test" ./charts

for round in 1 2 3 4 5; do
	(cd charts && "$work/charts.test" -test.run NONE -test.bench 'BenchmarkRatio$' -test.benchtime 400ms) |
		awk '/x_stock/ { for (i = 1; i < NF; i++) { if ($(i+1) == "ms_own") own = $i; if ($(i+1) == "x_stock") stock = $i } print own, stock }' >"$work/own"
	other=$("$python" bench/matplotlib.py <"$work/map.json" | sed 's/.*"median_ms": \([0-9.]*\).*/\1/')
	read -r own stock <"$work/own"
	awk -v own="$own" -v stock="$stock" -v other="$other" 'BEGIN { print own, stock, other / own }'
done >"$work/rounds"

median() { cut -d ' ' -f "$1" "$work/rounds" | sort -n | sed -n 3p; }
printf 'cold map %.2f ms: %.1fx stock go-chart (want 20), %.1fx matplotlib (want 30)\n' "$(median 1)" "$(median 2)" "$(median 3)"
