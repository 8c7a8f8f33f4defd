# What was counted (SCENARIO|WHAT|CLI|COORDINATOR|WORKER|CUSTODIANS), then docs/costs.md: are its tables that?
# mode=write prints the document with what was counted in it. A scenario's table stands under a line
# <!-- costs: SCENARIO -->; its rows: | what | CLI | coordinator | worker | custodians | why |
function trim(s) { gsub(/^ +| +$/, "", s); return s }
# "7 to 9" is what it may vary in; else it is as it is.
function fits(cell, got,    r) {
	if (cell == got) return 1
	return split(cell, r, " to ") == 2 && got ~ /^[0-9]+$/ && got + 0 >= r[1] + 0 && got + 0 <= r[2] + 0
}
function shown(s) { return s == "0" ? "" : s }
function differs(words) { printf "FAIL: docs/costs.md, %s\n", words; bad = 1 }
function leave(    k, part) {			# the end of a table: what it lacks
	if (scenario == "") return
	for (k = 1; k <= rows; k++) {
		split(row[k], part, "|")
		if (part[1] != scenario || (scenario, part[2]) in said) continue
		if (mode == "write") printf "| %s | %s | %s | %s | %s | ? |\n", part[2], shown(part[3]), shown(part[4]), shown(part[5]), shown(part[6])
		else differs(scenario ": \"" part[2] "\" is counted and not in the table: " row[k])
	}
	tables[scenario] = 1
	scenario = ""
}
NR == FNR {
	row[++rows] = $0
	split($0, part, "|")
	scenarios[part[1]] = 1
	for (i = 3; i <= 6; i++) got[part[1], part[2], i] = part[i]
	next
}
/^<!-- costs: / { wanted = $3 }
scenario != "" && !/^\|/ { leave() }
/^\|---/ && wanted != "" { scenario = wanted; wanted = ""; if (mode == "write") print; next }
scenario != "" && /^\|/ {
	split($0, f, "|")
	what = trim(f[2])
	said[scenario, what] = 1
	if (!((scenario, what, 3) in got)) {	# gone: nothing of it is done any more
		if (mode != "write") differs(scenario ": \"" what "\" is in the table and is not counted")
		next
	}
	line = "| " what " |"
	for (i = 3; i <= 6; i++) {
		has = trim(f[i])
		if (!fits(has == "" ? "0" : has, got[scenario, what, i])) {
			if (mode != "write")
				differs(scenario ": \"" what "\", column " i - 2 ": " (has == "" ? 0 : has) ", and " got[scenario, what, i] " is counted")
			has = shown(got[scenario, what, i])
		}
		line = line " " has " |"
	}
	why = trim(f[7])
	if (mode != "write" && (why == "" || why == "?")) differs(scenario ": \"" what "\" has no reason")
	if (mode == "write") print line " " why " |"
	next
}
mode == "write" { print }
END {
	leave()
	for (s in scenarios) if (!(s in tables) && mode != "write") differs(s ": no table")
	if (mode != "write") exit bad
}
