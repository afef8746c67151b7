#!/usr/bin/env bash
# The main job on this machine in a minute: builds goroscope, starts five real Go processes that
# leak (three services, testdata/go), watches them, kills the daemon with SIGKILL, and asks the
# history what leaks. Loopback only; everything it starts it ends. Leaves the database in $FOLDER.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}

cargo build --release --locked
goroscope=$PWD/target/release/goroscope
folder=${FOLDER:-$(mktemp -d)}
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT

start() { # PROGRAM NUMBER: starts a process, sets its address in $address
  testdata/go.sh build "$1" "$folder/$1"
  "$folder/$1" -addr 127.0.0.1:0 >"$folder/$1-$2.out" &
  pids+=($!)
  until address=$(sed -n 's|listening on http://||p' "$folder/$1-$2.out") && [ -n "$address" ]; do
    sleep 0.1
  done
}
start checkout 1; checkout1=$address
start checkout 2; checkout2=$address; second=${pids[-1]}
start search 1; search1=$address
start search 2; search2=$address
start billing 1; billing1=$address

cat >"$folder/goroscope.toml" <<TOML
[global]
interval = "1s"

[[services]]
name = "checkout"
targets = ["$checkout1", "$checkout2"]

[[services]]
name = "search"
targets = ["$search1", "$search2"]

[[services]]
name = "billing"
targets = ["$billing1"]
TOML
cd "$folder"
"$goroscope" run --config goroscope.toml &
daemon=$!
pids+=("$daemon")

get() { # ADDRESS/PATH: one request
  exec 3<>"/dev/tcp/${1%%:*}/$(cut -d: -f2 <<<"${1%%/*}")"
  printf 'GET /%s HTTP/1.0\r\n\r\n' "${1#*/}" >&3
  cat <&3 >/dev/null
  exec 3<&-
}
sleep 3
for round in $(seq "$seconds"); do
  get "$checkout1/work?n=3"
  get "$checkout1/healthy"
  get "$search1/index"
  get "$search1/shared"
  get "$search2/query"
  get "$billing1/shared?n=2"
  if [ "$round" = $((seconds / 2)) ]; then # one instance restarts half way
    kill "$second"
    wait "$second" 2>/dev/null || true
    "./checkout" -addr "$checkout2" >/dev/null &
    pids+=($!)
  fi
  sleep 1
done
kill -9 "$daemon"
wait "$daemon" 2>/dev/null || true

for question in "top-growers" "shared" "instances"; do
  printf '\n$ goroscope query %s --since 1h\n' "$question"
  "$goroscope" query $question --since 1h
done
printf '\nMore questions: cd %s && %s query --help\n' "$folder" "$goroscope"
