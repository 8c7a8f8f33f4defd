#!/usr/bin/env bash
# The coordinator's log.db is put back from a copy and goes on from there: its key signs a second past.
# Custodians keep the first, both sides say so loudly, and nothing is released.
. "$(dirname "$0")/lib.sh"
net_up n
log=$net/coordinator/log
until_ok() { local i; for i in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.3; done; return 1; }
ready() { quorate status >"$work/status" && ! grep -qE 'DOWN|NOT READY|CONTRIBUTES' "$work/status"; }
said() { grep -qE -- "$1" "$log"; }
until_ok ready
a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal compliance auditor

# What was logged after the copy is lost to it, and not to custodians.
devnet kill "$net" coordinator
cp -a "$net/coordinator/state" "$work/copy"
devnet start "$net" coordinator
until_ok ready
request "$a" standard >/dev/null
devnet kill "$net" coordinator
rm -rf "$net/coordinator/state"
mv "$work/copy" "$net/coordinator/state"
devnet start "$net" coordinator
ok "it says that custodians hold more, and what to do" until_ok said 'ALARM: custodian [1-5] .*holds more entries than this log'
says "nothing is released" 1 'frozen' quorate release "$r" -o "$work/p"

# Whoever hands something in now makes the log as long, and another one.
for i in 1 2 3; do timeout 20 quorate request --artifact "$a" --policy standard --reason "again" \
    --recipient "$net/recipient/cert.pem" --key "$people/requester.key" >/dev/null 2>&1; done
ok "custodians refuse what it signs, and it says so" until_ok said 'ALARM: custodian [1-5] .*refuses this log'
ok "it hears that its key is accused" until_ok said 'ALARM: the key of this log signed two pasts'
ok "once" test "$(grep -c 'ALARM: the key of this log' "$log")" = 1
says "anybody can see the proof" 0 'two pasts|accus' sh -c "quorate log accuse; true"
says "still nothing is released" '[12]' 'frozen|answer|needed' quorate release "$r" -o "$work/p"
