#!/usr/bin/env bash
# Makes the captures of README.md again, from real runs: `goroscope demo`, testdata/fleet.sh, `goroscope top` in tmux
# before a real Go process that leaks, and `goroscope snapshot` of it. Prints them; with a file as argument it puts them there, into
# the block behind each line `<!-- capture NAME -->`. Needs tmux, and Go or pip (testdata/go.sh). Loopback only;
# everything it starts it ends.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

cargo build --release --locked
folder=$(mktemp -d)
export PATH=$root/target/release:$PATH TZ=UTC LC_ALL=C.UTF-8
pids=()
finish() {
  tmux -L "captures$$" kill-server 2>/dev/null || true
  kill "${pids[@]}" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT

testdata/go.sh build checkout "$folder/checkout"
"$folder/checkout" -addr 127.0.0.1:6060 >"$folder/out" &
pids+=($!)
until grep -q listening "$folder/out"; do sleep 0.1; done

get() { # PATH: one request
  exec 3<>/dev/tcp/127.0.0.1/6060
  printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3
  cat <&3 >/dev/null
  exec 3<&-
}
(while sleep 0.5; do get "/work?n=$((RANDOM % 4))"; done) &
pids+=($!)

screen() { # The screen, without blank lines at its end
  tmux -L "captures$$" capture-pane -p | sed -e 's/[[:space:]]*$//' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}
tmux -L "captures$$" -f /dev/null new-session -d -x 110 -y 16 'goroscope top localhost:6060'
sleep 45
{ echo '$ goroscope top localhost:6060'; screen; } >"$folder/top"
tmux -L "captures$$" send-keys Enter
tmux -L "captures$$" resize-window -x 110 -y 38
sleep 3
screen >"$folder/detail"
tmux -L "captures$$" send-keys q

{ echo '$ goroscope snapshot localhost:6060 --top 3'; goroscope snapshot localhost:6060 --top 3; } >"$folder/snapshot"
{ echo '$ goroscope demo'; goroscope demo --keep "$folder/shop"; } |
  sed "s|$folder/shop|/tmp/shop|g" >"$folder/demo"
mkdir "$folder/fleet.d"
FOLDER=$folder/fleet.d testdata/fleet.sh 2>/dev/null |
  sed -n '/^\$ goroscope query top-growers/,/^\$ goroscope query instances/p' | sed '$d' | sed '$d' >"$folder/fleet"

put() { # FILE: every capture into its block
  awk -v folder="$folder" '
    /^<!-- capture [a-z]+ -->$/ { print; name = $3; next }
    name && /^```/ {
      print
      while ((getline line < (folder "/" name)) > 0) print line
      while ((getline) > 0 && !/^```/) {}
      print
      name = ""
      next
    }
    { print }
  ' "$1" >"$folder/whole"
  cp "$folder/whole" "$1"
}
if [ $# -gt 0 ]; then
  put "$1"
else
  for name in demo fleet top detail snapshot; do
    printf '\n== %s\n' "$name"
    cat "$folder/$name"
  done
fi
