#!/usr/bin/env bash
# Opening: by a key in a file and in a token, of EC and of RSA, in both modes; the recipient's signed
# word for it, who lied by it, and how that comes into the log and into every audit.
. "$(dirname "$0")/lib.sh"
liars=${LIARS:-$(dirname "$tools")/liars}
net_up n
for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do [ -e "$module" ] && break; done

# A smart card with the recipients' keys, which other programs put there.
card=$work/card
mkdir "$card" "$card/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$card/tokens" >"$card/conf"
(umask 077; echo 4711 >"$card/pin"; echo 4712 >"$card/wrong-pin")
on_card() { SOFTHSM2_CONF=$card/conf "$@"; }
on_card softhsm2-util --init-token --free --label card --pin 4711 --so-pin 4711 >/dev/null
uri() { echo "pkcs11:token=card;object=$1?pin-source=$card/${2:-pin}&module-path=$module"; }
put() { on_card "$tools/card" "$(uri none)" "$1" "$2" "$3" || echo "$2 does not go into the card"; }	# KEY.pem LABEL ID
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout "$card/384.pem" -out "$card/384.cert" \
    -days 30 -subj "/CN=recipient 384" 2>/dev/null
put "$net/recipient/key.pem" ec 01
put "$net/recipient-rsa/key.pem" rsa 02
put "$card/384.pem" p384 03
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$card/256.pem" 2>/dev/null
put "$card/256.pem" p256 04

opens() { # WHAT PACKAGE KEY: into $work/WHAT, and the note is as openssl reads it
	ok "$1: opens" on_card quorate open "$2" --key "$3" -d "$work/$1" --json
	cp "$work/out" "$work/$1.json"
	ok "$1: to what was sealed" cmp "$work/image.bin" "$work/$1/$a/image"
	ok "$1: the note is signed" openssl cms -verify -inform DER -in "$work/$1/opening.p7s" -noverify -out "$work/$1.note"
	ok "$1: of this package" grep -q "\"package\":\"$(sha256sum <"$2" | cut -c1-64)\"" "$work/$1.note"
	ok "$1: and of that plaintext" grep -q "\"sha256\":\"$(sha256sum <"$work/image.bin" | cut -c1-64)\"" "$work/$1.note"
	ok "$1: which the report tells too" grep -q "$(sha256sum <"$work/image.bin" | cut -c1-64)" "$work/$1.json"
}
nothing() { # FOLDER: is left
	[ -z "$(find "$work/$1" -type f 2>/dev/null)" ]
}

# --- from a file and from the card -------------------------------------------------------------
a=$(seal standard)
asked() { # CERTIFICATE: $r, released into $work/NAME.asice
	r=$(quorate request --artifact "$a" --policy "$2" --reason x --recipient "$1" --key "$people/requester.key" --json |
	    tee "$work/json" >/dev/null; field request)
	approve "$r" legal compliance auditor
	ok "$3: released" quorate release "$r" -o "$work/$3.asice"
}
asked "$net/recipient/cert.pem" standard one
opens file "$work/one.asice" "$net/recipient/key.pem"
opens card-ec "$work/one.asice" "$(uri ec)"
says "another key of the card" 1 'of another kind' on_card quorate open "$work/one.asice" --key "$(uri rsa)" -d "$work/x1"
says "and another of its kind" 1 'not that of the recipient' on_card quorate open "$work/one.asice" --key "$(uri p256)" -d "$work/x1"
says "the PIN is wrong" 1 'refused the PIN' on_card quorate open "$work/one.asice" --key "$(uri ec wrong-pin)" -d "$work/x1"
says "no such key" 64 'no such private key' on_card quorate open "$work/one.asice" --key "$(uri none)" -d "$work/x1"
ok "nothing of it is left" nothing x1
says "a note is not overwritten" 64 'exists already' quorate open "$work/one.asice" --key "$net/recipient/key.pem" -d "$work/file"
cp "$work/one.asice" "$work/bad.asice"
flip "$work/bad.asice" 100000
says "a package that does not verify" 1 'not valid|does not verify|not opened' \
    on_card quorate open "$work/bad.asice" --key "$(uri ec)" -d "$work/x2"
ok "leaves nothing" nothing x2
limited() { (ulimit -f 100; "$@"); }	# KiB
says "no room" 74 'make room' limited quorate open "$work/one.asice" --key "$net/recipient/key.pem" -d "$work/x2"
ok "leaves nothing either" nothing x2
asked "$net/recipient-rsa/cert.pem" standard two
opens card-rsa "$work/two.asice" "$(uri rsa)"
asked "$card/384.cert" standard three
opens card-384 "$work/three.asice" "$(uri p384)"

# --- where custodians answer the recipient alone, and one of them lies -----------------------------
# Of five, the first four that answer are in a package: with one away, the liar is.
devnet kill "$net" custodian-2
QUORATE_BIN=$liars/bin devnet start "$net" custodian-2
a=$(seal direct)
soon network_ready
devnet kill "$net" custodian-5
echo wrong-proof >"$net/custodian-2/state/lie"
asked "$net/recipient/cert.pem" direct lied
ok "it verifies: nobody but the recipient can tell" quorate verify "$work/lied.asice"
opens direct "$work/lied.asice" "$(uri ec)"
ok "it tells who lied" grep -q '"bad":\[2\]' "$work/direct.note"
ok "in words" grep -q 'contributed wrongly: 2' "$work/direct.json"
asked "$net/recipient-rsa/cert.pem" direct lied-rsa
opens direct-rsa "$work/lied-rsa.asice" "$(uri rsa)"
ok "it tells who lied to RSA" grep -q '"bad":\[2\]' "$work/direct-rsa.note"
rm "$net/custodian-2/state/lie"

# --- into the log ------------------------------------------------------------------------------
ack() { quorate acknowledge "$work/$1/opening.p7s" --key "$people/${2:-requester}.key"; }
ok "acknowledged" ack file
ok "of a card's key" ack card-rsa
says "not twice by one person" 1 'duplicate|done already' ack file
says "nor another note of that order" 1 'duplicate|done already' ack card-ec
ok "another person may" ack card-ec legal
says "the liar is named" 0 'custodian 2 .*contributed wrongly' ack direct
says "of RSA, too" 0 'custodian 2 .*contributed wrongly' ack direct-rsa
cp -r "$work/file" "$work/torn"
flip "$work/torn/opening.p7s" 300
says "a torn note" '1|64' 'opening note' ack torn auditor
cp -r "$work/file" "$work/forged"
flip "$work/forged/opening.p7s" $(($(stat -c %s "$work/forged/opening.p7s") - 1))	# of the signature value
says "nor is a note logged that the recipient did not sign, whoever says that they did" 1 'not signed by the key' \
    env LIE_NOTE=1 "$liars/bin/quorate" acknowledge "$work/forged/opening.p7s" --key "$people/compliance.key"
says "status shows it" 0 'opened +said by its recipient; .* logged it' quorate status "$r"
ok "an audit is clean" quorate audit
cp "$work/out" "$work/audit"
ok "and tells who opened" grep -q 'OPENED by its recipient' "$work/audit"
ok "and whom the recipient blames" grep -q 'recipient says that custodian 2' "$work/audit"
ok "from files alone" sh -c "quorate log export '$work/log' && quorate audit --from '$work/log'"
