#!/usr/bin/env bash
# Builds the leaking commands of Go's own tree, around testdata/leaks/server.go, into one program that
# serves pprof.
#
#   testdata/leaks.sh OUT             builds it into the file OUT
#   testdata/leaks.sh OUT --expected  prints the path of the test with the functions that leak, too
#
# Nothing of Go's tree is kept here: it comes with every toolchain from 1.26 on.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=1.27

[ $# -ge 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
out=$(realpath -m "$1")
go=$("$here/go.sh" "$version")
runtime=$(GOTOOLCHAIN=local "$go" env GOROOT)/src/runtime
whole=$(mktemp -d)
trap 'rm -rf "$whole"' EXIT
folder=$whole/leaks
mkdir "$folder"

for file in "$runtime"/testdata/testgoroutineleakprofile/{,goker/}*.go; do
  [ "$(basename "$file")" = main.go ] || cp "$file" "$folder"
done
# No command writes the leak profile by itself, and none ends the process.
sed -i -E 's/\bprof\.WriteTo\(/leave(prof, /; s/\bos\.Exit\(0\)/leave(os.Exit)/' "$folder"/*.go
cp "$here/leaks/server.go" "$folder"
printf 'module example.com/leaks\n\ngo 1.26\n' >"$folder/go.mod"
fresh=$(mktemp "$out.XXXXXX")
(cd "$folder" && GOTOOLCHAIN=local GOFLAGS=-mod=mod GOWORK=off CGO_ENABLED=0 \
  "$go" build -buildvcs=false -o "$fresh" .) || { rm -f "$fresh"; exit 1; }
chmod 755 "$fresh"
mv -f "$fresh" "$out"
if [ "${2:-}" = --expected ]; then echo "$runtime/goroutineleakprofile_test.go"; fi
