#!/usr/bin/env bash
# The log as plain files: exported, gone on with, audited from nothing, followed by code that is not ours; proofs; every byte counts.
. "$(dirname "$0")/lib.sh"
net_up n
sleep 1
log=$work/log
fresh=0
audit() { fresh=$((fresh + 1)); quorate audit --state "$work/state.$fresh" "$@"; }
follow() { node "$here/tests/second/tiles.mjs" "$1" "$work/policy" "${@:2}"; }
size() { sed -n 2p "$log/checkpoint"; }
inode() { stat -c '%i %Y' "$log/tile/0/000" "$log/tile/entries/000"; }
command -v node >/dev/null || { echo "skipped: node is not installed"; exit 0; }

# --- a small log, then one with full tiles
a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "a release to tell of" quorate release "$r" -o "$work/package"
says "exported" 0 'for any web server' quorate log export "$log"
ok "only what is public" eval '[ -z "$(find "$log" -type f ! -path "*/tile/*" ! -name checkpoint)" ]'
ok "readable by a web server" eval '[ -z "$(find "$log" -type f ! -perm -o=r)" ] && [ -z "$(find "$log" -type d ! -perm -o=x)" ]'
ok "documents are not" eval '[ "$(ls "$log.blobs" | wc -l)" -ge 3 ] && [ -z "$(find "$log.blobs" -type f -perm /077)" ]'
ok "audited from files alone" audit --from "$log"
quorate log policy >"$work/policy"
says "followed by another implementation" 0 "size $(size) cosigned [45]" follow "$log"
cp -r "$log" "$work/small"
seq 260 | xargs -P 6 -I{} quorate seal --policy standard --part "prompt=$work/prompt.txt" >/dev/null
ok "gone on with" quorate log export "$log/"
ok "a full tile has taken the place of the partial one" eval '[ -f "$log/tile/0/000" ] && [ ! -e "$log/tile/0/000.p" ] && [ ! -e "$log/tile/entries/000.p" ]'
ok "audited" audit --from "$log"
says "followed" 0 "size $(size) " follow "$log"
inode >"$work/inode"
seal standard >/dev/null
ok "once more" quorate log export "$log"
ok "full tiles are not written again" eval 'inode | cmp - "$work/inode"'
ok "audited" audit --from "$log"
cp "$log/checkpoint" "$work/newest"
cp "$work/small/checkpoint" "$log/checkpoint"
says "an older checkpoint: a full tile stands for the partial one" 0 "size $(size) " follow "$log"
ok "and for us" audit --from "$log"
cp "$work/newest" "$log/checkpoint"

# --- by URL, from the server and from any web server
says "documents are asked for" 2 'blobs' audit --from "$QUORATE_TILES"
ok "audited by URL" audit --from "$QUORATE_TILES" --blobs coordinator
ok "documents from a folder" audit --from "$QUORATE_TILES/" --blobs "$log.blobs/"
says "followed by URL" 0 "size [0-9]+ " follow "$QUORATE_TILES" --save "$work/served"
# What custodians checked is logged at any time: then one of the two is older.
same_bytes() {
	rm -rf "$work/served"
	quorate log export "$log" && follow "$QUORATE_TILES" --save "$work/served" || return
	diff -r "$work/served" "$log" | { ! grep -v "^Only in $log/tile.*\.p: "; }
}
ok "the server has the same bytes" soon same_bytes
cat >"$work/web.mjs" <<'WEB'
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
const [dir] = process.argv.slice(2);
createServer((q, s) => {
	const [, how, path] = /^\/([^/]*)\/(.*)$/.exec(q.url);
	if (how === 'moved')
		return s.writeHead(302, { location: `/plain/${path}` }).end();
	if (how === 'long' && !path.endsWith('checkpoint'))
		return s.writeHead(200).end(Buffer.alloc(20 << 20));
	try {
		const b = readFileSync(`${dir}/${path}`);
		s.writeHead(200).end(how === 'short' && !path.endsWith('checkpoint') ? b.subarray(0, -1) : b);
	} catch {
		s.writeHead(404).end();
	}
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
WEB
node "$work/web.mjs" "$work" >"$work/port" &
web=$!
soon test -s "$work/port"
url=http://127.0.0.1:$(cat "$work/port")
ok "any web server will do" audit --from "$url/plain/log" --blobs "$url/plain/log.blobs"
says "a URL that redirects elsewhere" 1 'redirect|elsewhere|302' audit --from "$url/moved/log" --blobs coordinator
says "a tile of 20 MiB" 1 'tile/[0-9]/.*longer' audit --from "$url/long/log" --blobs coordinator
says "a tile that is cut short" 1 'tile/[0-9]/.*bytes' audit --from "$url/short/log" --blobs coordinator
says "nobody there" 2 'no log here' audit --from "$url/plain/nowhere" --blobs coordinator
kill "$web"
wait "$web" 2>/dev/null

# --- one byte
flipped() { # NAME WORDS: audit and the other implementation refuse it, and ours says where
	flip "$log/$1"
	says "a flipped byte in $1" 1 "$2" audit --from "$log"
	says "seen by the other implementation: $1" 1 'tiles.mjs: ' follow "$log"
	flip "$log/$1"
}
edge=$(($(size) % 256)) n=$(size)
flipped checkpoint 'checkpoint|note'
flipped tile/0/000 '^quorate audit: .*tile/0/000'
flipped "tile/0/001.p/$edge" "tile/0/001.p/$edge"
flipped tile/1/000.p/1 'tile/1/000.p/1'
flipped tile/entries/000 'tile/entries/000: entry [0-9]+|tile/entries/000: bundle'
flipped "tile/entries/001.p/$edge" "tile/entries/001.p/$edge: (entry [0-9]+|bundle)"
genesis=$(sha256sum "$QUORATE_CHARTER" | cut -d' ' -f1)	# which an auditor has already
blob=$(ls "$log.blobs" | grep -v "$genesis" | head -n 1)
flip "$log.blobs/$blob"
says "a flipped byte in a document" 1 "$blob" audit --from "$log"
flip "$log.blobs/$blob"
mv "$log.blobs/$blob" "$work/blob"
says "a document that is not there" 1 "$blob" audit --from "$log"
rm -rf "$log.blobs"
ok "an export brings lost documents back" quorate log export "$log"
ok "all of them" eval 'cmp "$work/blob" "$log.blobs/$blob"'
mv "$log/tile/entries/000" "$work/bundle"
says "a bundle that is not there" 1 'tile/entries/000 is not there' audit --from "$log"
mv "$work/bundle" "$log/tile/entries/000"
ok "nothing else was wrong" audit --from "$log"

# --- what an export refuses, and what a crash leaves
broken() { # WORDS SED-SCRIPT: an export into a copy whose checkpoint says something else
	rm -rf "$work/other" "$work/other.blobs"
	cp -r "$log" "$work/other"
	sed -i "$2" "$work/other/checkpoint"
	cp "$work/other/checkpoint" "$work/before"
	says "$1" "$3" "$1" quorate log export "$work/other"
	ok "and leaves it as it is" cmp "$work/before" "$work/other/checkpoint"
}
broken 'holds the log' '1s/.*/another.example\/log/' 64
broken 'coordinator shows' "2s/.*/$((n + 1000))/" 1
broken 'not an earlier one' '3s/^./x/' 1
says "a folder that is a file" '64|74' 'prompt' quorate log export "$work/prompt.txt"
rm -rf "$work/other" "$work/other.blobs"
for delay in 0.02 0.04 0.06 0.08 0.1 0.15; do
	bash -c 'timeout -s KILL "$@"; :' - "$delay" quorate log export "$work/other" >/dev/null 2>&1
	[ ! -f "$work/other/checkpoint" ] || follow "$work/other" >/dev/null || echo "after $delay s" >>"$work/untrue"
done
ok "what a kill leaves has a true checkpoint, or none" test ! -e "$work/untrue"
ok "and is gone on with" quorate log export "$work/other"
same_tree() {
	quorate log export "$log" && quorate log export "$work/other" || return
	diff -r "$log" "$work/other" | { ! grep -v "^Only in .*\.p"; }
}
ok "to the same tree" soon same_tree

# --- proofs
ok "a proof as a file" quorate log proof 260 --out "$work/260.tlog-proof"
says "verified with nothing but the charter" 0 'the proof holds: entry 260' env -u QUORATE_TLS_CERT -u QUORATE_TLS_KEY \
    quorate log verify "$work/260.tlog-proof"
says "what it says" 0 '"type": "(batch|checked)"' quorate log verify "$work/260.tlog-proof" --json
says "by a policy of keys" 0 'cosigned .* by .*/custodian-' env -u QUORATE_CHARTER quorate log verify "$work/260.tlog-proof" \
    --policy "$work/policy"
ok "to standard output" eval 'quorate log proof 3 >"$work/3.tlog-proof" && quorate log verify "$work/3.tlog-proof"'
sed 's/^index 260/index 261/' "$work/260.tlog-proof" >"$work/moved"
says "of another index" 1 'inclusion proof' quorate log verify "$work/moved"
sed '/^extra /d' "$work/260.tlog-proof" >"$work/bare"
says "without its entry" 64 'entry FILE' quorate log verify "$work/bare"
ok "its entry beside it" eval 'sed -n "s/^extra //p" "$work/260.tlog-proof" | base64 -d >"$work/entry" && quorate log verify "$work/bare" --entry "$work/entry"'
flip "$work/entry"
says "another entry beside it" 1 'inclusion proof' quorate log verify "$work/260.tlog-proof" --entry "$work/entry"
grep -v -e '/custodian-[12] ' "$work/260.tlog-proof" >"$work/few"
says "too few custodians" 1 'custodian|cosign' quorate log verify "$work/few"
says "too few for the policy" 1 'policy' quorate log verify "$work/few" --policy "$work/policy"
flip "$work/260.tlog-proof"
says "a flipped byte" 1 'proof|note|checkpoint' quorate log verify "$work/260.tlog-proof"
says "a charter or a policy" 64 'not both' quorate log verify "$work/3.tlog-proof" --charter "$QUORATE_CHARTER" --policy "$work/policy"

# --- what others made
vectors=${QUORATE_VECTORS:-$here/../shared/vectors}/log
if [ -d "$vectors" ]; then
	printf entry-258 >"$work/258"
	says "their proof by their policy" 0 'entry 258 of the log escrow.example/log1' quorate log verify \
	    "$vectors/example.tlog-proof" --entry "$work/258" --policy "$vectors/example-policy.txt"
	says "not of our log" 1 'checkpoint' quorate log verify "$vectors/example.tlog-proof" --entry "$work/258" --policy "$work/policy"
	cp -rL "$vectors/example-tiles" "$work/theirs"
	chmod -R u+w "$work/theirs"
	cp "$vectors/example-checkpoint-300-cosigned.txt" "$work/theirs/checkpoint"
	cp "$vectors/example-policy.txt" "$work/policy"
	says "their tiles, followed" 0 'size 300 cosigned 3' follow "$work/theirs"
else
	echo "skipped: vectors $vectors are not here"
fi
