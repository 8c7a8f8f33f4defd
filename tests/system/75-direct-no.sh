#!/usr/bin/env bash
# A veto that only one custodian got, from somebody without a certificate, while the coordinator is down: it is
# everywhere within a second, nothing is released over it, and the log shows it in the end.
. "$(dirname "$0")/lib.sh"
net_up n
forge=$tools/forge
order() { # REQUEST: the id of an order for it, given as the coordinator's own key can
	SOFTHSM2_CONF=$net/coordinator/softhsm2.conf "$forge" order "$net" "$1" >"$work/order" 2>"$work/err" &&
	    "$forge" submit "$work/order" >"$work/json" && field id
}
nothing_missing() { quorate status >"$work/status" && ! grep -q MISSING "$work/status"; }
objects() { "$forge" contribute "$net" "$1" "$2" | grep -q 'was handed to this custodian'; }
soon network_ready

a=$(seal veto)
r=$(request "$a" veto)
approve "$r" legal compliance auditor
o=$(order "$r")
soon network_ready
in_the_end "before, they contribute" 0 '"answer": "ok"' "$forge" contribute "$net" 5 "$o"
"$forge" decision "$r" --deny --key "$people/legal.key" >"$work/no"
"$forge" decision "$r" --deny --key "$people/stranger.key" >"$work/stranger"
"$forge" decision "$r" --deny --key "$people/legal.key" --flip-signature >"$work/flipped"
"$forge" decision "$r" --deny --key "$people/legal.key" --genesis "$(printf 'ab%.0s' $(seq 32))" >"$work/elsewhere"
"$forge" decision "$r" --deny --key "$people/legal.key" --expired >"$work/expired"
"$forge" decision "$r" --deny --key "$people/legal.key" --subject "$o" >"$work/nothing"
devnet kill "$net" coordinator

# What is no "no" of theirs stops nothing.
says "a stranger's" 1 'nobody whom the charter lists' "$forge" hand 3 "$work/stranger"
says "a broken signature" 1 'nobody whom the charter lists' "$forge" hand 3 "$work/flipped"
says "another network's" 0 '"taken": false.*"why": "genesis|"why": "[a-z-]*genesis' "$forge" hand 3 "$work/elsewhere"
says "an expired one" 0 '"why": "expired"' "$forge" hand 3 "$work/expired"
says "about nothing" 2 'check the id, or hand it in again' "$forge" hand 3 "$work/nothing"
says "no statement" 1 'no statement' "$forge" hand 3 "$work/prompt.txt"
in_the_end "the order is carried out still" 0 '"answer": "ok"' "$forge" contribute "$net" 4 "$o"

# The veto, to one of them.
says "taken" 0 '"taken": true' "$forge" hand 3 "$work/no"
ok "there at once" objects 3 "$o"
for i in 1 2 3 4 5; do ok "soon at custodian $i" soon objects "$i" "$o"; done
says "taken once" 0 '"taken": true' "$forge" hand 5 "$work/no"
in_the_end "seen by those of the network" 2 'denial .*legal .*at 5 of 5 custodians' quorate status
devnet kill "$net" custodian-3
devnet start "$net" custodian-3
ok "it is not forgotten over a restart" soon objects 3 "$o"

# The coordinator returns.
devnet start "$net" coordinator
ok "it is logged" soon nothing_missing
says "and counts there" 0 '"effective": true' "$forge" submit "$work/no"
in_the_end "the log says no now" 1 'request-ended' "$forge" contribute "$net" 2 "$o"
says "so does whoever asks for a release" 1 'ended|veto' quorate release "$r" -o "$work/never"
ok "the log replays clean" quorate audit

# Strangers are let in a few at a time; nobody else notices.
says "too many calls" '[0-9]+' '"limited": [1-9]' "$forge" hand 1 "$work/stranger" --times 300
b=$(seal standard)
ok "the network works meanwhile" quorate status "$b"
in_the_end "and who waits a second is heard" 1 'nobody whom the charter lists' "$forge" hand 1 "$work/stranger"
