# tests/system/lib.sh - sourced by each system test.
#
# A test is tests/system/NN-name.sh: it sources this, calls net_up, then a list of
#	ok   "what holds" COMMAND...		exit 0
#	says "what is refused" CODE 'words' COMMAND...	exit CODE, and the words in its output
# Each is one counted check. Real daemons, real mTLS, real tokens: nothing is mocked.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${QUORATE_BIN:-$here/build/dev/bin}
tools=${QUORATE_TOOLS:-$(dirname "$bin")/tests/system}
export QUORATE_BIN=$bin
work=$(mktemp -d "${TMPDIR:-/tmp}/quorate-test.XXXXXX")
export XDG_STATE_HOME=$work/state
passed=0 failed=0
nets=()

cleanup() {
	local n
	for n in "${nets[@]:-}"; do [ -z "$n" ] || "$here/scripts/devnet" down "$n" >/dev/null 2>&1; done
	if [ "$failed" != 0 ]; then
		for n in "${nets[@]:-}"; do [ -z "$n" ] || tail -n 15 "$n"/*/log; done
	fi
	[ -n "${KEEP:-}" ] || rm -rf "$work"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
trap 'cleanup || exit 1' EXIT

# net_up NAME [devnet options]: a network, and the CLI pointed at it.
net_up() {
	local dir=$work/$1
	shift
	if ! "$here/scripts/devnet" up "$dir" "$@" >"$work/up.out" 2>&1; then
		cat "$work/up.out"
		failed=$((failed + 1))
		exit 1
	fi
	nets+=("$dir")
	net=$dir people=$dir/people
	. "$dir/env"
}
devnet() { "$here/scripts/devnet" "$@"; }

ok() {
	local what=$1 code=0
	shift
	"$@" >"$work/out" 2>&1 || code=$?
	if [ $code = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL: %s (exit %d): %s\n' "$what" "$code" "$*"
		sed 's/^/    /' "$work/out" | tail -n 20
	fi
}

says() {
	local what=$1 want=$2 words=$3
	shift 3
	_said "$want" "$words" "$@"
	_tell "$what" "$want" "$words" "$@"
}

_said() { # CODE WORDS COMMAND...: runs it once; what came of it is in $_code and $work/out
	local want=$1 words=$2
	shift 2
	_code=0
	"$@" >"$work/out" 2>&1 || _code=$?
	_fits=
	if [[ "$_code" =~ ^$want$ ]] && grep -qE -- "$words" "$work/out"; then _fits=1; fi
}

_tell() { # WHAT CODE WORDS COMMAND...: counts what _said found
	local what=$1 want=$2 words=$3
	shift 3
	if [ -n "$_fits" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL: %s: exit %d, wanted %s and /%s/: %s\n' "$what" "$_code" "$want" "$words" "$*"
		sed 's/^/    /' "$work/out" | tail -n 20
	fi
}

# soon COMMAND...: until it succeeds. No healthy network takes that long, on however busy a machine.
soon() {
	local end=$((SECONDS + ${PATIENCE:-120}))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { "$@"; return; }
		sleep 0.1
	done
}

# in_the_end WHAT CODE WORDS COMMAND...: as `says', once what it tells of has come to pass. Its last run is what
# counts: one more might find that what it asked for was given to the one before.
in_the_end() {
	local what=$1 want=$2 words=$3 end=$((SECONDS + ${PATIENCE:-120}))
	shift 3
	_said "$want" "$words" "$@"
	until [ -n "$_fits" ] || [ $SECONDS -ge $end ]; do
		sleep 0.1
		_said "$want" "$words" "$@"
	done
	_tell "$what" "$want" "$words" "$@"
}

# Every custodian is up, and cosigns and contributes.
network_ready() { quorate status >"$work/status" 2>/dev/null && ! grep -qE 'DOWN|NOT READY|CONTRIBUTES' "$work/status"; }

# flip FILE [OFFSET]: another byte there than there was, whatever it was (default: the middle).
flip() {
	local at=${2:-$(($(stat -c %s "$1") / 2))} byte
	byte=$(od -An -tu1 -j "$at" -N 1 "$1")
	printf "\\$(printf %o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

field() { sed -n "s/^ *\"$1\": \"\\{0,1\\}\\([^\",]*\\)\"\\{0,1\\},\\{0,1\\}\$/\\1/p" "$work/json" | head -n 1; }

# seal POLICY [options]: prints the artifact's id. Parts default to a small prompt and image.
seal() {
	local policy=$1
	shift
	[ $# -gt 0 ] || set -- --part "prompt=$work/prompt.txt" --part "image=$work/image.bin"
	quorate seal --policy "$policy" "$@" --json >"$work/json" 2>"$work/err" || { cat "$work/err" >&2; return 1; }
	field artifact
}

# request ARTIFACT POLICY [options]: prints the request's id.
request() {
	local artifact=$1 policy=$2
	shift 2
	quorate request --artifact "$artifact" --policy "$policy" --reason "a test" \
	    --recipient "$net/recipient/cert.pem" --key "$people/requester.key" "$@" --json \
	    >"$work/json" 2>"$work/err" || { cat "$work/err" >&2; return 1; }
	field request
}

approve() { # REQUEST PERSON...
	local r=$1 p
	shift
	for p in "$@"; do quorate approve "$r" --key "$people/$p.key" >/dev/null || return 1; done
}

printf 'a picture of a grey cat in a hat\n' >"$work/prompt.txt"
head -c 200000 /dev/urandom >"$work/image.bin"
