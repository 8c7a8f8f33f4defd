#!/usr/bin/env bash
# Packages that stand alone: stamped, dated, archived and renewed, whatever the authorities do; and in recipient
# mode nothing of it in the coordinator's memory at any time.
. "$(dirname "$0")/lib.sh"
net_up n -n 3 -k 2 -f 0 -t 2 -e 3 -s 5
mode() { echo "$2" >"$net/$1/state/mode"; }
json() { # FIELD: of the last answer
	node -e 'const o = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(String(o[process.argv[2]]))' \
	    "$work/out" "$1"
}
covers() { # SIZE: by both authorities
	quorate status --json 2>/dev/null | node -e '
		const h = JSON.parse(require("fs").readFileSync(0, "utf8") || "{}");
		process.exit(h.anchors && h.anchors.every((a) => a.size >= Number(process.argv[1])) ? 0 : 1)' "$1"
}
approved() { # POLICY ARTIFACT [options]: prints a request that may be carried out
	local r policy=$1 a=$2
	shift 2
	r=$(request "$a" "$policy" "$@") && approve "$r" legal compliance auditor && echo "$r"
}
held() { unzip -l "$1" | grep -cE "$2"; }
has() { [ "$(held "$1" "$2")" = "$3" ]; }

# ---- with authorities that answer
a=$(seal standard)
size=$(quorate log checkpoint | sed -n 2p)
ok "what was sealed is stamped" soon covers "$size"
r=$(approved standard "$a")
ok "released for the archive" quorate release "$r" -o "$work/p.asice" --archive --json
ok "its signature is of level LT, and nothing is missing" \
    [ "$(json level) $(json archived) [$(json not_stamped)]" = "LT true []" ]
says "it is valid" 0 'yes +timestamp +signed before' quorate verify "$work/p.asice"
says "and dates what was sealed" 0 'yes +sealed +1 of 1' quorate verify "$work/p.asice"
says "and is stamped as a whole" 0 'yes +archive ' quorate verify "$work/p.asice"
ok "by both authorities" has "$work/p.asice" 'data/anchors/[0-9]+/token.tst' 2
ok "it has an archive time-stamp" has "$work/p.asice" 'META-INF/timestamp001.tst' 1
unpacked() { rm -rf "$work/un" && mkdir "$work/un" && (cd "$work/un" && unzip -q "$1"); }
stamped() { # NUMBER: openssl says so
	unpacked "$work/p.asice" && cat "$net"/tsa-*/state/ca.pem >"$work/roots.pem" && (cd "$work/un/META-INF" &&
	    openssl ts -verify -data "ASiCArchiveManifest$1.xml" -in "timestamp$1.tst" -token_in -CAfile "$work/roots.pem")
}
ok "openssl checks it too" stamped 001
r=$(approved standard "$a")
says "without --archive" 0 '^  time-stamped$' quorate release "$r" -o "$work/t.asice"
ok "it has none" has "$work/t.asice" 'META-INF/timestamp' 0
ok "it opens" quorate open "$work/p.asice" --key "$net/recipient/key.pem" -d "$work/opened"
ok "to what went in" cmp "$work/image.bin" "$work/opened/$a/image"

# ---- renewed
cp "$work/p.asice" "$work/old.asice"
says "it is renewed in its place" 0 'renewed: .*one more time-stamp' quorate package renew "$work/p.asice"
ok "it has two now" has "$work/p.asice" 'META-INF/timestamp00[12].tst' 2
ok "openssl checks the second" stamped 002
ok "it is valid" quorate verify "$work/p.asice"
entries() { od -An -v -tu4 -j $(($(stat -c %s "$1") - 6)) -N 4 "$1" | tr -d ' '; }	# bytes before the directory
ok "what was there is as it was" cmp -n "$(entries "$work/old.asice")" "$work/old.asice" "$work/p.asice"
before=$(sha256sum <"$work/p.asice")
ok "into another file" quorate package renew "$work/p.asice" --out "$work/q.asice" --json
ok "it has three" has "$work/q.asice" 'META-INF/timestamp00[123].tst' 3
says "not over a file that is there" 64 'is not overwritten' quorate package renew "$work/p.asice" --out "$work/q.asice"
says "not without a charter to trust" 2 'charter' env -u QUORATE_CHARTER quorate package renew "$work/p.asice"
mode tsa-1 down
mode tsa-2 garbage
says "no authority, no renewal" 2 'no time-stamp' quorate package renew "$work/p.asice"
mode tsa-2 ok
two="--tsa http://127.0.0.1:$(cat "$net/tsa-2/port")/"
says "one that is named needs its root" 64 'needs 1 to 4 --certificate' quorate package renew "$work/p.asice" $two
says "and it must be the right one" 2 'no time-stamp' \
    quorate package renew "$work/p.asice" $two --certificate "$net/tsa-1/state/ca.pem"
limited() { (ulimit -f 100; "$@"); }	# KiB
says "no room for it" 74 'make room' limited quorate package renew "$work/p.asice"
ok "nothing of all that touched it" [ "$(sha256sum <"$work/p.asice")" = "$before" ]
ok "one that is named" quorate package renew "$work/p.asice" $two --certificate "$net/tsa-2/state/ca.pem" \
    --crl "http://127.0.0.1:$(cat "$net/tsa-2/port")/ca.crl"
stamps=$(held "$work/p.asice" 'META-INF/timestamp...\.tst')
ln -s p.asice "$work/link.asice"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$work/p.asice"
was=$(stat -c '%u:%g %a' "$work/p.asice")
ok "by a link to it" quorate package renew "$work/link.asice" $two --certificate "$net/tsa-2/state/ca.pem"
ok "which stays a link" [ "$(readlink "$work/link.asice")" = p.asice ]
ok "what it leads to is renewed" has "$work/p.asice" 'META-INF/timestamp...\.tst' $((stamps + 1))
ok "and whose it was" [ "$(stat -c '%u:%g %a' "$work/p.asice")" = "$was" ]
mode tsa-1 untrusted
one="--tsa http://127.0.0.1:$(cat "$net/tsa-1/port")/"
cp "$net/tsa-1/state/other.pem" "$work/other.pem"
echo '{"tsa_roots":["other.pem"]}' >"$work/trust.json"
ok "by an authority of nobody's charter" quorate package renew "$work/q.asice" $one --certificate "$work/other.pem"
says "who does not know it cannot tell" 0 'could not check +archive' quorate verify "$work/q.asice"
says "who trusts it can" 0 'yes +archive' quorate verify "$work/q.asice" --trust "$work/trust.json"
mode tsa-1 down
ok "and renew it" quorate package renew "$work/q.asice" --trust "$work/trust.json"
cp "$work/p.asice" "$work/bad.asice"
flip "$work/bad.asice" 20000
says "what does not hold is not renewed" 1 'was not renewed' quorate package renew "$work/bad.asice"

# ---- with authorities that do not answer
mode tsa-1 slow
r=$(approved standard "$a")
says "the first is slow, for a minute: the second stamps" 0 '^  time-stamped$' timeout 45 quorate release "$r" -o "$work/slow.asice"
mode tsa-1 down
mode tsa-2 untrusted
r=$(approved standard "$a")
says "none does: released all the same, and said why" 0 'because: no time-stamp: TSA tsa-2' \
    quorate release "$r" -o "$work/b.asice" --archive
says "asked again: the same" 0 'NOT TIME-STAMPED: its signature is of level B' quorate release "$r" -o "$work/b2.asice"
says "... and how to add one later" 0 "quorate package renew $work/b3.asice\$" quorate release "$r" -o "$work/b3.asice" --archive
ok "the log says so too" grep -q 'a package goes without a time-stamp' "$net/coordinator/log"
says "it is valid, and says that no authority dates it" 0 'could not check +timestamp' quorate verify "$work/b.asice"
mode tsa-1 ok
mode tsa-2 ok
ok "a time-stamp over all of it comes later" quorate package renew "$work/b.asice"
ok "and it is valid" quorate verify "$work/b.asice"

# ---- a crash between the release and its package
mode tsa-1 slow
mode tsa-2 slow
r=$(approved standard "$a")
n=$(grep -c ': release ' "$net/coordinator/log")
quorate release "$r" -o "$work/x.asice" --archive >/dev/null 2>&1 &
logged() { [ "$(grep -c ': release ' "$net/coordinator/log")" -gt "$1" ]; }
ok "it waits for a time-stamp" soon logged "$n"
devnet kill "$net" coordinator
wait $!
mode tsa-1 ok
mode tsa-2 ok
devnet start "$net" coordinator
released() { quorate release "$r" -o "$work/crash.asice" --json >"$work/out" 2>/dev/null; }
ok "taken up again" soon released
ok "it is for the archive still" [ "$(json level) $(json archived)" = "LT true" ]
ok "and valid" quorate verify "$work/crash.asice"

# ---- memory: two releases of one artifact have the same keys, so the first says what to look for in the second
parts=()
for i in $(seq 16); do
	head -c 300 /dev/urandom >"$work/part$i"
	parts+=(--part "p$i=$work/part$i")
done
watched() { # POLICY: releases twice; $work/scan says what was seen during the second
	local b c r pid
	b=$(seal "$1" "${parts[@]}") && c=$(seal "$1" "${parts[@]}") || return 1
	r=$(approved "$1" "$b" --artifact "$c") && quorate release "$r" -o "$work/$1-1.asice" || return 1
	"$tools/needles" package "$work/$1-1.asice" "$net/recipient/key.pem" >"$work/needles" || return 1
	for i in $(seq 16); do printf 'plaintext %s\n' "$(head -c 32 "$work/part$i" | od -An -v -tx1 | tr -d ' \n')"; done \
	    >>"$work/needles"
	r=$(approved "$1" "$b" --artifact "$c") || return 1
	"$tools/hunt" scan "$(cat "$net/coordinator/pid")" <"$work/needles" >"$work/scan" 2>"$work/scan.err" &
	pid=$!
	sleep 0.3
	quorate release "$r" -o "$work/$1-2.asice"
	sleep 0.3
	kill -TERM $pid
	wait $pid
}
# The worker has them for a moment only: who looked too late looks again. What was freed stays where a sanitizer is.
looked=3
if ! grep -qaE '__[at]san_init' "$bin/quorate"; then
	watched standard
	looked=$?
fi
for _ in 1 2 3 4 5; do
	[ $looked != 3 ] && ! grep -qE '^worker: found [1-9]' "$work/scan" || break
	rm -f "$work"/standard-[12].asice
	watched standard
	looked=$?
done
if [ $looked = 3 ]; then
	echo "skipped: a sanitizer keeps what was freed, or this machine lets nobody read another process's memory"
else
	cat "$work/scan"
	ok "the worker of coordinator mode has keys in its memory, and that is seen" \
	    grep -qE '^worker: found [1-9]' "$work/scan"
	ok "the coordinator itself has none" grep -qE '^run: found 0 in [1-9]' "$work/scan"
	watched direct
	cat "$work/scan"
	ok "in recipient mode there is nothing at any time" grep -qE '^run: found 0 in [1-9]' "$work/scan"
	ok "nor anywhere else" sh -c "! grep -q 'found [1-9]' '$work/scan'"
	ok "what was looked for is what a recipient finds" [ "$(grep -c ^contribution "$work/needles")" = 96 ]
	ok "and the worker that waits has nothing either" sh -c "! grep -E '^worker: found [1-9]' '$work/scan'"
	ok "the recipient has the answers of all three" has "$work/direct-2.asice" 'data/contributions/0[123].p7m' 3
	ok "and opens it" quorate open "$work/direct-2.asice" --key "$net/recipient/key.pem" -d "$work/direct"
fi
ok "the log replays clean" quorate audit
