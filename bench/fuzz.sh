#!/usr/bin/env bash
# Runs every fuzz target of the module for a while: bench/fuzz.sh [HOW-LONG]
# HOW-LONG is a time such as 30s or a number of inputs such as 3000x (the usual). A
# number is better for a gate: fuzzing sometimes takes the end of its time for a failure.
# Each package is built once, and two targets run at a time.
set -euo pipefail
cd "$(dirname "$0")/.."
export long=${1:-3000x}
export work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

one() { # DIR TARGET
  local log="$work/${1//\//_}.$2"
  # Targets run in their package's folder, where their testdata is.
  if ! (cd "$1" && "$work/${1//\//_}.test" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$long" \
    -test.fuzzminimizetime 10x -test.fuzzcachedir "$work/cache" -test.parallel 1) </dev/null >"$log" 2>&1; then
    echo "fuzz $1 $2 failed:"
    cat "$log"
    return 1
  fi
  echo "fuzz $1 $2: $(tail -n 2 "$log" | head -n 1)"
}
export -f one

packages=$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u)
for dir in $packages; do
  go test -c -fuzz Fuzz -o "$work/${dir//\//_}.test" "$dir"
done
for dir in $packages; do
  sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$dir"/*_test.go | sort -u | sed "s|^|$dir |"
done | xargs -P 2 -L 1 bash -c 'one "$@"' _
