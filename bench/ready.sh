#!/usr/bin/env bash
# Measures the built binary in demo: milliseconds until /readyz answers 200, and
# resident memory after a few pictures. Wanted: under 1,000 ms and 80 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
CGO_ENABLED=0 go build -trimpath -o "$work/bot" ./cmd/bot
addr=127.0.0.1:18080
began=$(date +%s%N)
(cd "$work" && exec env WEB_ADDR=$addr ./bot demo >"$work/out" 2>"$work/err") &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null || true; rm -rf "$work"' EXIT
until curl -fs "http://$addr/readyz" >/dev/null; do
  if ! kill -0 $pid 2>/dev/null || (( ($(date +%s%N) - began) > 20000000000 )); then
    cat "$work/err" >&2
    exit 1
  fi
  sleep 0.005
done
ready=$((($(date +%s%N) - began) / 1000000))
bot=$(pgrep -P $pid bot || echo $pid)
sleep 3
rss=$(awk '/VmRSS/ {print $2}' "/proc/$bot/status")
echo "ready_ms $ready  rss_mb $((rss / 1024))"
