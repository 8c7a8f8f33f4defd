#!/usr/bin/env bash
# Makes tests/data/packages: one evidence package of each kind, by a network of three, whose keys are thrown away but for
# the recipients'. They are kept: what reads packages today must read them ever after, so that this runs again only for a
# kind that is not there yet, or before the first version of the format is given to anybody.
# usage: tests/gen/packages.sh FOLDER (at the root of the repository; QUORATE_BIN as for scripts/devnet)
set -euo pipefail

[ $# = 1 ] || { sed -n 's/^# usage: //p' "$0" >&2; exit 64; }
here=$PWD
export QUORATE_BIN=${QUORATE_BIN:-$here/build/dev/bin} QUORATE_AMEND_DELAY=1
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/quorate-packages.XXXXXX")
net=$work/net
trap '"$here/scripts/devnet" down "$net" >/dev/null 2>&1; rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work/state XDG_CACHE_HOME=$work/cache

"$here/scripts/devnet" up "$net" -n 3 -k 2 -f 0 -t 1 -e 6 -s 3600 >/dev/null
. "$net/env"
field() { sed -n "s/^ *\"$1\": \"\\{0,1\\}\\([^\",]*\\)\"\\{0,1\\},\\{0,1\\}\$/\\1/p" | head -n 1; }
soon() { for _ in $(seq 200); do "$@" && return; sleep 0.2; done; return 1; }
quiet() { "$@" >/dev/null; }
anchors() { grep -c ': anchor ' "$net/coordinator/log" || true; }

# PROMPT has its picture, and one more segment of it than a segment holds: a few bytes of 16 MiB.
printf 'a grey cat in a hat\n' >"$work/prompt"
head -c 900 docs/demo/picture.png >"$work/image"
{ head -c 16777216 /dev/zero; printf 'the end of a long part\n'; } >"$work/long"
seal() { quorate seal --policy "$1" --part "prompt=$work/prompt" --part "image=$work/$2" --json | field artifact; }

# release NAME POLICY RECIPIENT [options of request -- of release]
release() {
	local name=$1 policy=$2 recipient=$3 r p of=()
	shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do of+=("$1"); shift; done
	[ $# = 0 ] || shift
	r=$(quorate request "${of[@]}" --policy "$policy" --reason "to keep an example" --recipient "$net/$recipient/cert.pem" \
	    --key "$net/people/requester.key" --json | field request)
	for p in legal compliance auditor; do quiet quorate approve "$r" --key "$net/people/$p.key"; done
	rm -f "$out/$name.asice"
	quiet quorate release "$r" -o "$out/$name.asice" "$@"
	quorate verify "$out/$name.asice" >"$work/said" || { cat "$work/said"; exit 1; }
	printf '%-16s %s\n' "$name" "$(wc -c <"$out/$name.asice") bytes"
}

amend() { # somebody is called otherwise, and the charter in force is another
	local m p
	rm -f "$work/new.json"
	quiet quorate charter draft --out "$work/new.json"
	sed -i 's/Lena Legal/Lena Lawful/' "$work/new.json"
	m=$(quorate charter amend "$work/new.json" --key "$net/people/requester.key" --reason "she married" --json | field amendment)
	for p in legal compliance auditor; do quiet quorate approve "$m" --key "$net/people/$p.key"; done
	# As q custodians cosigned it: until then who asks is still answered with the one before.
	in_force() { quorate charter show --in-force | grep -q 'Lena Lawful'; }
	soon in_force
}

a=$(seal standard image) l=$(seal standard long) d=$(seal direct image)
"$here/scripts/devnet" kill "$net" tsa-1		# nobody stamps
release coordinator standard recipient --artifact "$a"
release recipient direct recipient-rsa --artifact "$d"
release partial standard recipient --artifact "$l" --part image --segments 1-1
"$here/scripts/devnet" start "$net" tsa-1
soon sh -c "[ \$(grep -c ': anchor ' '$net/coordinator/log') -ge 2 ]"
release anchored standard recipient --artifact "$a" --part prompt
release archived standard recipient --artifact "$a" --part prompt -- --archive
quiet quorate package renew "$out/archived.asice"
amend
release amended standard recipient --artifact "$a" --part prompt

cp "$net/charter.json" "$out/charter.json"
for r in recipient recipient-rsa; do cp "$net/$r/key.pem" "$out/$r.key"; done
date -u -d '+1 hour' +%s >"$out/seconds"
sha256sum "$work/prompt" "$work/image" | sed "s, $work/, ," >"$out/plaintext"
printf 'the end of a long part\n' | sha256sum | sed 's/-$/long/' >>"$out/plaintext"
chmod 644 "$out"/*
