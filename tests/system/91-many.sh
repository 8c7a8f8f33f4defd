#!/usr/bin/env bash
# One release of many artifacts, each of a batch of its own, in both modes: in bounded memory and bounded pages.
# ARTIFACTS=1000: the largest that the charter's policy allows in a day.
. "$(dirname "$0")/lib.sh"
n=${ARTIFACTS:-60}
limit=$((65536 + 96 * n))	# KiB of the coordinator, and of its worker: entries count, what was sealed does not
net_up n -n 3 -k 2 -f 0 -t 2 -e 100 -s 5
covers() {
	quorate status --json 2>/dev/null | node -e '
		const h = JSON.parse(require("fs").readFileSync(0, "utf8") || "{}");
		process.exit(h.anchors && h.anchors.every((a) => a.size >= Number(process.argv[1])) ? 0 : 1)' "$1"
}
sealed() { # POLICY: the ids in $work/POLICY
	printf '%s\n' $(seq "$n") | xargs -P 4 -I{} sh -c '
		quorate seal --policy "$1" --part prompt="$2/prompt.txt" --part "note=$2/prompt.txt" --json |
		    sed -n "s/^ *\"artifact\": \"\(.*\)\",*/\1/p"' _ "$1" "$work" >"$work/$1"
	[ "$(wc -l <"$work/$1")" = "$n" ]
}
# The most that the coordinator and its worker have had, in KiB.
peaks() {
	local pid=$1 c
	while :; do
		for c in $pid $(cat "/proc/$pid"/task/*/children); do
			printf '%s %s\n' "$(tr '\0' '\n' <"/proc/$c/cmdline" | sed -n 2p)" \
			    "$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$c/status")"
		done 2>/dev/null
		sleep 0.05
	done
}
peak() { awk -v w="$1" '$1 == w && $2 > m { m = $2 } END { print m + 0 }' "$work/peaks"; }
under() { [ "$(peak "$1")" -gt 0 ] && [ "$(peak "$1")" -lt "$limit" ]; }
released() { # POLICY PACKAGE
	local r options
	mapfile -t options < <(sed 's/^/--artifact\n/' "$work/$1")
	r=$(quorate request "${options[@]}" --policy "$1" --reason "all of them" --recipient "$net/recipient/cert.pem" \
	    --key "$people/requester.key" --json >"$work/json" && field request) || return 1
	approve "$r" legal compliance auditor && quorate release "$r" -o "$2"
}
for policy in ${POLICIES:-standard direct}; do
	began=$(date +%s%N)
	ok "$policy: $n artifacts are sealed, a batch each" sealed "$policy"
	ok "and stamped" soon covers "$(quorate log checkpoint | sed -n 2p)"
	took() { echo "$policy: $1 after $((($(date +%s%N) - began) / 1000000)) ms"; }
	took "sealed and stamped"
	peaks "$(cat "$net/coordinator/pid")" >"$work/peaks" &
	watch=$!
	began=$(date +%s%N)
	ok "$policy: they are released at once" released "$policy" "$work/$policy.asice"
	took released
	kill $watch
	wait $watch 2>/dev/null
	echo "$policy: coordinator $(peak run) KiB, worker $(peak worker) KiB, package $(stat -c %s "$work/$policy.asice") bytes"
	ok "the coordinator stays under $limit KiB" under run
	began=$(date +%s%N)
	says "the package is valid, and each batch is dated" 0 "yes +sealed +$n of $n" quorate verify "$work/$policy.asice"
	took verified
	began=$(date +%s%N)
	ok "it opens" quorate open "$work/$policy.asice" --key "$net/recipient/key.pem" -d "$work/$policy.open"
	took opened
	ok "all of it" [ "$(find "$work/$policy.open" -name prompt -size "$(stat -c %s "$work/prompt.txt")c" | wc -l)" = "$n" ]
	[ "$policy" = direct ] || ok "the worker stays under $limit KiB" under worker
done
