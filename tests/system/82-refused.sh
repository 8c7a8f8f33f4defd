#!/usr/bin/env bash
# Releases that custodians refuse: the user reads why, who asks again and again fills no log, and when
# the reason is gone the release completes.
. "$(dirname "$0")/lib.sh"
liars=${LIARS:-$(dirname "$tools")/liars}
net_up n
orders() { grep -c ' order [0-9a-f]*: effective' "$net/coordinator/log"; }
restart() { # CLOCK CUSTODIAN...: with a clock so many seconds off
	local clock=$1 i
	shift
	for i; do
		devnet kill "$net" "custodian-$i"
		CLOCK_IS=$clock LD_PRELOAD=$liars/clock.so devnet start "$net" "custodian-$i"
	done
	soon network_ready
}
soon network_ready
a=$(seal standard)

# Three whose clocks are a day ahead: to them every order has expired.
r=$(request "$a" standard)
approve "$r" legal compliance auditor
restart +86400 3 4 5
says "three refuse: one of them says why" 1 'custodians-refuse.*custodian [345] \(' quorate release "$r" -o "$work/p"
ok "there is one order" test "$(orders)" = 1
for i in 1 2 3 4 5; do
	says "asked again: the same words, and for how long" 1 'custodian [345] .*no new order for [0-9]+ s' quorate release "$r" -o "$work/p"
done
ok "there is still one order" test "$(orders)" = 1
restart +0 3 4 5
ok "with their clocks right it completes" soon quorate release "$r" -o "$work/late.asice"
ok "with one order more" test "$(orders)" = 2
ok "it opens" quorate open "$work/late.asice" --key "$net/recipient/key.pem" -d "$work/late"
ok "to what was sealed" cmp "$work/image.bin" "$work/late/$a/image"

# A "no" that the coordinator has not heard of when it is asked to release.
r=$(request "$a" standard)
approve "$r" legal compliance auditor
devnet kill "$net" coordinator
ok "a withdrawal goes to custodians" quorate withdraw "$r" --key "$people/requester.key"
devnet start "$net" coordinator
soon quorate list requests
says "the real reason, not only that they refuse" 1 'refused \(request-ended\)' quorate release "$r" -o "$work/p"
ok "the log replays clean" quorate audit
