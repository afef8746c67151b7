#!/usr/bin/env bash
# What the daemon costs: memory for a 64 MiB dump, start to first poll, stop, and an idle fleet of 100
# instances. Real Go processes on loopback; everything it starts it ends. Needs Linux (/proc), GNU time
# and Go (through testdata/go.sh). SECONDS_IDLE (120) is how long the idle fleet is watched.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet
goroscope=$PWD/target/release/goroscope
folder=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT

peak_kb() { # COMMAND...: peak resident memory
  /usr/bin/time -f %M -o "$folder/peak" "$@" >/dev/null
  cat "$folder/peak"
}

# A dump of 64 MiB: 29,000 goroutines of 200 stacks.
awk 'BEGIN {
  p = "github.com/acme/orders-service/internal/worker"
  for (i = 1; size < 67000000; i++) {
    s = "goroutine " i " [chan receive, " i % 90 + 1 " minutes]:\n"
    for (d = 0; d < 11; d++)
      s = s p ".(*Job" i % 200 ").step" d "(0xc000, 0x1f)\n\t/src/" p "/job.go:" d * 10 + 3 " +0x1f\n"
    s = s "created by " p ".(*Pool).start in goroutine 1\n\t/src/" p "/pool.go:44 +0x1b2\n\n"
    size += length(s); printf "%s", s
  }
}' >"$folder/large.txt"
tail -n 30 "$folder/large.txt" | sed -n '/^goroutine/,$p' >"$folder/small.txt"
small=$(peak_kb "$goroscope" snapshot "$folder/small.txt" -o json)
large=$(peak_kb "$goroscope" snapshot "$folder/large.txt" -o json)
echo "memory for a dump of $(stat -c %s "$folder/large.txt") bytes: $((large - small)) KiB above $small KiB"

# Four real processes, reached as 100 instances by 100 loopback addresses.
testdata/go.sh build checkout "$folder/checkout"
targets=""
for port in 17651 17652 17653 17654; do
  "$folder/checkout" -addr "0.0.0.0:$port" >/dev/null &
  pids+=($!)
  for host in $(seq 2 26); do targets+="\"127.0.0.$((host + (port - 17651) * 25)):$port\", "; done
done
sleep 1
printf '[[services]]\nname = "checkout"\ntargets = [%s]\n' "$targets" >"$folder/goroscope.toml"
cd "$folder"

for try in 1 2 3 4 5; do
  rm -f goroscope.db*
  begun=$(date +%s%3N)
  "$goroscope" run --log debug --log-format json 2>log >/dev/null &
  daemon=$!
  pids+=("$daemon")
  until first=$(grep -m1 '"Read ' log); do :; done
  at=$(date -d "$(sed 's/.*"timestamp":"\([^"]*\)".*/\1/' <<<"$first")" +%s%3N)
  sleep 2
  stopping=$(date +%s%3N)
  kill "$daemon"
  wait "$daemon"
  echo "try $try: start to first poll read $((at - begun)) ms, stop $(($(date +%s%3N) - stopping)) ms"
done

"$goroscope" run 2>/dev/null >/dev/null &
daemon=$!
pids+=("$daemon")
sleep 10
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon/stat"; }
before=$(ticks)
sleep "${SECONDS_IDLE:-120}"
used=$(($(ticks) - before))
rss=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$daemon/status")
awk -v used="$used" -v hz="$(getconf CLK_TCK)" -v s="${SECONDS_IDLE:-120}" -v rss="$rss" 'BEGIN {
  printf "idle, 100 instances each 30 s: %.2f %% of a core, %d KiB resident\n", used / hz / s * 100, rss }'
kill "$daemon"
wait "$daemon"
