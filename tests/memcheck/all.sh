# Every command, as people use them. Sourced by run.
bare() { # not watched
	local n
	for n in 1 2 3 4 5 6; do PATH=$bin:$PATH "$@" && return; sleep 1; done
}
module=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2>/dev/null | head -n 1)
on_card() { SOFTHSM2_CONF=$net/card/softhsm2.conf "$@"; }
head -c 3000 "$work/image.bin" >"$work/small.bin"
export TRIES=10
small=(--part "prompt=$work/prompt.txt" --part "image=$work/small.bin")

# ---- keys and charters
ok "the public half of a key in a token" on_card quorate keygen --from "$(cat "$people/card.uri")" -o "$work/card"
add() { quorate charter add "$c" "$@"; }
ok "a sealer" add sealer --id gateway --organisation A --key "$net/sealer.key.pub" --per-day 5
ok "a class" add class --id standard --retain-days 30
ok "a host" add host --name workstation --certificate "$net/host.crt"
ok "an authority" add tsa --id one --url http://tsa.example/ --certificate "$net/tsa-1/state/ca.pem"
ok "how often it is asked" add anchor --entries 10 --seconds 60
ok "who may amend" add amend --person legal --delay 60
ok "one is taken out" quorate charter remove "$c" sealer gateway
says "a charter of one person" 1 'charter|policy' quorate charter verify "$c"
ok "the keys as a policy" quorate log policy
says "the charter in force, fetched" '0|2' 'in force|does not answer' quorate charter fetch --out "$work/fetched.json"
ok "its history" quorate charter history
ok "the charter in force" quorate charter show --in-force

# ---- seal, ask, decide
ok "sealed" quorate seal --policy standard "${small[@]}" --json
a=$(bare seal standard "${small[@]}")
d=$(bare seal direct "${small[@]}")
says "no such part" '64|74' 'none.bin' quorate seal --policy standard --part "image=$work/none.bin"
says "no such policy" '1|64' 'policy' quorate seal --policy none "${small[@]}"
ok "the network" quorate status
ok "an artifact" quorate status "$a"
says "none such" '1|2|64' '' quorate status "$(printf 'ab%.0s' $(seq 32))"
ok "artifacts" quorate list artifacts
ask() { # ARTIFACT POLICY RECIPIENT [options]
	quorate request --artifact "$1" --policy "$2" --reason "a test" --recipient "$net/$3/cert.pem" --key "$people/requester.key" "${@:4}"
}
ok "asked" ask "$a" standard recipient --attach "$work/prompt.txt" --json
cp "$work/out" "$work/json"
r=$(field request)
says "by whom may not" '1|64' '' quorate request --artifact "$a" --policy standard --reason x --recipient "$net/recipient/cert.pem" --key "$people/stranger.key"
ok "shown" quorate show "$r" --attachments "$work/attached"
ok "requests that wait" quorate list requests --awaiting "$people/legal.key"
says "not without approvals" 1 'too-few-approvals' quorate release "$r" -o "$work/p.asice"
ok "approved" quorate approve "$r" --key "$people/legal.key"
says "twice is once" 0 'approved already' quorate approve "$r" --key "$people/legal.key"
ok "by a card" on_card quorate approve "$r" --key "$(cat "$people/card.uri")"
ok "by a third" quorate approve "$r" --key "$people/auditor.key"
other=$(bare request "$a" standard)
says "denied" '0|1' '' quorate deny "$other" --key "$people/compliance.key" --reason "not this"
says "withdrawn" '0|1' '' quorate withdraw "$other" --key "$people/requester.key"
ok "a request" quorate status "$r"

# ---- released, verified, opened, acknowledged
ok "released" quorate release "$r" -o "$work/p.asice" --archive
ok "verified" quorate verify "$work/p.asice" --html "$work/p.html"
says "by another" 1 'another key' quorate open "$work/p.asice" --key "$people/legal.key" -d "$work/p1"
ok "opened" quorate open "$work/p.asice" --key "$net/recipient/key.pem" -d "$work/p2"
ok "to what was sealed" cmp "$work/small.bin" "$work/p2/$a/image"
says "acknowledged" '0|1' '' quorate acknowledge "$work/p2/opening.p7s" --key "$people/requester.key"
ok "renewed" quorate package renew "$work/p.asice" --out "$work/q.asice"
says "nobody stamps" '1|2|64' '' quorate package renew "$work/p.asice" --tsa http://127.0.0.1:1/ --certificate "$net/tsa-1/state/ca.pem" --out "$work/q2.asice"
bare ask "$d" direct recipient-rsa --json >"$work/json"
r=$(field request)
bare approve "$r" legal compliance auditor
ok "released to the recipient alone" quorate release "$r" -o "$work/d.asice"
ok "who opens it" quorate open "$work/d.asice" --key "$net/recipient-rsa/key.pem" -d "$work/d2" --json

# ---- keys revoked, charters amended
key=$(sed -n 's/^key id //p' <(bare quorate keygen --from "$people/compliance.key" -o "$work/again"))
says "a key is revoked" '0|1' '' quorate revoke "$key" --key "$people/compliance.key" --reason lost
ok "a charter to follow" quorate charter draft --out "$work/new.json"
sed -i 's/Lena Legal/Lena Lawful/' "$work/new.json"
ok "proposed" quorate charter amend "$work/new.json" --key "$people/requester.key" --reason "she married" --json
cp "$work/out" "$work/json"
ok "amendments" quorate list amendments
ok "one of them" quorate show "$(field amendment)"

# ---- the log
ok "an entry" quorate log entry 1
says "none such" '1|64' 'entr' quorate log entry 99999
ok "a proof" quorate log proof 2 --out "$work/2.tlog-proof"
ok "checked" quorate log verify "$work/2.tlog-proof"
ok "all of it" quorate log export "$work/log"
ok "audited from files" quorate audit --from "$work/log"
ok "audited" quorate audit
ok "and again, from where it was" quorate audit --json
# Custodians are given a few seconds, whoever asks: slowed down so, it may end without their answers.
says "nobody signed two pasts" '0|2' 'custodians' quorate log accuse
stamped=$(bare quorate status --json | sed -n 's/.*"entry": *\([0-9]*\).*/\1/p' | head -n 1)
ok "an anchor" quorate log anchor "${stamped:-1}" --out "$work/anchor"
devnet kill "$net" coordinator
TRIES=1
says "nobody answers" 2 '' quorate status
says "nor to a request" '2|74' '' ask "$a" standard recipient
says "nor to an audit" '2|74' '' quorate audit --state "$work/fresh"
