#!/usr/bin/env bash
# A custodian whose database was put back, lost, or copied to another process: it says so, signs nothing
# twice, and goes on where its peers are.
. "$(dirname "$0")/lib.sh"
net_up n
one=$net/custodian-1

said() { tail -c "+$((before + 1))" "$one/log" | grep -qF -- "$1"; }
all_up() { [ "$(quorate status 2>/dev/null | grep -c DOWN)" = 0 ]; }
held_by_all() { quorate status "$1" 2>/dev/null | grep -q 'held     by 5 of 5'; }
down() { devnet kill "$net" custodian-1; before=$(stat -c %s "$one/log"); }
up() { devnet start "$net" custodian-1; }
copy() { rm -f "$2"/replica.db*; cp "$1"/replica.db* "$2/"; }

a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "all of them hold it" soon held_by_all "$a"

# Put back.
down
mkdir "$work/backup"
copy "$one/state" "$work/backup"
up
ok "stopped and started, it forgot nothing" soon all_up
b=$(seal standard)
ok "and holds what was sealed since" soon held_by_all "$b"
says "no alarm so far" 1 '' grep -c ALARM "$one/log"
down
copy "$work/backup" "$one/state"
up
ok "an older database is an alarm" soon said 'ALARM: this custodian does not remember all that it did'
ok "it catches up with the others" soon said 'caught up with the others after something was forgotten'
(seal standard >/dev/null)
ok "the coordinator has all shares still: none is lacking" test -z "$(grep 'lacks the shares of batch' "$net/coordinator/log")"
devnet kill "$net" custodian-5
c=$(seal standard)
ok "it goes on cosigning: without it there would be no quorum" quorate status "$c"
devnet start "$net" custodian-5
ok "all are back" soon network_ready
ok "a request from before is for the others" quorate release "$r" -o "$work/p1"
ok "its package is valid" quorate verify "$work/p1"
r=$(request "$b" standard)
approve "$r" legal compliance auditor
ok "and one from after for all" quorate release "$r" -o "$work/p2"

# Lost.
down
rm "$one"/state/replica.db*
up
ok "a database that is gone is an alarm as well" soon said 'ALARM: this custodian does not remember all that it did'
ok "the log comes again, and it catches up" soon said 'caught up with the others after something was forgotten'

# Two of it.
before=$(stat -c %s "$one/log")
cp -a "$one/state" "$work/clone"
sed -i 's/"listen": "127.0.0.1:[0-9]*"/"listen": "127.0.0.1:9"/' "$work/clone/custodian.json"
SOFTHSM2_CONF=$one/softhsm2.conf "$QUORATE_BIN/custodiand" run "$work/clone" >"$work/clone.log" 2>&1 &
clone=$!
soon grep -qF 'cosigns and contributes' "$work/clone.log"
(seal standard >/dev/null)
ok "a second one with the same token: the first stops" soon said 'run one only'
kill "$clone" 2>/dev/null
wait "$clone" 2>/dev/null
down
up
ok "alone again, it counts what the other did as forgotten" soon said 'ALARM: this custodian does not remember all that it did'
ok "and goes on" soon all_up
ok "the log replays clean" quorate audit
