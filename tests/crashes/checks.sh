# tests/crashes/checks.sh - when all is up again: is everything there that anybody was told?

statements=0 artifacts=0 packages=0 opened=0

log_of() { "$look" "$1" log; }
same_log() { log_of "$net/$1/state/replica.db" >"$work/log.$1" && cmp -s "$work/log" "$work/log.$1"; }
all_same() {
	local i
	log_of "$net/coordinator/state/log.db" >"$work/log" || return 1
	for i in 1 2 3 4; do same_log "custodian-$i" || return 1; done
}

# Each statement under the number that it was told under.
statements_there() {
	cat "$work"/told.* | awk 'NR == FNR { id[$1] = $4; next }
	    $1 == "statement" && id[$3] != $2 { print; bad = 1 } END { exit bad }' "$work/log" -
}
artifacts_there() {
	local lacks
	lacks=$(awk '$1 == "artifact" { print $2 }' "$work"/told.* | "$look" "$1" lacks) && [ -z "$lacks" ] || { echo "lacks $lacks"; return 1; }
}
# A package that somebody was given: its release is logged, and it is valid.
packages_there() {
	cat "$work"/told.* | awk 'NR == FNR { type[$1] = $2 " " $3; next }
	    $1 == "package" && type[$4] != "release yes" { print; bad = 1 } END { exit bad }' "$work/log" -
}
every_package_valid() {
	local p
	for p in "$net"/coordinator/state/packages/*.asice; do
		[ -e "$p" ] || continue
		grep -qxF "$p" "$work/verified" 2>/dev/null && continue
		quorate verify "$p" >"$work/verify" 2>&1 || { [ $? = 2 ] && ! grep -q 'not valid' "$work/verify"; } || { cat "$work/verify"; return 1; }
		echo "$p" >>"$work/verified"
	done
}
# Whoever acted acted on an order that the log shows.
acts_logged() { # CUSTODIAN
	"$look" "$net/$1/state/replica.db" acts | awk 'NR == FNR { if ($2 == "order" && $3 == "yes") order[$4] = 1; next }
	    !($1 in order) { print; bad = 1 } END { exit bad }' "$work/log" -
}
nothing_left_over() {
	local left
	left=$(find "$net"/coordinator/state/{packages,envelopes} "$net"/custodian-*/state -name '.*' -type f)
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}
nothing_wrong() { [ ! -s "$work/wrong" ] || { cat "$work/wrong"; return 1; }; }

# All that was sealed under the plain policy and was not opened yet, in one request.
opens_all() {
	local a ids=() r file
	awk '$1 == "artifact" && $4 == "standard" { print $2, $3 }' "$work"/told.* | sort >"$work/sealed"
	touch "$work/opened"
	comm -23 "$work/sealed" "$work/opened" | head -n 200 >"$work/now"
	[ -s "$work/now" ] || return 0
	while read -r a file; do ids+=(--artifact "$a"); done <"$work/now"
	r=$(request "${ids[1]}" standard "${ids[@]:2}") || return 1
	approve "$r" legal compliance auditor || return 1
	rm -rf "$work/all" "$work/all.asice"
	quorate release "$r" -o "$work/all.asice" || return 1
	quorate open "$work/all.asice" --key "$net/recipient/key.pem" -d "$work/all" || return 1
	while read -r a file; do cmp "$file" "$work/all/$a/text" || return 1; done <"$work/now"
	opened=$((opened + $(wc -l <"$work/now")))
	sort -o "$work/opened" "$work/opened" "$work/now"
}

check() {
	local p at="round $round of seed $seed"
	for p in "${parties[@]}" cli; do "$inject" "$work/plan.$p" fired; done
	mend
	ok "$at: all come to the same log" within 240 all_same
	ok "$at: audit" quorate audit --state "$work/audit.$(basename "$net")"
	ok "$at: what was acknowledged is in the log" statements_there
	ok "$at: what was sealed is in escrow" artifacts_there "$net/coordinator/state/log.db"
	for p in 1 2 3 4; do
		ok "$at: and custodian $p has it" artifacts_there "$net/custodian-$p/state/replica.db"
		ok "$at: custodian $p acted on logged orders alone" acts_logged "custodian-$p"
	done
	ok "$at: each package's release is logged" packages_there
	ok "$at: each package is valid" every_package_valid
	ok "$at: what was sealed opens, byte for byte" opens_all
	ok "$at: no half of a file is left" nothing_left_over
	ok "$at: nothing went wrong for those at work" nothing_wrong
	rm -f "$work/wrong"
}

figures() {
	local k
	statements=$(cat "$work"/told.* | grep -c ^statement) artifacts=$(cat "$work"/told.* | grep -c ^artifact)
	echo "crashes: $rounds rounds (seed $seed): $killed deaths, $passed_by that did not come to it, $restarted restarts, $in_start died in one;"
	echo "	told in the last network: $artifacts sealed, $statements statements, $(cat "$work"/told.* | grep -c ^package) packages; $opened opened in all;"
	echo "	charters that followed: $(cat "$work/amended" 2>/dev/null | wc -l)"
	for k in "${!kills[@]}"; do echo "	${kills[$k]} $k"; done | sort -rn
}
