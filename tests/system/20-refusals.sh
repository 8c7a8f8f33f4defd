#!/usr/bin/env bash
# What must be refused by running daemons, each with its reason (tests/unit/policy has apply alone).
. "$(dirname "$0")/lib.sh"
net_up n
forge=$tools/forge
void() { # WHAT REASON FILE: logged, and void for that reason
	says "$1" 1 "\"why\": \"$2\"" "$forge" submit "$3"
}
dsse() { "$forge" decision "$@" >"$work/dsse"; }

a=$(seal standard)
b=$(seal veto)
r=$(request "$a" standard)
r2=$(request "$a" standard)

says "the requester approves" 1 'own request|requester' quorate approve "$r" --key "$people/requester.key"
says "a stranger approves" 1 'no key|not named|signature' quorate approve "$r" --key "$people/stranger.key"
says "a role that the policy does not ask for" 1 'role' quorate approve "$r" --key "$people/court.key"

# One human in two roles is one person.
approve "$r" twohats auditor
says "one human in two roles is counted once" 1 'too-few-approvals' quorate release "$r" -o "$work/p"
says "approving twice changes nothing" 0 'approved already' quorate approve "$r" --key "$people/twohats.key"

# Statements that were made for something else, or tampered with.
dsse "$r" --key "$people/legal.key" --genesis "$(printf 'ab%.0s' $(seq 32))"
void "another genesis" 'other-genesis|genesis' "$work/dsse"
dsse "$r" --key "$people/legal.key" --charter "$(printf 'ab%.0s' $(seq 32))"
void "another charter" 'other-charter|charter' "$work/dsse"
dsse "$r" --key "$people/legal.key" --expired
void "an expired approval" 'expired' "$work/dsse"
dsse "$r" --key "$people/legal.key" --seen-root "$(printf 'ab%.0s' $(seq 32))"
void "a signer who saw another log" 'seen|other-log' "$work/dsse"
dsse "$r" --key "$people/legal.key" --flip-signature
says "a broken signature" 1 'signature' "$forge" submit "$work/dsse"
dsse "$(printf 'cd%.0s' $(seq 32))" --key "$people/legal.key"
void "an approval of nothing" 'unknown-subject' "$work/dsse"

dsse "$r2" --key "$people/legal.key"
ok "an approval for one request" "$forge" submit "$work/dsse"
ok "the same statement again is the same entry" sh -c "'$forge' submit '$work/dsse' | grep -q '\"repeated\": true'"
says "an approval for another request does not count here" 1 'too-few-approvals' quorate release "$r" -o "$work/p"
dsse "$r2" --key "$people/compliance.key"
cp "$work/dsse" "$work/first"
"$forge" submit "$work/first" >/dev/null
"$forge" respell "$work/first" >"$work/second"
ok "another spelling is other bytes" sh -c "! cmp -s '$work/first' '$work/second'"
ok "the same statement in another base64 is the same entry" \
    sh -c "'$forge' submit '$work/second' | grep -q '\"repeated\": true'"
says "two people are still two" 1 'too-few-approvals' quorate release "$r2" -o "$work/p"

# Scope and policy.
says "a part that is not there" 64 'no part' quorate request --artifact "$a" --part latent --policy standard \
    --reason x --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
says "a segment that is not there" 1 'segment|scope' quorate request --artifact "$a" --part image --segments 3-7 \
    --policy standard --reason x --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
says "another policy than the one it was sealed under" 1 'policy' quorate request --artifact "$b" \
    --policy standard --reason x --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
says "an unknown artifact" 1 'no artifact' quorate request --artifact 00112233445566778899aabbccddeeff \
    --policy standard --reason x --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
c=$(seal court)
says "a compulsory attachment is missing" 1 'attachment' quorate request --artifact "$c" --policy court --reason x \
    --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
printf 'by order of the court\n' >"$work/order.pdf"
rc=$(request "$c" court --attach "$work/order.pdf")
approve "$rc" court
ok "with the court order it is released" quorate release "$rc" -o "$work/court.asice"
ok "an attachment can be read" quorate show "$rc" --attachments "$work/att"
ok "as it was" cmp "$work/order.pdf" "$work/att/1-court-order"

# Time.
o=$(seal objection)
# Five seconds from the last approval: whoever was slower than that asks anew.
for _ in 1 2 3 4 5 6 7 8; do
	ro=$(request "$o" objection)
	approve "$ro" legal compliance
	began=$(date +%s)
	approve "$ro" auditor
	quorate release "$ro" -o "$work/p" >"$work/said" 2>&1
	code=$?
	[ $(($(date +%s) - began)) -gt 4 ] || break
	rm -f "$work/p"
done
says "within the objection window" 1 'objection' sh -c "cat '$work/said'; exit $code"
t=$(seal timelock)
rt=$(request "$t" timelock)
approve "$rt" legal compliance auditor
says "before the time lock" 1 'time-lock|time lock' quorate release "$rt" -o "$work/p"
ok "after the objection window" soon quorate release "$ro" -o "$work/objection.asice"

# The day's limit (2 artifacts), requests counted together.
d1=$(seal daily)
d2=$(seal daily)
d3=$(seal daily)
r1=$(request "$d1" daily --artifact "$d2")
r3=$(request "$d3" daily)
approve "$r1" legal compliance auditor
approve "$r3" legal compliance auditor
ok "two artifacts a day" quorate release "$r1" -o "$work/day1"
says "a third is over the day's limit" 1 'day' quorate release "$r3" -o "$work/day2"
ok "both artifacts are in the package" quorate open "$work/day1" --key "$net/recipient/key.pem" -d "$work/day"
ok "the first" cmp "$work/image.bin" "$work/day/$d1/image"
ok "the second" cmp "$work/prompt.txt" "$work/day/$d2/prompt"

# An approver's key in a token (P-256).
rcard=$(request "$a" standard)
approve "$rcard" legal auditor
ok "an approval signed in a token" env SOFTHSM2_CONF="$net/card/softhsm2.conf" \
    quorate approve "$rcard" --key "$(cat "$people/card.uri")"
ok "counts" quorate release "$rcard" -o "$work/card.asice"

# A veto, a withdrawal, a revocation: before the order.
rv=$(request "$b" veto)
approve "$rv" compliance auditor
ok "legal denies" quorate deny "$rv" --reason "not ours" --key "$people/legal.key"
says "and that is a veto" 1 'ended|veto' quorate release "$rv" -o "$work/p"
says "whoever denied cannot approve" 1 'denied|vetoed' quorate approve "$rv" --key "$people/legal.key"
rw=$(request "$a" standard)
approve "$rw" legal compliance auditor
ok "an approver takes it back" quorate withdraw "$rw" --key "$people/auditor.key"
says "two are left" 1 'too-few-approvals' quorate release "$rw" -o "$work/p"
ok "the requester withdraws" quorate withdraw "$rw" --key "$people/requester.key"
says "and it is over" 1 'ended|withdrawn' quorate release "$rw" -o "$work/p"

# Between order and contribution: an order stands in the log, then a "no". The order is signed with the
# coordinator's own key, and custodians are asked with its own identity, but not all at once.
order() { # REQUEST [options]: its id
	SOFTHSM2_CONF=$net/coordinator/softhsm2.conf "$forge" order "$net" "$@" >"$work/order" 2>"$work/err" &&
	    "$forge" submit "$work/order" >"$work/json" && field id
}
for no in veto withdrawal revocation; do
	d=$(seal veto)
	rd=$(request "$d" veto)
	approve "$rd" twohats compliance auditor legal 2>/dev/null || approve "$rd" legal auditor
	od=$(order "$rd")
	in_the_end "an order stands: a custodian contributes" 0 '"answer": "ok"' "$forge" contribute "$net" 4 "$od"
	case $no in
	veto) quorate deny "$rd" --reason "stop" --key "$people/twohats.key" >"$work/no" 2>&1 ;;
	withdrawal) quorate withdraw "$rd" --key "$people/requester.key" >"$work/no" 2>&1 ;;
	revocation) quorate revoke "$(quorate charter show | awk '$1 == "auditor" { f = 1; next } f { print $2; exit }')" \
	    --key "$people/auditor.key" >"$work/no" 2>&1 ;;
	esac
	in_the_end "after a $no another custodian does not" 1 '"answer": "(denied|quorum)"' "$forge" contribute "$net" 5 "$od"
	in_the_end "nor the first one, asked again" 1 '"answer": "(denied|quorum)"' "$forge" contribute "$net" 4 "$od"
done
rd=$(request "$a" court 2>/dev/null || true)
rd=$(request "$c" court --attach "$work/order.pdf")
approve "$rd" court
SOFTHSM2_CONF=$net/coordinator/softhsm2.conf "$forge" order "$net" "$rd" --scope "$(printf 'ab%.0s' $(seq 32))" >"$work/dsse"
void "an order for another scope than the request's" 'order-does-not-fit' "$work/dsse"
says "an order that nobody gave" 1 'missing' "$forge" contribute "$net" 1 "$(printf 'ef%.0s' $(seq 32))"

key_of() { quorate charter show | awk -v who="$1" '$1 == who { found = 1; next } found { print $2; exit }'; }
ok "a key is revoked by its owner" quorate revoke "$(key_of legal)" --key "$people/legal.key"
rk=$(request "$a" standard)
says "a revoked key approves" 1 'revoked' quorate approve "$rk" --key "$people/legal.key"

# Checkpoints short of q.
quorate log checkpoint >"$work/note"
sed '$d' "$work/note" | sed '$d' >"$work/short"
says "a checkpoint with fewer than q cosignatures" 1 'cosign|checkpoint' "$forge" append "$net" 1 "$work/short"

ok "after all of it the log replays clean" quorate audit
