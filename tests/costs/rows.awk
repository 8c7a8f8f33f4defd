# Two tables (costs FILE counts), before and after: what was counted between, a line a kind of call.
# Of custodians: all five as they are, 5 x 2 where they are alike, 1 + 0 + 1 + 1 + 0 where not.
function cell(what, who) { return n[who, what] + 0 }
function custodians(what,    i, s, alike) {
	alike = 1
	for (i = 1; i <= 5; i++) {
		s = s (i > 1 ? " + " : "") cell(what, "custodian-" i)
		alike = alike && cell(what, "custodian-" i) == cell(what, "custodian-1")
	}
	return !alike ? s : cell(what, "custodian-1") == 0 ? 0 : "5 x " cell(what, "custodian-1")
}
{
	who = $1 == "coordinator" && $2 == "release-worker" ? "worker" : $1
	if (who == "card") next
	d = $3
	$1 = $2 = $3 = ""
	sub(/^ +/, "")
	n[who, $0] += FILENAME ~ /before$/ ? -d : d
	if (FILENAME !~ /before$/) seen[$0] = 1
}
END {
	for (what in seen)
		if (cell(what, "cli") || cell(what, "coordinator") || cell(what, "worker") || custodians(what) != "0")
			printf "%s|%s|%s|%s|%s|%s\n", scenario, what, cell(what, "cli"), cell(what, "coordinator"),
			    cell(what, "worker"), custodians(what)
}
