#!/usr/bin/env bash
# Runs every fuzz target of the module for a while: bench/fuzz.sh [HOW-LONG]
# HOW-LONG is a time such as 30s or a number of inputs such as 3000x (the usual). A
# number is better for a gate: go test -fuzz sometimes takes the end of its time
# for a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
long=${1:-3000x}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r dir; do
  sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$dir"/*_test.go | sort -u | while read -r target; do
    if ! go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$long" -fuzzminimizetime 10x </dev/null >"$log" 2>&1; then
      echo "fuzz $dir $target failed:"
      cat "$log"
      exit 1
    fi
    echo "fuzz $dir $target: $(tail -n 1 "$log")"
  done
done
