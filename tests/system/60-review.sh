#!/usr/bin/env bash
# Processes that die, tokens that go away, disks that fill, folders with odd names; and what is left then.
. "$(dirname "$0")/lib.sh"
net_up "odd name (net)"

pid_of() { cat "$net/$1/pid"; }
keeper_of() { pgrep -P "$(pid_of "$1")" -x keeper; }
has_listener() { pgrep -P "$(pid_of "$1")" -x listener; }
listener_of() { soon has_listener "$1" && has_listener "$1"; }
none_down() { quorate status >"$work/status" 2>&1 && ! grep -q DOWN "$work/status"; }
all_up() { soon none_down; }
is_gone() { ! kill -0 "$1" 2>/dev/null; }
gone() { PATIENCE=30 soon is_gone "$1"; }
none_of() { PATIENCE=10 soon eval '! pgrep -s '"$1"; }	# a session
one_object() { [ "$(node -e 'JSON.parse(require("fs").readFileSync(0, "utf8")); console.log("one")' <"$work/json")" = one ]; }

a=$(seal standard)

# --- processes ------------------------------------------------------------------------------------
for i in 1 2 3; do
	l=$(listener_of custodian-1)
	kill -KILL "$l"
	ok "a listener that is killed" gone "$l"
	ok "is started again ($i)" listener_of custodian-1
	ok "and heard" all_up
done
for i in 1 2 3 4 5; do kill -KILL "$(listener_of "custodian-$i")"; done
ok "all of them" all_up
ok "and the network works" seal standard

k=$(keeper_of custodian-2)
p=$(pid_of custodian-2)
kill -KILL "$k"
ok "a keeper that is killed takes all of its custodian down" gone "$p"
ok "listener included" none_of "$p"
devnet start "$net" custodian-2
ok "and can be started" all_up

# A service manager signals every process of a group.
p=$(pid_of custodian-2)
kill -TERM $(pgrep -s "$p")
ok "it ends when told to" gone "$p"
ok "with nothing left" none_of "$p"
devnet start "$net" custodian-2
ok "and starts again" all_up

# A keeper that does not answer: stopped by a signal, as by a token that hangs.
kill -STOP "$(keeper_of custodian-3)"
p=$(pid_of custodian-3)
b=$(seal standard)
ok "a custodian that hangs is one that is down" quorate status "$b"
kill -TERM "$p"
ok "it ends all the same" gone "$p"
ok "with nothing left" none_of "$p"
devnet start "$net" custodian-3
ok "and catches up" all_up

# --- a token that goes away --------------------------------------------------------------------------
p=$(pid_of custodian-4)
mv "$net/custodian-4/tokens" "$net/custodian-4/elsewhere"
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "without its token a custodian is missed by nobody" quorate release "$r" -o "$work/p1"
for _ in 1 2 3 4 5 6 7; do seal standard >/dev/null; sleep 0.3; done
ok "and does not go down over it" kill -0 "$p"
mv "$net/custodian-4/elsewhere" "$net/custodian-4/tokens"
ok "the token is back, and so is it" all_up

# --- what a command leaves ------------------------------------------------------------------------------
says "release to a folder that is not there" 64 'no such folder' quorate release "$r" -o "$work/none/p.asice"
: >"$work/taken"
says "release over a file" 64 'exists already' quorate release "$r" -o "$work/taken"
says "a full disk" 74 'make room|too large|No space' bash -c "trap '' XFSZ; ulimit -f 8; quorate release '$r' -o '$work/full'"
ok "leaves no part of a package" test -z "$(find "$work" -name 'full*')"
says "opened on a full disk" 74 'make room|too large|No space' \
    bash -c "trap '' XFSZ; ulimit -f 8; quorate open '$work/p1' --key '$net/recipient/key.pem' -d '$work/o1'"
ok "leaves no plaintext" test -z "$(find "$work/o1" -type f)"
mkdir -p "$work/o2/$a"
echo mine >"$work/o2/$a/prompt"
says "opened over a file" 64 'exists already' quorate open "$work/p1" --key "$net/recipient/key.pem" -d "$work/o2"
ok "which stays" grep -q mine "$work/o2/$a/prompt"
ok "alone" test "$(find "$work/o2" -type f | wc -l)" = 1
head -c 2000000 /dev/urandom >"$work/large.bin"	# what is small needs no file
says "a spool without room" 74 'TMPDIR' env TMPDIR="$work/none" quorate seal --policy standard --part "image=$work/large.bin"
says "standard input twice" 64 'one part' quorate seal --policy standard --part a=- --part b=-
for bad in -1 0--1 +1 ' 1' 1-2-3 3-1 x 0-99999; do
	says "segments $bad" 64 'segments' quorate request --artifact "$a" --part image --segments="$bad" --policy standard \
	    --reason x --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
done
says "another charter than the one in the environment" 1 'charter|genesis' \
    env QUORATE_GENESIS="$(printf 'ab%.0s' $(seq 32))" quorate audit --charter "$net/charter.json"

# --- one object, whatever happens ---------------------------------------------------------------------------
json() { # EXIT WORD...
	local want=$1 code=0
	shift
	quorate "$@" --json >"$work/json" 2>/dev/null || code=$?
	[ "$code" = "$want" ] && one_object
}
if command -v node >/dev/null; then
	ok "refused: one object" json 1 release "$(request "$a" standard)" -o "$work/never"
	ok "usage: one object" json 64 seal --nonsense
	ok "no such command: one object" json 64 frobnicate
	ok "verify without a charter: one object" env -u QUORATE_CHARTER bash -c "$(declare -f json one_object); work='$work'; json 2 verify '$work/p1'"
	ok "show: one object" json 0 show "$r"
else
	echo "skipped: node is not installed"
fi

# --- devnet ---------------------------------------------------------------------------------------------------
says "devnet has no such party" 64 'no such party' devnet kill "$net" people
says "devnet is told nonsense" 64 'numbers' devnet up "$work/other" -n many
# A number that was given to another process meanwhile is left alone.
sleep 300 &
stranger=$!
devnet kill "$net" custodian-5
echo "$stranger" >"$net/custodian-5/pid"
echo 1 >"$net/custodian-5/pid.started"
devnet down "$net"
ok "down ends nobody else" kill -0 "$stranger"
kill "$stranger"
says "and says so" 1 'custodian-1 down' devnet status "$net"
none_left() { [ -z "$(pgrep -f "run $work/")" ]; }
ok "down leaves no process behind" none_left
