#!/usr/bin/env bash
# Evidence packages in the eyes of others: a second verifier in another language, openssl, unzip, sha256sum, xmllint
# and a PROV library; packages broken in every way that needs no key; and packages of earlier versions.
# MUTANTS=1: all mutants, not a few.
. "$(dirname "$0")/lib.sh"
build=$(dirname "$bin")
cd "$here" || exit 2
if ! tests/second/install "$build"; then exit 0; fi
second=$build/second
vectors=${QUORATE_VECTORS:-$here/../shared/vectors}/package
there() { command -v "$1" >/dev/null || { echo "skipped: $1 is not installed"; return 1; }; }
python=			# one that has the library: of Debian's package, or of whoever stands first in PATH
for p in python3 /usr/bin/python3; do
	[ -z "$python" ] && "$p" -c 'import prov.model' 2>/dev/null && python=$p
done

# ---- one of each kind

net_up n -n 3 -k 2 -f 0 -t 2 -e 2
root1=$net/tsa-1/state/ca.pem
head -c 3000 "$work/image.bin" >"$work/small.bin"
small=(--part "prompt=$work/prompt.txt" --part "image=$work/small.bin")
anchored() { [ "$(grep -c ': anchor ' "$net/coordinator/log")" -ge "$1" ]; }
released() { # NAME POLICY ARTIFACT [options of request -- of release]
	local name=$1 policy=$2 artifact=$3 of=() r
	shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do of+=("$1"); shift; done
	[ $# = 0 ] || shift
	r=$(request "$artifact" "$policy" "${of[@]}") && approve "$r" legal compliance auditor &&
	    quorate release "$r" -o "$work/$name.asice" "$@"
}
a=$(seal standard "${small[@]}")
b=$(seal direct "${small[@]}")
seal standard "${small[@]}" >/dev/null
# Who is quick seals all of it before the first stamps: then too little follows for a second.
stamped() { for _ in $(seq 60); do anchored 4 && return; seal standard "${small[@]}" >/dev/null; sleep 1; done; return 1; }
ok "the log is stamped by both" stamped
ok "a package, archived" released archive standard "$a" -- --archive
ok "a package of one part" released part standard "$a" --part prompt
ok "a package to the recipient" released direct direct "$b"

# both VERDICT PACKAGE...: of the network that is up, now.
both() { node "$second/same-claims.mjs" "$bin/quorate" "${trust:-$net/charter.json}" now "$@"; }
ok "both verifiers say the same of each claim" both valid "$work"/{archive,part,direct}.asice
cp "$work/out" "$work/claims"
says "a report counts one as one" 0 ' 1 artifact, 1 part, 1 segment$' quorate verify "$work/part.asice" --html "$work/part.html"
ok "and its page says which file it is about" grep -q "<td>$(sha256sum <"$work/part.asice" | cut -c-64)</td>" "$work/part.html"
ok "stamped, anchored and archived" grep -q '^archive.asice: .* timestamp sealed archive$' "$work/claims"
trust=- ok "without a charter both say consistent" both consistent "$work/archive.asice"

# ---- other programs

unpack() { unzip -qq "$1" -d "$2"; }
token() { # SIGNATURE TOKEN VALUE: the time-stamp in it, and what it is over
	local der=$work/asn1
	openssl asn1parse -inform DER -in "$1" >"$der" || return 1
	piece() { sed -E 's/^ *([0-9]+):d=[0-9]+ +hl= *([0-9]+) l= *([0-9]+).*/\1 \2 \3/' | { read -r at h l; echo "$((at + $1 * h + 1)) $(((1 - $1) * h + l))"; }; }
	cut_out() { tail -c "+$2" "$1" | head -c "$3"; }
	cut_out "$1" $(grep -A 2 id-smime-aa-timeStampToken "$der" | tail -n 1 | piece 0) >"$2"
	cut_out "$1" $(grep -B 2 -m 1 -E 'd=5 .*cont \[ 1 \]' "$der" | grep 'OCTET STRING' | piece 1) >"$3"
}
# The commands of README.txt as they stand there, in one shell, by a recipient who has not our tool.
by_hand() { # BAG
	awk '/^WITHOUT IT/ { f = 1 } f && /^     / { print substr($0, 6) }' "$1/README.txt" |
	    sed "/^unzip -t PACKAGE/d; s,recipient\.key,$net/recipient/key.pem," >"$work/commands" || return 1
	(cd "$1" && TMPDIR=$work sh "$work/commands") >"$work/said" 2>&1
}
holds() { # BAG: each line that README.txt promises
	by_hand "$1" && cat "$work/said" && ! grep -E 'FAULT|FAILED|[Ff]ailure|[Ee]rror|No such file|not found' "$work/said" &&
	    for line in '1: files OK' '1: nothing else is here OK' 'CAdES Verification successful' \
		'3: every file is signed OK' '5: entries looked at'; do
		grep -q -F "$line" "$work/said" || { echo "it does not say: $line"; return 1; }
	    done &&
	    [ "$(grep -c '^9: .*\.open: [0-9]* bytes' "$work/said")" = "$(find "$1/data" -name '*.p7m' | wc -l)" ] &&
	    [ "$(grep -c '^5: .*: Signature Verified' "$work/said")" -gt "$(sed -n 's/^5: custodians that are needed: //p' "$work/said")" ] &&
	    [ "$(grep -c 'Verification: OK' "$work/said")" = "$(($(find "$1" -name '*.tst' | wc -l) + 1))" ] &&
	    [ "$(grep -c '^     .*: Signature Verified' "$work/said")" -gt "$(ls "$1/data/entries" | wc -l)" ]
}
doubts() { # BAG FILE WORDS: with one byte of it changed
	cp -r "$1" "$work/doubted"
	flip "$work/doubted/$2" 20
	by_hand "$work/doubted"
	rm -r "$work/doubted"
	grep -q -E -e "$3" "$work/said" || { cat "$work/said"; return 1; }
}
for p in archive part direct; do
	bag=$work/$p
	there unzip || break
	ok "unzip: $p" unzip -tqq "$work/$p.asice"
	ok "it unpacks" unpack "$work/$p.asice" "$bag"
	for m in manifest tagmanifest; do
		ok "sha256sum: $m" sh -c "cd '$bag' && sha256sum --strict --quiet -c $m-sha256.txt"
	done
	there openssl || continue
	if there jq; then
		ok "README.txt, command by command" holds "$bag"
	fi
	if [ "$p" = archive ] && there jq; then
		ok "it doubts an entry" doubts "$bag" data/entries/000000000000.leaf '^FAULT: data/entries/000000000000.leaf is not under'
		ok "and a file" doubts "$bag" bag-info.txt 'bag-info.txt: FAILED'
		ok "and the checkpoint" doubts "$bag" checkpoint 'Signature Verification Failure'
		ok "and the manifest that is signed" doubts "$bag" META-INF/ASiCManifest001.xml 'CAdES Verification failure|CMS Verification failure'
	fi
	node -e 'console.log(JSON.parse(require("fs").readFileSync(process.argv[1])).coordinator.package_certificate)' \
	    "$bag/data/charter.json" | base64 -d | openssl x509 -inform DER -out "$work/package.pem"
	cms() { openssl cms -verify -cades -purpose any -partial_chain -CAfile "$work/package.pem" -binary -inform DER \
	    -in "$bag/META-INF/signature001.p7s" -content "$1" -out /dev/null; }
	ok "openssl cms -verify -cades" cms "$bag/META-INF/ASiCManifest001.xml"
	says "and not over another file" '[1-9]' 'erif' cms "$bag/README.txt"
	ok "the token in the signature" token "$bag/META-INF/signature001.p7s" "$work/token" "$work/value"
	ok "openssl ts -verify: the signature" openssl ts -verify -data "$work/value" -in "$work/token" -token_in -CAfile "$root1"
	says "not over another value" 1 'imprint' openssl ts -verify -data "$bag/README.txt" -in "$work/token" -token_in -CAfile "$root1"
	for f in "$bag"/data/anchors/*; do
		n=$(node -e 'console.log(JSON.parse(Buffer.from(JSON.parse(require("fs").readFileSync(process.argv[1]).subarray(8)).payload, "base64")).predicate.tsa)' \
		    "$bag/data/entries/${f##*/}.leaf")
		ok "openssl ts -verify: anchor ${f##*/}" openssl ts -verify -data "$f/checkpoint" -in "$f/token.tst" -token_in -CAfile "$net/$n/state/ca.pem"
	done
	if there xmllint && [ -r "$vectors/en_31916201v010101.xsd" ]; then
		ok "xmllint, by ETSI's schema" xmllint --nonet --noout --schema "$vectors/en_31916201v010101.xsd" "$bag"/META-INF/*.xml
	else
		echo "skipped: the ASiC schema or xmllint is not here"
	fi
	if [ -n "$python" ]; then
		ok "a PROV library reads custody-prov.json" "$python" - "$bag/data/custody-prov.json" <<-'END'
			import sys, prov.model
			d = prov.model.ProvDocument.deserialize(sys.argv[1], format="json")
			kinds = {type(r).__name__ for r in d.get_records()}
			assert {"ProvEntity", "ProvActivity", "ProvAgent"} <= kinds, kinds
		END
	else
		echo "skipped: no PROV library (Debian package python3-prov)"
	fi
	ok "custody.jsonld is JSON" node -e 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))["@graph"].length' "$bag/data/custody.jsonld"
done
ok "openssl ts -verify: the archive" openssl ts -verify -data "$work/archive/META-INF/ASiCArchiveManifest001.xml" \
    -in "$work/archive/META-INF/timestamp001.tst" -token_in -CAfile "$root1"
order() { quorate verify "$work/archive.asice" --json | sed -n 's/.*"order":"\([0-9a-f]*\)".*/\1/p'; }
keys() { # one version, the order, the number of points
	openssl cms -decrypt -inform DER -in "$work/archive/data/keys.p7m" -inkey "$net/recipient/key.pem" -out "$work/keys" &&
	    [ "$(od -An -v -tx1 "$work/keys" | tr -d ' \n' | head -c 74)" = "01$(order)00000002" ]
}
ok "openssl cms -decrypt" keys
says "not with another key" '[1-9]' . openssl cms -decrypt -inform DER -in "$work/archive/data/keys.p7m" -inkey "$net/recipient-rsa/key.pem" -out /dev/null

# ---- bad ones

mkdir "$work/mutants"
broken() { # PACKAGE OTHER
	node "$second/mutate-package.mjs" "$bin/quorate" "$work/mutants" "$net/charter.json" now "${MUTANTS:-41}" "$work/$1.asice" "$work/$2.asice"
}
ok "no mutant of an archived package is taken by either" broken archive part
ok "nor of one to the recipient" broken direct archive
for f in "$vectors"/*.asice; do
	[ -r "$f" ] || { echo "skipped: the example packages are not here"; break; }
	says "no package of ours: ${f##*/}" 1 'INVALID' quorate verify "$f"
	says "nor to the other" 1 'invalid' node "$second/verify-package.mjs" "$f"
done

# ---- kept ones: whatever version made them, they are read (tests/gen/packages.sh)

kept=$here/tests/data/packages
seconds=$(cat "$kept/seconds")
as_of() { # SECONDS VERDICT NAME...
	local at=$1 verdict=$2
	shift 2
	node "$second/same-claims.mjs" "$bin/quorate" "$kept/charter.json" "$at" "$verdict" "${@/%/.asice}"
}
opened() { # NAME KEY PART...: what comes out is what went in
	local name=$1 key=$2 p
	shift 2
	install -m 600 "$kept/$key.key" "$work/kept.key"
	quorate open "$kept/$name.asice" --charter "$kept/charter.json" --key "$work/kept.key" -d "$work/kept-$name" || return 1
	[ "$(find "$work/kept-$name" -type f ! -name opening.p7s | wc -l)" = $# ] || return 1
	for p; do grep -q "^$(sha256sum "$work/kept-$name"/*/"${p%=*}" | cut -d ' ' -f 1)  ${p#*=}\$" "$kept/plaintext" || return 1; done
}
cd "$kept" || exit 2
ok "kept: valid to both, claim by claim" as_of "$seconds" valid coordinator recipient partial anchored archived amended
cp "$work/out" "$work/claims"
while read -r name key parts claims; do
	ok "kept: $name has its time-stamps" grep -qE "^$name.asice: .* custody${claims:+ }$claims\$" "$work/claims"
	ok "kept: $name opens" opened "$name" "$key" ${parts//,/ }
done <<'END'
coordinator	recipient	image=image,prompt=prompt
recipient	recipient-rsa	image=image,prompt=prompt
partial	recipient	image.bytes-16777216-16777238=long
anchored	recipient	prompt=prompt	timestamp sealed
archived	recipient	prompt=prompt	timestamp sealed archive
amended	recipient	prompt=prompt	timestamp sealed
END
# Every certificate has run out: what was archived in time is as good as ever, and nothing else.
later=$((seconds + 3600 * 24 * 365 * 35))
ok "archived: valid to both when every certificate has run out" as_of $later valid archived
ok "what was not archived: to neither" as_of $later invalid anchored coordinator recipient
ok "nothing before it was released" as_of $((seconds - 86400)) invalid coordinator archived
