#!/usr/bin/env bash
# Trusted time: checkpoints are stamped on the charter's schedule; openssl agrees; an authority that is down,
# slow or lying leaves a gap that status shows, and nothing false in the log, which goes on.
. "$(dirname "$0")/lib.sh"
seconds=6
net_up n -n 3 -k 2 -f 0 -t 2 -e 3 -s $seconds
mode() { echo "$2" >"$net/$1/state/mode"; }
anchors() { grep -c ': anchor ' "$net/coordinator/log"; }
sealed() { seal standard >/dev/null; }
tsa() { # ID FIELD
	quorate status --json 2>/dev/null | node -e '
		const h = JSON.parse(require("fs").readFileSync(0, "utf8"));
		console.log(h.anchors.find((a) => a.tsa === process.argv[1])[process.argv[2]])' "$1" "$2"
}
is() { [ "$(tsa "$1" "$2")" = "$3" ]; }
covers() { [ "$(tsa "$1" size)" -ge "$2" ]; }
because() { tsa "$1" words | grep -qE -- "^since 20..-..-..T..:..:..Z, [0-9]+ (try|tries): .*$2"; }

# ---- by time, by number, and not by themselves
ok "the beginning is stamped by both" soon sh -c "[ \$(grep -c ': anchor ' '$net/coordinator/log') = 2 ]"
before=$(anchors)
sleep $((seconds + 2))
ok "what is only stamps is not stamped" [ "$(anchors)" = "$before" ]
sealed
ok "one entry is stamped when its time has come" soon covers tsa-1 4
ok "by the other as well" soon covers tsa-2 4
early() { # three entries do not wait for it
	local at was
	was=$(tsa tsa-1 time) at=$(tsa tsa-1 size)
	sealed & sealed & sealed & wait
	soon covers tsa-1 $((at + 3)) && [ $(($(tsa tsa-1 time) - was)) -lt $seconds ]
}
early_once() {
	local size
	for _ in 1 2 3 4 5 6 7 8 9; do
		early && return
		size=$(quorate log checkpoint | sed -n 2p)
		soon covers tsa-1 "$((size - 2))"
	done
	return 1
}
ok "three entries are stamped before their time" early_once
says "says status" 0 'tsa-1 +entry [0-9]+ stamps [0-9]+ entries, logged 20' quorate status
ok "nothing is overdue" sh -c "! grep -q OVERDUE '$work/out'"

# ---- what strangers check
n=$(tsa tsa-1 entry)
says "an anchor is checked" 0 'by +CN=Test TSA \(good\), 1 revocation list archived' quorate log anchor "$n" --out "$work/a"
verify() { (cd "$1" && openssl ts -verify -data note -in token.tst -token_in -CAfile roots.pem -untrusted chain.pem); }
ok "openssl checks it too" verify "$work/a"
ok "and its list" openssl crl -in "$work/a/list-1.crl" -CAfile "$work/a/roots.pem" -noout
cp -r "$work/a" "$work/b"
sed -i '2s/.*/1/' "$work/b/note"
says "not over another note" 1 'imprint' verify "$work/b"
says "its note is a checkpoint of this log" 0 "$(sed -n 1p "$work/a/note")" quorate log checkpoint
says "an entry that is no anchor" 64 'is no anchor but a charter' quorate log anchor 0
says "one that is not there" 1 'no entry 99999' quorate log anchor 99999

# ---- what a charter says of them
c=$work/draft.json
add() { quorate charter add "$c" "$@"; }
quorate charter new -o "$c" --name draft >/dev/null
root=$net/tsa-1/state/ca.pem
ok "an authority is added" add tsa --id one --url http://tsa.example/ --certificate "$root" --crl http://tsa.example/crl
ok "and how often" add anchor --entries 10 --seconds 60
says "not without a certificate" 64 'has 1 to 4 --certificate' add tsa --id two --url http://tsa.example/
says "not by another protocol" 64 'no http or https URL' add tsa --id two --url ftp://tsa.example/ --certificate "$root"
says "not without a URL" 64 '--url is missing' add tsa --id two --certificate "$root"
says "nor with a key for a certificate" '64|1' 'ca.key' add tsa --id two --url http://tsa.example/ --certificate "$net/tsa-1/state/ca.key"
says "the charter shows them" 0 'tsa-1 +http://127.0.0.1:[0-9]+/, 1 trusted certificate' quorate charter show "$net/charter.json"

# ---- authorities that fail
before=$(anchors)
try() { # MODE-1 WORDS-1 MODE-2 WORDS-2
	mode tsa-1 "$1"
	mode tsa-2 "$3"
	ok "$1, $3: the log goes on" sealed
	ok "$1: said why, and since when" soon because tsa-1 "$2"
	ok "$3: said why, and since when" soon because tsa-2 "$4"
}
mode tsa-1 down
mode tsa-2 redirect
sealed && sealed	# with the next, three: nothing waits for its time
try down 'no headers, no data|reset' redirect 'redirects to .*/elsewhere, which is not followed'
since=$(tsa tsa-1 words | cut -d, -f1)
try nonce 'another nonce' garbage 'no RFC 3161 response'
try expired 'certificate has expired' untrusted 'unable to get local issuer'
ok "nothing of it is in the log" [ "$(anchors)" = "$before" ]
ok "it is since the first of them" [ "$(tsa tsa-1 words | cut -d, -f1)" = "$since" ]
in_the_end "status says it loudly" 0 'tsa-2 .*; OVERDUE since' quorate status

mode tsa-1 ok
mode tsa-2 slow
size=$(quorate log checkpoint | sed -n 2p)
ok "one is back, whatever the other does" soon covers tsa-1 "$size"
ok "and not overdue" is tsa-1 overdue false
ok "the other still is" is tsa-2 overdue true
stop() { # a coordinator that waits for an answer ends nevertheless
	local pid
	pid=$(cat "$net/coordinator/pid")
	kill -TERM "$pid"
	PATIENCE=30 soon eval "! kill -0 $pid"		# the authority answers after a minute
}
sleep 2
ok "who waits for it can be ended" stop
devnet start "$net" coordinator
mode tsa-2 nocrl
ok "without its list it is stamped as well" soon covers tsa-2 "$size"
ok "and that is said" sh -c "quorate status | grep -q 'tsa-2 .*without a revocation list: http'"
says "the archive shows it" 0 '0 revocation lists' quorate log anchor "$(tsa tsa-2 entry)"
ok "the log replays clean" quorate audit
