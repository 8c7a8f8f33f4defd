#!/usr/bin/env bash
# A custodian that lies (tests/liars/wrap/custodian.c), one of five, which is what f = 1 bears: releases
# complete, packages verify and open, the honest go on, and the liar is named.
. "$(dirname "$0")/lib.sh"
liars=${LIARS:-$(dirname "$tools")/liars}
net_up n
devnet kill "$net" custodian-2
liar_starts() { QUORATE_BIN=$liars/bin devnet start "$net" custodian-2; }
liar_starts
coordinator_said() { tail -c "+$((before + 1))" "$net/coordinator/log" | grep -qE -- "$1"; }
# The coordinator must have it again, too, or it asks others.
up() { quorate status 2>/dev/null | grep -E '^ *2 .*up' | grep -qvE 'the coordinator says|NOT READY|CONTRIBUTES'; }

policy=standard
# One artifact, sealed, requested, approved: $r, $a. The liar lies from here on.
ready() { # LIE
	rm -f "$net/custodian-2/state/lie"
	soon up
	a=$(seal "$policy")
	r=$(request "$a" "$policy")
	approve "$r" legal compliance auditor
	before=$(stat -c %s "$net/coordinator/log")
	[ "$1" = honest ] || echo "$1" >"$net/custodian-2/state/lie"
}
released() { # LIE: whatever it is, the release stands
	ok "$1: the release completes" quorate release "$r" -o "$work/$1.asice"
	cp "$work/out" "$work/release"
	ok "$1: the package verifies" quorate verify "$work/$1.asice"
	ok "$1: and opens" quorate open "$work/$1.asice" --key "$net/recipient/key.pem" -d "$work/$1"
	ok "$1: to what was sealed" cmp "$work/image.bin" "$work/$1/$a/image"
}
named() { grep -q 'ANSWERED WRONGLY: custodian 2' "$work/release"; }

ready honest
released honest
ok "honest: nobody is named" sh -c "! grep -q WRONGLY '$work/release'"

# It answers, and the answer is wrong: its receipt is in the log, and so is what it was worth.
wrong=0
for lie in wrong-point wrong-proof garbage receipt-message receipt-root; do
	ready $lie
	released $lie
	wrong=$((wrong + 1))
	ok "$lie: the liar is named" named
	ok "$lie: the operator reads it" soon coordinator_said 'custodian 2|mask 2'
	says "$lie: and every audit" 0 "WRONG CONTRIBUTIONS: $wrong" quorate audit
done

# Where custodians answer the recipient alone, nobody on the way can see that an answer is wrong: f more
# than are needed go into the package, and the recipient opens it with the good ones.
policy=direct
for lie in wrong-proof garbage; do
	ready $lie
	ok "direct, $lie: the release completes" quorate release "$r" -o "$work/direct-$lie.asice"
	ok "direct, $lie: the package verifies" quorate verify "$work/direct-$lie.asice"
	ok "direct, $lie: and opens" quorate open "$work/direct-$lie.asice" --key "$net/recipient/key.pem" -d "$work/direct-$lie"
	ok "direct, $lie: to what was sealed" cmp "$work/image.bin" "$work/direct-$lie/$a/image"
done
policy=standard

# Its answer does not even speak of this order, or in its name.
for lie in other-order receipt-name; do
	ready $lie
	released $lie
	ok "$lie: the operator reads it" soon coordinator_said 'custodian 2 .*(wrongly|receipt)'
done

# It does not answer orders any more; nor does it anything else then, having one thread.
ready silence
released silence
ok "silence: the operator reads it" soon coordinator_said 'custodian 2 .*is silent'
devnet kill "$net" custodian-2
liar_starts

# It computes another state than the others: releases go on without it.
ready old-digest
seal standard >/dev/null
ok "old-digest: it is frozen out" soon sh -c 'quorate status | grep -qE "^ *2 .*FROZEN"'
released old-digest
ok "old-digest: the operator reads it" soon coordinator_said 'custodian 2'

# Frozen it stays, for the coordinator.
up() { quorate status 2>/dev/null | grep -qE '^ *2 .*up'; }

# What it tells its peers: one that was restarted believes the others, and goes on with them.
for lie in peer-claims peer-state peer-garbage peer-flood; do
	ready $lie
	devnet kill "$net" custodian-3
	mark=$(stat -c %s "$net/custodian-3/log")
	devnet start "$net" custodian-3
	ok "$lie: a peer is ready all the same" soon sh -c "tail -c +$((mark + 1)) '$net/custodian-3/log' | grep -q 'cosigns and contributes'"
	# With another one down it is needed.
	devnet kill "$net" custodian-1
	released $lie
	ok "$lie: the peer that was lied to contributed" soon sh -c "tail -c +$((mark + 1)) '$net/custodian-3/log' | grep -q 'contributed to order'"
	devnet start "$net" custodian-1
	[ $lie = peer-claims ] ||	# one peer's word alone says nothing
	    ok "$lie: its operator reads it" soon sh -c "tail -c +$((mark + 1)) '$net/custodian-3/log' | grep -qE 'custodian 2 .*another state|malformed answer of custodian 2|custodian 2: a malformed answer|custodian 2 did not sign'"
done

rm "$net/custodian-2/state/lie"
ok "after all of it the log replays clean" quorate audit
