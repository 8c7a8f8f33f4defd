#!/usr/bin/env bash
# The coordinator's log.db is put back from a copy and goes on from there: its key signs a second past.
# Custodians keep the first, both sides say so loudly, and nothing is released.
. "$(dirname "$0")/lib.sh"
net_up n
log=$net/coordinator/log
said() { grep -qE -- "$1" "$log"; }
soon network_ready
a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal compliance auditor

# What was logged after the copy is lost to it, and not to custodians.
devnet kill "$net" coordinator
cp -a "$net/coordinator/state" "$work/copy"
devnet start "$net" coordinator
soon network_ready
request "$a" standard >/dev/null
devnet kill "$net" coordinator
rm -rf "$net/coordinator/state"
mv "$work/copy" "$net/coordinator/state"
devnet start "$net" coordinator
ok "it says that custodians hold more, and what to do" soon said 'ALARM: custodian [1-5] .*holds more entries than this log'
says "nothing is released" 1 'frozen' quorate release "$r" -o "$work/p"

# Whoever hands something in now makes the log as long, and another one.
for i in 1 2 3 4 5 6 7 8; do timeout 20 quorate request --artifact "$a" --policy standard --reason "again" \
    --recipient "$net/recipient/cert.pem" --key "$people/requester.key" >/dev/null 2>&1
	[ $i -lt 3 ] || ! said 'refuses this log' || break
done
ok "custodians refuse what it signs, and it says so" soon said 'ALARM: custodian [1-5] .*refuses this log'
ok "it hears that its key is accused" soon said 'ALARM: the key of this log signed two pasts'
ok "once" test "$(grep -c 'ALARM: the key of this log' "$log")" = 1
in_the_end "anybody can see the proof" 0 'two pasts|accus' sh -c "quorate log accuse; true"
says "still nothing is released" '[12]' 'frozen|answer|needed' quorate release "$r" -o "$work/p"
