#!/usr/bin/env bash
# Many escrows: at most 450 bytes of disk each, and a start that reads none of them.
. "$(dirname "$0")/lib.sh"
n=${ESCROWS:-60000}
net_up n
a=$(seal standard)
devnet kill "$net" custodian-1
ok "$n escrows take at most 450 bytes each" "$tools/fill" "$net/custodian-1/state/replica.db" "$n"
cat "$work/out"
before=$(grep -c ready "$net/custodian-1/log")
began=$(date +%s%N)
devnet start "$net" custodian-1
for _ in $(seq 6000); do [ "$(grep -c ready "$net/custodian-1/log")" -gt "$before" ] && break; sleep 0.02; done
ms=$((($(date +%s%N) - began) / 1000000))
echo "started in $ms ms with $n escrows more"
pid=$(cat "$net/custodian-1/pid")
reads() { cat /proc/"$1"/io 2>/dev/null | sed -n 's/^rchar: //p'; }
keeper=$(pgrep -s "$pid" -x keeper)
ok "it read less than 4 MiB to start" test "$(reads "$keeper")" -lt 4194304
ok "the keeper stays small" test "$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$keeper/status")" -lt 32768
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "and it goes on as before" quorate release "$r" -o "$work/p"
