#!/usr/bin/env bash
# Custodians down, a coordinator killed: what must still work, what must wait, what must not be lost.
. "$(dirname "$0")/lib.sh"
net_up n

a=$(seal standard)
devnet kill "$net" custodian-5
b=$(seal standard)
ok "n-q down: seal works" quorate status "$b"
r=$(request "$b" standard)
approve "$r" legal compliance auditor
ok "n-q down: release works" quorate release "$r" -o "$work/p1"

devnet kill "$net" custodian-4
says "n-q+1 down: sealing says what it waits for" 2 'not yet|cosigned|custodians' \
    quorate seal --policy standard --part "prompt=$work/prompt.txt"
r2=
says "n-q+1 down: a request says what it waits for" 2 'custodians' quorate request --artifact "$a" \
    --policy standard --reason x --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
ok "the network says who is down" sh -c "quorate status | grep -q DOWN"
devnet start "$net" custodian-4
down() { quorate status >"$work/status" && [ "$(grep -cE 'DOWN|NOT READY' "$work/status")" = "$1" ]; }	# so many are
soon down 1
c=$(seal standard)
ok "it works when one returns" quorate status "$c"
devnet start "$net" custodian-5
ok "the other one catches up" soon down 0
in_the_end "and holds its shares" 0 'held     by 5 of 5' quorate status "$b"

# The coordinator dies at any moment of a release: asked again, it completes.
for delay in 0.01 0.05 0.1 0.2; do
	r=$(request "$a" standard)
	approve "$r" legal compliance auditor
	(quorate release "$r" -o "$work/mid-$delay" >/dev/null 2>&1) &
	sleep "$delay"
	devnet kill "$net" coordinator
	wait $!
	devnet start "$net" coordinator
	soon quorate log checkpoint
	rm -f "$work/mid-$delay"
	ok "a release interrupted after $delay s completes" quorate release "$r" -o "$work/mid-$delay"
	ok "and its package is valid" quorate verify "$work/mid-$delay"
done

# All custodians killed and started again: nothing acknowledged is lost.
for i in 1 2 3 4 5; do devnet kill "$net" custodian-$i; done
for i in 1 2 3 4 5; do devnet start "$net" custodian-$i; done
soon network_ready
r=$(request "$c" standard)
approve "$r" legal compliance auditor
ok "after kill -9 of every custodian, what was sealed opens" quorate release "$r" -o "$work/p2"
ok "its bytes" sh -c "quorate open '$work/p2' --key '$net/recipient/key.pem' -d '$work/o2' && cmp '$work/image.bin' '$work/o2/$c/image'"
ok "the log replays clean" quorate audit
devnet down "$net"
none_left() { [ -z "$(pgrep -f "d run $net/")" ]; }
ok "down leaves no process behind" none_left
