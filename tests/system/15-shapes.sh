#!/usr/bin/env bash
# Other shapes than 3-of-5, side by side; and charters that must not be.
. "$(dirname "$0")/lib.sh"
job() {
	local a r
	a=$(seal standard) && r=$(request "$a" standard) && approve "$r" legal compliance auditor &&
	    quorate release "$r" -o "$work/$1.asice" && quorate verify "$work/$1.asice"
}
net_up small -n 3 -k 2 -f 0
ok "2-of-3, nobody may lie" job small
small=$net
net_up large -n 7 -k 5 -f 2
ok "5-of-7, two may lie, beside it" job large
. "$small/env"
ok "the first network still answers" quorate status
says "a package of one network is not valid in another" 1 'no +charter' quorate verify "$work/large.asice"

# Charters that must not be.
draft() { rm -f "$work/c.json"; quorate charter new -o "$work/c.json" --name x "$@"; }
says "f that no quorum of cosignatures fits" 64 'cannot bear' draft -n 3 -k 2 -f 1
says "k above n" 64 'k is 2' draft -n 3 -k 4
says "k of one" 64 'k is 2' draft -n 3 -k 1
edit() { # WHAT SED: the small network's charter with one change; verify must refuse it
	sed "$3" "$small/charter.json" >"$work/c.json"
	says "$1" "$2" "$4" quorate charter verify "$work/c.json"
}
edit "a quorum that allows two pasts" 1 's/"q": 2/"q": 1/; s/"h": 2/"h": 1/' 'q'
edit "a policy with no approval" 1 's/"count": 1/"count": 0/' 'count|approval'
edit "a policy of a role that nobody has" 1 's/"role": "auditor"/"role": "nobody"/' 'nobody|satisf'
edit "one organisation twice" 1 's/Compliance Trust B/Law Firm A/' 'organisation'
edit "an unknown member" 1 's/"rules": 1/"rules": 1, "extra": 1/' 'extra'
edit "rules of the future" 1 's/"rules": 1/"rules": 2/' 'rules'
says "a changed charter is not what was signed" 1 'another charter|not the charter' sh -c \
    "sed 's/Development network/Other/' '$small/charter.json' >'$work/d.json'; cp '$small/charter.json.dsse' '$work/d.json.dsse'; quorate charter verify '$work/d.json'"
