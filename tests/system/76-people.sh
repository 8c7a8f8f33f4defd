#!/usr/bin/env bash
# What people say and see past the coordinator: a "no" is in effect at once, whoever is down, and logged in
# the end; what is missing in the log is visible; nothing of this needs a client certificate.
. "$(dirname "$0")/lib.sh"
net_up n
forge=$tools/forge
bare() { env -u QUORATE_TLS_CERT -u QUORATE_TLS_KEY "$@"; }
hex=$(printf 'ab%.0s' $(seq 32))
key_of() { quorate charter show | awk -v who="$1" '$1 == who { found = 1; next } found { print $2; exit }'; }
order() { # REQUEST: the id of an order for it
	SOFTHSM2_CONF=$net/coordinator/softhsm2.conf "$forge" order "$net" "$1" >"$work/order" 2>"$work/err" &&
	    "$forge" submit "$work/order" >"$work/json" && field id
}
nothing_missing() { quorate status >"$work/status" && ! grep -q MISSING "$work/status"; }
# What the last command said, once more.
also() { cp "$work/out" "$work/said"; ok "$1" grep -qE -- "$2" "$work/said"; cp "$work/said" "$work/out"; }
soon network_ready

a=$(seal veto)
r1=$(request "$a" veto) r2=$(request "$a" veto) r3=$(request "$a" veto) r4=$(request "$a" veto)

# All of them up.
says "a denial is logged" 0 '^denied: entry [0-9]+, cosigned by a quorum' quorate deny "$r1" --reason "not ours" --key "$people/legal.key"
also "and in effect everywhere" '^in effect at 5 of 5 custodians$'
says "a second one is void, and says why" 1 'refused: ' quorate deny "$r1" --reason "not ours" --key "$people/legal.key"
ok "status tells of every custodian" sh -c "quorate status | grep -c ' up, [0-9]* entries' | grep -qx 5"
ok "nothing is missing" nothing_missing
says "no accusation" 0 'no accusation: 5 of 5' quorate log accuse
says "nor without a certificate" 0 'no accusation: 5 of 5' bare quorate log accuse
: >"$work/none"
says "an empty file is no accusation" 1 'does not hold' quorate log accuse "$work/none"
says "nor is a checkpoint" 1 'does not hold' sh -c "quorate log checkpoint >'$work/note'; quorate log accuse '$work/note'"
says "a file that is not there" 64 'o such file' quorate log accuse "$work/nofile"
says "a file and --out" 64 'not both' quorate log accuse "$work/none" --out "$work/x"
says "--out elsewhere" 64 'does not go with' quorate log checkpoint --out "$work/x"

# The coordinator hangs: the "no" does not wait for it.
soon approve "$r2" twohats compliance auditor legal
o2=$(order "$r2")
kill -STOP "$(cat "$net/coordinator/pid")"
(quorate deny "$r2" --reason "stop" --key "$people/legal.key" >"$work/slow" 2>&1; echo "exit $?" >>"$work/slow") &
in_the_end "meanwhile no custodian contributes" 1 '"answer": "denied"' "$forge" contribute "$net" 4 "$o2"
in_the_end "none at all" 1 '"answer": "denied"' "$forge" contribute "$net" 1 "$o2"
kill -CONT "$(cat "$net/coordinator/pid")"
wait $!
ok "the command says so" grep -q '^exit 0$' "$work/slow"
ok "and it is logged in the end" soon nothing_missing

# The coordinator is dead.
devnet kill "$net" coordinator
says "a denial without it, and without a certificate" 0 'in effect at 5 of 5 custodians' \
    bare quorate deny "$r3" --reason "stop" --key "$people/legal.key"
also "it is expected in the log" 'expected in the log'
says "a withdrawal" 0 '"taken": 5' quorate withdraw "$r4" --key "$people/requester.key" --json
says "a revocation" 0 'in effect at 5 of 5' quorate revoke "$(key_of auditor)" --key "$people/auditor.key"
says "status: it does not answer" 2 'the coordinator: .*cannot be reached' quorate status
also "a denial is missing" '^  20.* denial  *legal .* at 5 of 5 custodians'
also "a withdrawal is missing" '^  20.* withdrawal  *requester '
also "a revocation is missing" '^  20.* revocation  *auditor '
says "strangers are told how many" 2 '3 statements were handed in' bare quorate status
says "for programs" 2 '"handed": 3' quorate status --json
says "a stranger's denial" 1 'refused: signed by nobody' quorate deny "$r3" --reason x --key "$people/stranger.key"
says "an id that nobody knows" 2 'nobody took it; a custodian says: ' quorate deny "$hex" --reason x --key "$people/legal.key"
says "an approval must be seen first" 2 'must be seen first' quorate approve "$r3" --key "$people/auditor.key"
says "so must artifacts" 2 'must be looked up first' quorate request --artifact "$a" --policy veto --reason x \
    --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
says "still no accusation" 0 'no accusation' quorate log accuse

# And custodians, too.
a5=$(key_of court)
devnet kill "$net" custodian-5
says "one down: the others suffice" 0 'in effect at 4 of 5' quorate revoke "$a5" --key "$people/court.key"
also "and it is named" 'not at 5 .*cannot be reached'
devnet kill "$net" custodian-4
says "two down: in effect where it can be" 2 'in effect at 3 of 5' quorate revoke "$(key_of compliance)" --key "$people/compliance.key"
also "and what to do next" 'only 3 of 5 custodians took it .4 suffice.*again'
says "too few to tell of an accusation" 2 'only 3 of 5' quorate log accuse

# They return: all of it is logged, and nobody handed it in again.
for p in custodian-4 custodian-5 coordinator; do devnet start "$net" $p; done
ok "all of it is logged" soon nothing_missing
ok "and all are back" soon network_ready
says "and audited" 0 '^clean: ' quorate audit
for what in 'denial +legal' 'withdrawal +requester' 'revocation +auditor' 'revocation +court' 'revocation +compliance'; do
	also "effective: $what" "Z  $what +about [0-9a-f]+\$"
done
also "who checked what" '^  1 .*checked [0-9]+ of [0-9]+ batches'
also "what custodians say beside the log" '5 of 5 custodians were asked .*: nothing'

# A request that does not get its quorum is handed on as well.
devnet kill "$net" custodian-4
devnet kill "$net" custodian-5
says "a request without a quorum" 2 'handed to 3 custodians; it is expected in the log' quorate request --artifact "$a" \
    --policy veto --reason x --recipient "$net/recipient/cert.pem" --key "$people/requester.key"
for p in custodian-4 custodian-5; do devnet start "$net" $p; done
all_cosigned() { quorate status >"$work/status" && sed -n '1s/.*: \([0-9]*\) entries, \([0-9]*\) of.*/\1 \2/p' "$work/status" | grep -qE '^([0-9]+) \1$'; }
ok "it is logged when they return" soon all_cosigned
ok "at the end the log replays clean" quorate audit

# A coordinator that signs two pasts: everybody can see it, prove it, and still say no.
devnet down "$net"
net_up forked
soon network_ready
a=$(seal veto)
r=$(request "$a" veto)
devnet kill "$net" coordinator
LIAR_DEVNET=$here/scripts/devnet "${LIARS:-$(dirname "$tools")/liars}/coordinator" "$net" logs forked >"$work/liar" 2>&1
accused() { quorate log accuse >"$work/accused"; [ $? = 1 ]; }
ok "the custodians accuse it" soon accused
in_the_end "status is loud" 1 '^ACCUSATION: ' quorate status
in_the_end "custodians contribute to nothing" 1 '^  1 .*CONTRIBUTES TO NOTHING: ' quorate status
says "the proof goes to a file" 1 'the proof is in' quorate log accuse --out "$work/proof"
says "which anybody checks, offline" 0 'signed two checkpoints that cannot both be true' \
    bare quorate log accuse "$work/proof"
sed '2s/ ./ A/' "$work/proof" >"$work/altered"
cmp -s "$work/proof" "$work/altered" && sed '2s/ ./ B/' "$work/proof" >"$work/altered"
says "and not when it was altered" 1 'does not hold' quorate log accuse "$work/altered"
QUORATE_CHARTER=$work/n/charter.json says "nor for another network" 1 'does not hold' quorate log accuse "$work/proof"
says "a no is taken as before" 0 'in effect at 5 of 5' quorate deny "$r" --reason "stop" --key "$people/legal.key"
