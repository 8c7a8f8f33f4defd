#!/usr/bin/env bash
# The coordinator is killed at any moment, again and again, while eight seal and one
# releases: what was acknowledged is in the log and opens, and the log replays clean.
. "$(dirname "$0")/lib.sh"
rounds=${CRASH_ROUNDS:-10}
net_up c

sealing() { # N: its own content; the artifact's id stands in a file only when the command said "sealed"
	printf 'round and number %s\n' "$1" >"$work/in.$1"
	timeout 40 quorate seal --policy standard --part "text=$work/in.$1" --json >"$work/seal.$1" 2>/dev/null ||
	    { rm -f "$work/seal.$1"; return 0; }
	sed -n 's/^ *"artifact": "\([0-9a-f]*\)".*/\1/p' "$work/seal.$1" >"$work/sealed.$1"
}
releasing() { # REQUEST N
	timeout 40 quorate release "$1" -o "$work/mid.$2" >/dev/null 2>&1 && touch "$work/released.$2"
	return 0
}
up_again() {
	devnet start "$net" coordinator
	for _ in $(seq 100); do quorate log checkpoint >/dev/null 2>&1 && return 0; sleep 0.1; done
	return 1
}

a=$(seal standard)
for round in $(seq "$rounds"); do
	r=$(request "$a" standard)
	approve "$r" legal compliance auditor
	jobs=()
	for i in 1 2 3 4 5 6 7 8; do sealing "$round-$i" & jobs+=($!); done
	releasing "$r" "$round" & jobs+=($!)
	sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
	devnet kill "$net" coordinator
	ok "round $round: it starts again" up_again
	wait "${jobs[@]}"
	ok "round $round: the log replays clean" quorate audit
	rm -f "$work/mid.$round"
	ok "round $round: the release completes" quorate release "$r" -o "$work/mid.$round"
	ok "round $round: its package is valid" quorate verify "$work/mid.$round"
done

# All that was acknowledged, in one request.
ids=()
for f in "$work"/sealed.*; do [ -s "$f" ] && ids+=(--artifact "$(cat "$f")"); done
n=$((${#ids[@]} / 2))
ok "some of the $((8 * rounds)) were sealed ($n)" test "$n" -gt 0
r=$(request "$a" standard "${ids[@]}")
approve "$r" legal compliance auditor
ok "what was acknowledged is released" quorate release "$r" -o "$work/all.asice"
ok "and opens" quorate open "$work/all.asice" --key "$net/recipient/key.pem" -d "$work/all"
same() {
	local f
	for f in "$work"/sealed.*; do cmp "$work/in.${f##*.}" "$work/all/$(cat "$f")/text" || return 1; done
}
ok "byte for byte" same
ok "no half of a package is left" test -z "$(find "$net/coordinator/state/packages" -name '.*' -type f)"
ok "no worker is left" test -z "$(pgrep -s "$(cat "$net/coordinator/pid")" -f ' release-worker ')"
