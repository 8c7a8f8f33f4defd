#!/usr/bin/env bash
# The sealer that stays: every line has its answer, whatever is in the others; what it calls sealed is released and
# opens; a coordinator that dies, custodians that are away and a signal lose nothing that was answered.
. "$(dirname "$0")/lib.sh"
net_up n
export TMPDIR=$work
sealer() { exec quorate seal --batch --policy standard "$@"; }
mkdir "$work/parts"
part() { # REF: files of its own
	printf 'the prompt of %s\n' "$1" >"$work/parts/$1.txt"
	{ printf '%s ' "$1"; head -c 3000 "$work/image.bin"; } >"$work/parts/$1.img"
}
order() { printf '{"ref":"%s","parts":{"prompt":"%s/parts/%s.txt","image":"%s/parts/%s.img"}%s}\n' "$1" "$work" "$1" "$work" "$1" "${2:-}"; }
orders() { local i; for i in $(seq "$2"); do part "$1$i"; order "$1$i" "${3:-}"; done; }
# answers FILE JS: is it true of `a`, the answers?
answers() {
	node -e '
		const fs = require("fs"), ids = new Set();
		const a = fs.readFileSync(process.argv[1], "utf8").split("\n").filter((l) => l).map((l) => JSON.parse(l));
		const sealed = a.filter((x) => x.sealed), refused = a.filter((x) => !x.sealed);
		const by = (f) => a.filter(f).length, once = new Set(sealed.map((x) => x.artifact)).size === sealed.length;
		const at = (n) => a.find((x) => x.line === n) || {};
		if (!(eval(process.argv[2]))) { console.log(a.length, sealed.length, JSON.stringify(refused).slice(0, 1500)); process.exit(1); }' "$@"
}
count() { grep -c '"sealed":true' "$1"; }
listed() { quorate list artifacts --max 5000 --json | grep -cE '"artifact"|"id"'; }

# --- every line has its answer ---------------------------------------------------------
: >"$work/parts/empty"
mkfifo "$work/parts/pipe"
{
	orders good 30
	echo 'no JSON at all'
	echo
	order good1
	order none
	printf '{"ref":"a folder","parts":{"prompt":"%s"}}\n' "$work/parts"
	printf '{"ref":"empty","parts":{"prompt":"%s/parts/empty"}}\n' "$work"
	printf '{"ref":"pipe","parts":{"prompt":"%s/parts/pipe"}}\n' "$work"
	order good2 ',"policy":"nope"'
	order good3 ',"class":"nope"'
	order good4 ',"unknown":1'
	printf '{"ref":"%s"}\n' "$(head -c 200000 /dev/zero | tr '\0' x)"
	printf '{"ref":"\\u00e9\\"","parts":{"prompt":"%s/parts/good5.txt"},"record":"%s/prompt.txt"}\n' "$work" "$work"
	order good7 ',"record":"-"'
	order good8 ",\"record\":\"$work/parts/pipe\""
	order good6 | tr -d '\n'
} >"$work/lines"
ok "each line is answered once" sh -c '! "$@"' _ bash -c "quorate seal --batch --policy standard --receipts '$work/receipts' <'$work/lines' >'$work/answers' 2>'$work/said'"
ok "33 are sealed" answers "$work/answers" 'sealed.length === 33 && once && sealed.every((x) => x.holders >= 4 && x.error === undefined)'
ok "and 11 are not, and say why" answers "$work/answers" 'refused.length === 11 && refused.every((x) => x.error && x.message && !x.artifact) &&
    at(31).error === "format" && at(31).ref === null && at(34).ref === "none" && /No such file/.test(at(34).message) && /folder/.test(at(35).message) &&
    /empty/.test(at(36).message) && /regular/.test(at(37).message) && /policy/.test(at(38).message) && /class/.test(at(39).message) &&
    at(40).ref === "good4" && at(41).error === "limit" && at(42).ref === "\u00e9\"" && at(42).record_salt.length === 64 &&
    at(43).error === "usage" && /record/.test(at(44).message) && at(45).sealed'
ok "one line says so" grep -q '^quorate seal: 11 of 44 are not sealed' "$work/said"
ok "two artifacts of one ref" answers "$work/answers" 'by((x) => x.ref === "good1" && x.sealed) === 2'
ok "every batch has its receipt" answers "$work/answers" 'sealed.every((x) => { const r = JSON.parse(fs.readFileSync("'"$work"'/receipts/" + x.batch + ".json", "utf8"));
    return r.batch === x.batch && r.entry === x.entry && r.held.length >= 4 && r.proof.startsWith("c2sp.org/tlog-proof"); })'
ok "nothing to read is nothing to seal" sh -c 'quorate seal --batch </dev/null'
says "no policy anywhere" 1 '"error":"usage"' sh -c "head -n 1 '$work/lines' | quorate seal --batch"
says "a part beside it" 64 'each line names' quorate seal --batch --policy standard --part "prompt=$work/prompt.txt"
says "a batch of none" 64 'batch-max' quorate seal --batch --batch-max 0
says "answers that cannot be written" 74 'standard output' sh -c "head -n 3 '$work/lines' | quorate seal --batch --policy standard >/dev/full"

# --- what is sealed opens ----------------------------------------------------------------
released() {
	local options r
	mapfile -t options < <(node -e 'for (const l of require("fs").readFileSync(process.argv[1], "utf8").split("\n"))
		if (l && JSON.parse(l).sealed) console.log("--artifact\n" + JSON.parse(l).artifact)' "$work/answers")
	r=$(quorate request "${options[@]}" --policy standard --reason "a test" --recipient "$net/recipient/cert.pem" \
	    --key "$people/requester.key" --json >"$work/json" && field request) || return 1
	approve "$r" legal compliance auditor && quorate release "$r" -o "$work/p.asice" &&
	    quorate open "$work/p.asice" --key "$net/recipient/key.pem" -d "$work/opened"
}
ok "they are released and opened" released
ok "each to what it was" answers "$work/answers" 'sealed.every((x) => { const ref = x.line === 42 ? "good5" : x.ref, d = "'"$work"'/opened/" + x.artifact + "/", p = "'"$work"'/parts/" + ref;
    return fs.readFileSync(d + "prompt").equals(fs.readFileSync(p + ".txt")) && (x.line === 42 || fs.readFileSync(d + "image").equals(fs.readFileSync(p + ".img"))); })'

# --- a coordinator that dies in the midst ----------------------------------------------------
before=$(listed)
orders more 400 >"$work/lines"
mkfifo "$work/in"
sealer --batch-max 32 <"$work/in" >"$work/answers" 2>"$work/said" &
pid=$!
exec 7>"$work/in"
head -n 200 "$work/lines" >&7
some() { [ "$(count "$1")" -ge "$2" ]; }
ok "it seals" soon some "$work/answers" 32
devnet kill "$net" coordinator
tail -n +201 "$work/lines" >&7 &
writer=$!
ok "it says that the coordinator is away" soon grep -q 'nothing is lost' "$work/said"
ok "and seals nothing that came since" sh -c "! grep -E '\"line\":(20[1-9]|2[1-9].|[34]..),' '$work/answers' | grep -q '\"sealed\":true'"
devnet start "$net" coordinator
ok "all of it is sealed afterwards" soon some "$work/answers" 400
wait "$writer"
exec 7>&-
ended() { wait "$1"; }
ok "it ends well" ended "$pid"
ok "each once" answers "$work/answers" 'sealed.length === 400 && refused.length === 0 && once && new Set(sealed.map((x) => x.ref)).size === 400'
ok "the network has those and no others" [ "$(listed)" = $((before + 400)) ]
cp "$work/answers" "$work/all"
shown() { local a; for a in $(sed -n 's/.*"artifact":"\([0-9a-f]*\)".*/\1/p' "$work/all" | sed -n '1p;50p;150p;199p;400p'); do quorate status "$a" | grep -q sealed || return 1; done; }
ok "and says so of each that is asked for" soon shown

# --- custodians that are away: nothing is called sealed, and who writes waits -------------------
devnet kill "$net" custodian-4
devnet kill "$net" custodian-5
blanks=$(head -c 60000 /dev/zero | tr '\0' ' ')
orders wait 150 ",$blanks\"policy\":\"standard\"" >"$work/lines"
sealer --batch-max 4 <"$work/in" >"$work/answers" 2>"$work/said" &
pid=$!
exec 7>"$work/in"
cat "$work/lines" >&7 &
writer=$!
ok "it says that too few custodians answer" soon grep -q 'nothing is lost' "$work/said"
ok "nothing is called sealed" [ ! -s "$work/answers" ]
ok "who writes the lines waits" kill -0 "$writer"
devnet start "$net" custodian-4
devnet start "$net" custodian-5
ok "all of it is sealed when they are back" soon some "$work/answers" 150
wait "$writer"
exec 7>&-
ok "it ends well" ended "$pid"
ok "each once" answers "$work/answers" 'sealed.length === 150 && once'

# --- signals ----------------------------------------------------------------------------------------
orders last 40 >"$work/lines"
sealer <"$work/in" >"$work/answers" 2>"$work/said" &
pid=$!
exec 7>"$work/in"
head -n 20 "$work/lines" >&7
ok "it seals" soon some "$work/answers" 20
kill -TERM "$pid"
ok "told to stop, it ends, and well" ended "$pid"
ok "with all answered" answers "$work/answers" 'sealed.length === 20'
exec 7>&-
devnet kill "$net" coordinator
sealer --batch-max 4 <"$work/in" >"$work/answers" 2>"$work/said" &
pid=$!
exec 7>"$work/in"
cat "$work/lines" >&7
ok "it waits for a coordinator" soon grep -q 'nothing is lost' "$work/said"
kill -TERM "$pid"
since=$SECONDS
wait "$pid"	# it gives up after a while
code=$?
took=$((SECONDS - since))
exec 7>&-
ok "told to stop, it waits for 30 seconds in all, and not with each batch" [ "$took" -lt 56 ]
ok "it gives up and says that it could not tell" [ "$code" = 2 ]
ok "of each that it read, and calls none sealed" answers "$work/answers" 'sealed.length === 0 && refused.length >= 16 && new Set(a.map((x) => x.line)).size === a.length'

# A second signal ends it at once, also when it has read all there is.
head -n 3 "$work/lines" | sealer >"$work/answers" 2>"$work/said" &
pid=$!
ok "at the end of input it waits for a coordinator" soon grep -q 'nothing is lost' "$work/said"
gone() { ! kill -TERM "$pid" 2>"$work/null"; }
ok "told to stop again, it does" soon gone
wait "$pid"
code=$?
ok "at once" [ "$code" = 143 ]
