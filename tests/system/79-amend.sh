# Charters that follow: people and policies change, the floor stays, and a "no" is enough.
. "$(dirname "$0")/lib.sh"
export QUORATE_AMEND_DELAY=1 XDG_CACHE_HOME=$work/cache
net_up n

new=$work/new.json
quorate keygen -o "$people/second.key" >/dev/null
draft() { rm -f "$new"; quorate charter draft --out "$new" >/dev/null; }
propose() { # [options]: prints the amendment's id
	quorate charter amend "$new" --key "$people/requester.key" "$@" --json >"$work/json" 2>"$work/err" ||
	    { cat "$work/err" >&2; return 1; }
	field amendment
}
phase() { quorate show "$1" --json >"$work/json" && field phase; }
until_phase() { # AMENDMENT PHASE
	soon is_in_phase "$@" || { quorate show "$1"; return 1; }
}
is_in_phase() { [ "$(phase "$1")" = "$2" ]; }
json() { node -e 'const fs = require("fs"), f = process.argv[1], c = JSON.parse(fs.readFileSync(f));
    (new Function("c", process.argv[2]))(c); fs.writeFileSync(f, JSON.stringify(c, null, 2));' "$new" "$1"; }

a1=$(seal standard)
r1=$(request "$a1" standard)
approve "$r1" legal compliance
genesis=$(quorate charter show --json | sed -n 's/^ *"genesis": "\(.*\)",*$/\1/p')

# ---- what may not be ----

ok "a draft is made" draft
says "a draft that is there" 64 'exists|already' quorate charter draft --out "$new"
says "nothing to follow" 1 'does not say which charter it amends' quorate charter amend "$QUORATE_CHARTER" --key "$people/requester.key"
json 'c.threshold.h = 5'
says "the threshold stays" 1 'hand-over' quorate charter amend "$new" --key "$people/requester.key"
draft; json 'c.custodians[0].name = "Another"'
says "a custodian stays" 1 'custodian 1.*hand-over' quorate charter amend "$new" --key "$people/requester.key"
says "nor is one added" 64 'hand-over' quorate charter add "$new" custodian "$net/custodian-1/state/enrolment.json"
says "nor is one removed" 64 'hand-over' quorate charter remove "$new" custodian 1
draft; json 'c.coordinator.organisation = "Another"'
says "the coordinator stays" 1 'succession' quorate charter amend "$new" --key "$people/requester.key"
draft; json 'c.amends = c.amends.replace(/^./, (d) => d === "0" ? "1" : "0")'
says "another charter than the one in force" 1 'amends another charter' quorate charter amend "$new" --key "$people/requester.key"
says "an amended document is no trust" 64 'the trust is the network' env QUORATE_CHARTER="$new" quorate list requests
draft; quorate charter remove "$new" person twohats >/dev/null
says "nobody with that key" 1 'no key that the charter lets sign' quorate charter amend "$new" --key "$people/stranger.key"

# ---- somebody comes, somebody goes ----

draft
quorate charter add "$new" person --id second --name "Sam Second" --organisation "Second Auditors" --role auditor \
    --key "$people/second.key.pub" >/dev/null
says "who goes amends nothing either" 0 'no amender any more' quorate charter remove "$new" person legal
json 'c.amend.people.push("twohats")'
m1=$(propose --reason "Lena leaves us")
says "approvers read what changes" 0 'removes person legal, Lena Legal' quorate show "$m1"
says "... and why" 0 'Lena leaves us' quorate show "$m1"
says "... and what it takes" 0 'needs +3 approvals of legal, compliance, auditor, court' quorate show "$m1"
says "it waits for amenders" 0 "$m1" quorate list amendments --awaiting "$people/court.key"
says "the proposer does not approve it" 1 'refused' quorate approve "$m1" --key "$people/requester.key"
says "nor does who is no amender" 1 'refused' quorate approve "$m1" --key "$people/twohats.key"
says "whoever signs is told" 0 'adds person second, Sam Second' quorate approve "$m1" --key "$people/court.key"
ok "approvals" approve "$m1" compliance auditor
ok "custodians consent" until_phase "$m1" in-force
says "in force" 0 'amends +'"$genesis" quorate charter show --in-force
says "which came how" 0 'proposed by Rita Requester' quorate charter history
says "the genesis first" 0 'the genesis' quorate charter history
says "decided is decided" 1 'refused' quorate approve "$m1" --key "$people/legal.key"

# ---- an open request, of which one approval is gone ----

ok "it waits for who was there when it was asked" eval 'quorate list requests --awaiting "$people/auditor.key" | grep -q "$r1"'
ok "... and not for who came later" eval 'quorate list requests --awaiting "$people/second.key" >"$work/list" && ! grep -q "$r1" "$work/list"'
ok "an auditor approves" approve "$r1" auditor
says "who was removed does not count any more" 1 'legal' quorate release "$r1" -o "$work/p0.asice"
says "... and is shown so" 0 'approved, entry [0-9]+ \(does not count\)' quorate show "$r1"
says "nor may approve" 1 'refused' quorate approve "$r1" --key "$people/legal.key"
says "an old approval still says whose it was" 0 'Lena Legal approved' quorate show "$r1"
ok "another of that role" approve "$r1" twohats
ok "released" quorate release "$r1" -o "$work/p1.asice"
ok "valid, from the genesis" quorate verify "$work/p1.asice"
cp "$net/charter.json" "$work/genesis.json"
says "... for a stranger who has nothing else" 0 'VALID' env -i "$bin/quorate" verify "$work/p1.asice" --charter "$work/genesis.json"
quorate charter fetch --out "$work/in-force.json" >/dev/null
says "... and for nobody from a later one" 64 'the trust' env -i "$bin/quorate" verify "$work/p1.asice" --charter "$work/in-force.json"

# ---- rules that nobody here knows ----

draft; json 'c.rules = 2; c.people = "of another shape"'
says "it may be proposed" 0 'will not consent' quorate charter amend "$new" --key "$people/requester.key"
m4=$(awk '$1 == "amendment" { print $2 }' "$work/out")
ok "and approved" approve "$m4" compliance auditor court
sleep 4
says "custodians that do not know them do not consent" 0 '"consents": \[\]' quorate show "$m4" --json
says "who reads it is told" 0 'does not know' quorate show "$m4"
ok "the network goes on" seal standard
ok "whoever proposed it ends it" quorate withdraw "$m4" --key "$people/requester.key"
ok "withdrawn" until_phase "$m4" withdrawn

# ---- laxer, but not for what was sealed before ----

draft
json 'const p = c.policies.find((p) => p.id === "standard"); p.approvals = [{ role: "auditor", count: 1 }]; p.people = 1;
    c.amend.delay_seconds = 12'
mkfifo "$work/slow"
quorate seal --policy standard --part "prompt=$work/slow" >"$work/slow.out" 2>&1 &
sealing=$!
exec 8>"$work/slow"
m2=$(propose)
ok "approvals" approve "$m2" compliance auditor court
ok "in force as well" until_phase "$m2" in-force
echo "under which policy?" >&8
exec 8>&-
code=0; wait $sealing || code=$?
says "what began under another policy is not sealed" 0 'policy standard was amended meanwhile' cat "$work/slow.out"
ok "... and says so" [ $code = 1 ]
r2=$(request "$a1" standard)
ok "the new auditor approves" approve "$r2" second
says "the floor is what it was sealed under" 1 'compliance|legal' quorate release "$r2" -o "$work/p0.asice"
a2=$(seal standard)
r3=$(request "$a2" standard)
ok "of what was sealed since" approve "$r3" second
ok "... one approval is enough" quorate release "$r3" -o "$work/p3.asice"
ok "valid too" quorate verify "$work/p3.asice"
ok "with all that the floor asks" approve "$r2" twohats compliance
ok "the old one as well" quorate release "$r2" -o "$work/p2.asice"
ok "valid" quorate verify "$work/p2.asice"

# ---- a "no" straight to custodians ----

draft; json 'c.name = "Not this"'
m3=$(propose)
ok "nearly all that it needs" approve "$m3" compliance court
began=$SECONDS
ok "the last one" approve "$m3" twohats
"$here/scripts/devnet" kill "$net" coordinator
# One that still has to hear what its author saw takes it later.
says "a veto needs no coordinator" 0 'in effect at [45] of 5' quorate deny "$m3" --reason "not this" --key "$people/auditor.key"
"$here/scripts/devnet" start "$net" coordinator
ok "vetoed" until_phase "$m3" vetoed
left=$((15 - (SECONDS - began)))	# its delay is over then
[ $left -le 0 ] || sleep $left
says "nobody consented" 0 '"consents": \[\]' quorate show "$m3" --json

# ---- all of it, from nothing ----

quorate charter history --json >"$work/json"
ok "three charters" [ "$(grep -c '"how"' "$work/json")" = 3 ]
rm -rf "$XDG_CACHE_HOME"
says "who never saw them follows them" 0 'Sam Second' quorate charter show --in-force
mkdir -p "$XDG_CACHE_HOME/quorate"
head -c 100 /dev/urandom >"$XDG_CACHE_HOME/quorate/$genesis.lineage"
ok "a broken cache is none" quorate list requests
says "audit" 0 'clean' quorate audit
