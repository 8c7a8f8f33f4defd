#!/usr/bin/env bash
# Custodians compare notes: ready after a start, with peers enough; not before.
. "$(dirname "$0")/lib.sh"
net_up n

log_of() { cat "$net/custodian-$1/log"; }
# ready N: how often custodian N has said so since it was made
ready() { log_of "$1" | grep -c 'cosigns and contributes'; }
ready_is() { [ "$(ready "$1")" = "$2" ]; }

for i in 1 2 3 4 5; do ok "custodian $i compared after its first start" soon ready_is "$i" 1; done
a=$(seal standard)
ok "what is sealed is cosigned" quorate status "$a"

devnet kill "$net" custodian-2
devnet start "$net" custodian-2
ok "one that was killed compares again" soon ready_is 2 2
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "and contributes" quorate release "$r" -o "$work/p1"

# 3 of 5 with f = 1: it needs three peers. Two are not enough.
for i in 3 4 5; do devnet kill "$net" custodian-$i; done
devnet kill "$net" custodian-2
devnet start "$net" custodian-3
devnet start "$net" custodian-2
sleep 2
ok "with two peers a restarted custodian is not ready" ready_is 2 2
in_the_end "status says who is in doubt, and why" 0 'since its start this custodian has compared with [0-2] of the 3' quorate status
ok "it takes what it is sent all the same" soon sh -c "quorate status | grep -q '2  *Compliance'"
devnet start "$net" custodian-4
ok "the third peer makes it ready" soon ready_is 2 3
soon ready_is 3 2
soon ready_is 4 2
b=$(seal standard)
ok "and four of five work on" quorate status "$b"

# All at once: nobody waits for somebody who waits.
devnet start "$net" custodian-5
for i in 1 2 3 4 5; do devnet kill "$net" custodian-$i; done
for i in 1 2 3 4 5; do devnet start "$net" custodian-$i; done
ok "five that start at once become ready" soon ready_is 1 2
c=$(seal standard)
ok "and cosign" quorate status "$c"
ok "the log replays clean" quorate audit
ok "no alarm in all this" sh -c "! grep -h ALARM '$net'/custodian-*/log"
