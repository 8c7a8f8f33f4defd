#!/usr/bin/env bash
# Many who wait for custodians do not keep the others from being heard.
. "$(dirname "$0")/lib.sh"
net_up w
slow=${SLOW:-1}		# times as slow as usual: programs built with a sanitizer

a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal compliance auditor
r2=$(request "$a" standard)

signal() { local i; for i in 2 3 4 5; do pkill "-$1" -s "$(cat "$net/custodian-$i/pid")"; done; }
crowd() { # COMMAND...: forty at once, in the background
	local i
	jobs=()
	for i in $(seq 40); do "$@" >/dev/null 2>&1 & jobs+=($!); done
	sleep 2
}

signal STOP
crowd timeout $((90 * slow)) quorate release "$r" -o "$work/p"
ok "forty ask for one release: who asks something else is answered" timeout $((20 * slow)) quorate log entry 0
signal CONT
wait "${jobs[@]}"
rm -f "$work/p"
ok "and it is released" quorate release "$r" -o "$work/p"

for i in 2 3 4 5; do devnet kill "$net" custodian-$i; done
sleep 1
crowd timeout $((60 * slow)) quorate approve "$r2" --key "$people/legal.key"
ok "forty wait for custodians that are down: who asks something else is answered" timeout $((20 * slow)) quorate log entry 0
wait "${jobs[@]}"
for i in 2 3 4 5; do devnet start "$net" custodian-$i; done
soon network_ready
ok "all of it is in the log" quorate audit
