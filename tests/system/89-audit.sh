#!/usr/bin/env bash
# An audit from nothing: tells people, remembers what it verified, goes on after kill -9, names what was altered.
. "$(dirname "$0")/lib.sh"
command -v node >/dev/null || { echo "skipped: node is not installed"; exit 0; }
net_up n

a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "a release to tell of" quorate release "$r" -o "$work/package"
open=$(request "$a" standard)
seq 60 | xargs -P 6 -I{} quorate seal --policy standard --part "prompt=$work/prompt.txt" >/dev/null
log=$work/log
quorate log export "$log" >/dev/null
size=$(sed -n 2p "$log/checkpoint")
json() { node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1])); if (!('"$1"')) { console.log(r); process.exit(1); }' "$work/json"; }
report() { quorate audit --json "$@" >"$work/json"; }

# --- what it tells
says "the report" 0 "^clean: $size entries" quorate audit --from "$log"
cp "$work/out" "$work/report"
told() { ok "it tells $1" grep -qE -- "$2" "$work/report"; }
told "who approved in which place" 'Lena Legal \(legal\) as legal in entry [0-9]+, Cora Compliance \(compliance\) as compliance'
told "on whose approvals it was ordered" 'ordered in entry .* on the approvals of .*Aldo Auditor \(auditor\) as auditor'
told "who contributed" '^      contributed by ([0-9] [A-Za-z ]+(, )?){3,}'
told "the package" "RELEASED in entry [0-9]+, package [0-9a-f]{64}\$"
told "what is open, and what it waits for" "request ${open:0:16}: waits for legal 1, compliance 1, auditor 1"
ok "for programs" report --from "$log"
ok "it parses, and goes on where the first ended" json "r.verdict === 'clean' && r.replayed_before === $size && r.checkpoint.cosigned.length >= 4"
ok "with the same facts" json "r.requests.length === 2 && r.requests[0].orders[0].approvals.length === 3 && r.requests[0].scope[0].part === 'image' && r.requests[0].recipient.length === 64 && r.requests[0].orders[0].release.good.length >= 3 && r.numbers.artifacts === 61"
ok "a later one goes on" eval 'seal standard >/dev/null; quorate log export "$log" >/dev/null; report --from "$log"'
ok "and replays what is new" json "r.replayed_before === $size && r.checkpoint.size > $size && r.numbers.artifacts === 62"

# --- killed in the middle: of documents some come, one slowly, and then none
cat >"$work/slow.mjs" <<'WEB'
import { createServer } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
let n = 0;
createServer((q, s) => {
	if (++n > 30)
		return n === 31 && writeFileSync(process.argv[3], '');
	setTimeout(() => {
		try { s.writeHead(200).end(readFileSync(process.argv[2] + q.url)); } catch { s.writeHead(404).end(); }
	}, n === 20 ? 3000 : 0);	// longer than what was verified waits to be kept
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
WEB
node "$work/slow.mjs" "$log.blobs" "$work/held" >"$work/port" & web=$!
soon test -s "$work/port"
slow=http://127.0.0.1:$(cat "$work/port")
mid=$work/mid
quorate audit --from "$log" --blobs "$slow" --state "$mid" >/dev/null 2>&1 & p=$!
soon test -e "$work/held"
says "one at a time" 64 'another audit runs here' quorate audit --from "$log" --state "$mid"
kill -9 $p; wait $p 2>/dev/null
kill $web; wait $web 2>/dev/null
ok "killed in the middle, it goes on" report --from "$log" --state "$mid"
ok "from where it was" json "r.verdict === 'clean' && r.replayed_before > 0 && r.replayed_before < r.checkpoint.size && r.requests[0].phase === 'released'"

# --- another network, a damaged state
sed 's/"name": *"[^"]/&X/' "$net/charter.json" >"$work/other.json"
says "another genesis" 1 'entry 0' quorate audit --from "$log" --charter "$work/other.json"
says "another network's state" 64 'another --state' quorate audit --from "$log" --charter "$work/other.json" --state "$mid"
says "nothing is there" 2 'no log here' quorate audit --from "$work/nothing"
printf 'damaged' | dd of="$mid/log.db" conv=notrunc 2>/dev/null
says "a damaged state says what to do" 74 "remove $mid" quorate audit --from "$log" --state "$mid"

# --- a byte turned round, wherever it is, in a log that was never seen
altered() { # FILE OFFSET WORDS
	rm -rf "$work/bad" "$work/bad.blobs" "$work/bad.state"
	cp -r "$log" "$work/bad"
	cp -r "$log.blobs" "$work/bad.blobs"
	flip "$work/$1" "$2"
	says "altered: $1 at $2" 1 "$3" quorate audit --from "$work/bad" --state "$work/bad.state"
}
width=$(sed -n 2p "$log/checkpoint")
altered "bad/tile/entries/000.p/$width" 0 "tile/entries/000.p/$width"
altered "bad/tile/entries/000.p/$width" 9000 "tile/entries/000.p/$width"
altered "bad/tile/0/000.p/$width" 77 "tile/0/000.p/$width"
altered bad/checkpoint 60 '.'
genesis=$(sha256sum "$QUORATE_CHARTER" | cut -d' ' -f1)	# which an auditor has already
blob=$(ls "$log.blobs" | grep -v "$genesis" | tail -n 1)
altered "bad.blobs/$blob" 3 "$blob"
