#!/usr/bin/env bash
# Shares are checked in the background: `checked` stands in the log within a minute, a sealer that gives
# one custodian garbage (tests/liars/wrap/quorate.c) is found out at once, and nothing is lost.
. "$(dirname "$0")/lib.sh"
liars=${LIARS:-$(dirname "$tools")/liars}
net_up n
lying_seal() { LIE_TO=$1 PATH=$liars/bin:$PATH seal standard; }
audited() { # N WORDS: the audit says so of N custodians
	quorate audit >"$work/audit" 2>&1
	[ "$(grep -cE -- "$2" "$work/audit")" = "$1" ]
}

good=$(seal standard)
began=$SECONDS
bad=$(lying_seal 3)
ok "what a lying sealer seals is sealed" quorate status "$bad"
ok "garbage is in the log at once" soon audited 1 '^ *3 .*GARBAGE instead of 1 share'
ok "and in no other custodian's name" sh -c "[ \$(grep -c GARBAGE '$work/audit') = 1 ]"
ok "the custodian's own log says so" grep -q 'ALARM: the sealer of batch .* gave this custodian garbage: 1 of 1' "$net/custodian-3/log"
nothing_waits() { quorate status >"$work/status" && grep -q entries "$work/status" && ! grep -q 'not checked yet' "$work/status"; }
ok "nothing waits, says status of every custodian" soon nothing_waits

for id in "$good" "$bad"; do
	r=$(request "$id" standard)
	approve "$r" legal compliance auditor
	ok "it is released, by those who can" quorate release "$r" -o "$work/$id.asice"
	ok "and opens" quorate open "$work/$id.asice" --key "$net/recipient/key.pem" -d "$work/$id"
	ok "to what was sealed" cmp "$work/image.bin" "$work/$id/$id/image"
done

# One wait: a run is said a minute after its first batch.
left=$((70 - (SECONDS - began)))
[ $left -le 0 ] || sleep $left
ok "every custodian has said what it checked" soon audited 5 'checked 2 of 2 batches'

# Ended and started again it says nothing twice.
entries() { quorate log checkpoint | sed -n 2p; }
before=$(entries)
for i in 1 2 3 4 5; do devnet kill "$net" custodian-$i; done
for i in 1 2 3 4 5; do devnet start "$net" custodian-$i; done
soon network_ready
sleep 3
ok "after a restart nothing is said again" [ "$(entries)" = "$before" ]
ok "the log replays clean" quorate audit
