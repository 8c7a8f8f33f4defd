# What needs no network, and one command that does. Sourced by run.
kept=tests/data/packages
genesis=(--charter "$kept/charter.json")

ok "a key is made" quorate keygen -o "$work/k"
says "not over another" '64|74' 'exists' quorate keygen -o "$work/k"
ok "a TLS identity" quorate keygen --tls -o "$work/host"

# ---- a charter, from its first line to its check
c=$work/draft.json
ok "a draft" quorate charter new -o "$c" --name draft -n 3 -k 2 -f 0
ok "its coordinator" quorate charter add "$c" coordinator "$net/coordinator/state/enrolment.json"
for i in 1 2 3; do ok "custodian $i" quorate charter add "$c" custodian "$net/custodian-$i/state/enrolment.json"; done
ok "a person" quorate charter add "$c" person --id legal --name "Lena" --organisation A --role legal --key "$people/legal.key.pub"
ok "a policy" quorate charter add "$c" policy "$net/policies/standard.json"
says "one that is not there" '64|74' 'none.json' quorate charter add "$c" policy "$work/none.json"
cp "$net/charter.json" "$work/c.json"
ok "signed" quorate charter sign "$work/c.json" --key "$people/legal.key"
says "not by everybody yet" 1 'sign' quorate charter verify "$work/c.json"
ok "verified" quorate charter verify "$net/charter.json"
ok "shown" quorate charter show "$net/charter.json"
printf '{"charter":' >"$work/bad.json"
says "one that is none" '1|64' 'JSON|charter' quorate charter verify "$work/bad.json"

# ---- packages that are kept
ok "a package" quorate verify "$kept/archived.asice" "${genesis[@]}" --html "$work/report.html"
ok "under the second charter" quorate verify "$kept/amended.asice" "${genesis[@]}" --json
says "without a charter" 2 'consistent' env -u QUORATE_CHARTER quorate verify "$kept/partial.asice"
head -c 60000 "$kept/coordinator.asice" >"$work/cut.asice"
says "cut short" 1 'package' quorate verify "$work/cut.asice" "${genesis[@]}"
cp "$kept/coordinator.asice" "$work/bad.asice"
printf '\377\377' | dd of="$work/bad.asice" bs=1 seek=60000 conv=notrunc 2>/dev/null
says "changed" 1 'INVALID|invalid' quorate verify "$work/bad.asice" "${genesis[@]}"
(umask 077; cp "$kept/recipient.key" "$kept/recipient-rsa.key" "$work")
ok "opened" quorate open "$kept/coordinator.asice" "${genesis[@]}" --key "$work/recipient.key" -d "$work/opened"
ok "opened by the recipient alone" quorate open "$kept/recipient.asice" "${genesis[@]}" --key "$work/recipient-rsa.key" -d "$work/opened-rsa"
says "by another" 1 'another key' quorate open "$kept/recipient.asice" "${genesis[@]}" --key "$work/recipient.key" -d "$work/x"

# ---- the log, from files, and over the network once
ok "a checkpoint" patiently quorate log checkpoint
"$bin/quorate" log proof 0 --out "$work/0.tlog-proof"
ok "a proof, offline" quorate log verify "$work/0.tlog-proof"
sed 's/^index 0$/index 1/' "$work/0.tlog-proof" >"$work/1.tlog-proof"
says "of another entry" '1|64' 'proof|entry' quorate log verify "$work/1.tlog-proof"
