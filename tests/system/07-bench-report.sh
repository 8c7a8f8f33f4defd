#!/usr/bin/env bash
# What becomes of rows of measurements: a table, JSON and plots; and a line that is none is named.
. "$(dirname "$0")/lib.sh"
report=$(dirname "$QUORATE_BIN")/bench/tool/report
rows() { printf '%s\n' "$@" >"$work/rows"; }
rows 'machine|processors|2' '# two cores' 'words of a library' 'row|seal|1024|2|s|age|1|ratio<=2.5' 'row|bars|0|30|ms|-|0|<=20' '' \
    'row|seal|1024|3|s|age|1|ratio<=2.5' 'row|seal|1|5|s|age|10|ratio<=0.5' 'row|seal|1024|9|s|age|3|ratio<=2.5' \
    'row|bars|0|10|ms|-|0|<=20' 'axis|rate|rows <at once>' 'skipped|open|no age & no gpg' 'row|rate|10|50|1/s|SQLite <one>|100|ratio>=0.5' \
    'row|rate|100000|2e4|1/s|SQLite <one>|100|ratio>=0.5'
says "rows make a table" 0 '^4 of 5 aims met$' "$report" --json "$work/json" --plots "$work" "$work/rows"
cp "$work/out" "$work/table"
# of 2/1, 3/1 and 9/3 the middle is 3; of the rates in the same rows 3 and 1
ok "the ratio is the middle of the pairs'" grep -Eq '^ +1024 +3\.00 s \[2\.00-9\.00\] +age +1\.00 s \[1\.00-3\.00\] +3\.00 \[2\.00-3\.00\] +ratio<=2\.5 +NOT MET$' "$work/table"
ok "of two the middle is between them" grep -Eq '^bars +20\.0 ms \[10\.0-30\.0\] +<=20 +met$' "$work/table"
ok "a series stands by x" grep -Eq '^seal +1 +5\.00 s' "$work/table"
ok "who is skipped, and why" grep -Eq '^open +skipped: no age & no gpg$' "$work/table"
ok "JSON says the same" jq -e '.machine.processors == "2" and (.series | map(.name)) == ["seal", "bars", "rate"] and
    (.series[0].points | map(.x)) == [1, 1024] and .series[0].points[1].ratio == {median: 3, min: 2, max: 3} and
    .series[0].points[1].met == false and .series[1].points[0].repetitions == 2 and .series[1].points[0].met and
    (.series[1].points[0] | has("ratio") | not) and .series[2].axis == "rows <at once>" and .series[0].axis == null and .skipped == [{series: "open", why: "no age & no gpg"}]' "$work/json"
for s in seal bars rate; do
	ok "$s has a plot" xmllint --noout "$work/$s.svg"
done
ok "it says what x is" grep -q 'rows &lt;at once&gt;' "$work/rate.svg"
ok "decades have a logarithmic axis" grep -q 'logarithmic' "$work/rate.svg"
"$report" --plots "$work" "$work/rows" >/dev/null && cp "$work/rate.svg" "$work/again" && "$report" --plots "$work" "$work/rows" >/dev/null
ok "the same rows give the same plot" cmp "$work/rate.svg" "$work/again"
ok "a check takes them" "$report" --check "$work/rows"
ok "and prints nothing" [ ! -s "$work/out" ]

refuses() { # NAME WORDS ROW...
	local name=$1 words=$2
	shift 2
	rows '# first' 'row|a|1|1|s|age|1|-' "$@"
	says "$name" 1 "rows:3: .*$words" "$report" --check "$work/rows"
}
refuses "a field too few" '8 fields, this one 7' 'row|a|1|1|s|age|1'
refuses "a field too many" '8 fields, this one 9 or more' 'row|a|1|1|s|age|1|-|-'
refuses "a series with capitals" 'lower-case' 'row|Seal|1|1|s|age|1|-'
refuses "no number" 'are numbers' 'row|b|1|fast|s|age|1|-'
refuses "less than nothing" 'are numbers' 'row|b|1|-1|s|age|1|-'
refuses "no number either" 'are numbers' 'row|b|1|nan|s|age|1|-'
refuses "half a number" 'are numbers' 'row|b|1|1s|s|age|1|-'
refuses "a unit of its own" 'a unit is' 'row|b|1|1|furlong|age|1|-'
refuses "a reference that measured nothing" 'number above 0' 'row|b|1|1|s|age|0|-'
refuses "figures of no reference" 'number above 0' 'row|b|1|1|s|-|1|-'
refuses "an aim nobody can read" 'an aim is' 'row|b|1|1|s|age|1|fast'
refuses "a ratio to nothing" 'no reference' 'row|b|1|1|s|-|0|ratio>=1'
refuses "two units" 'is in s and in ms' 'row|a|2|1|ms|age|1|-'
refuses "two aims" 'another unit, reference or aim' 'row|a|1|1|s|age|1|<=2'
refuses "something else" 'neither' 'rwo|a|1|1|s|age|1|-'
says "a file that is not there" 1 'cannot be read' "$report" "$work/none"
says "usage" 2 '^usage: report' "$report" --plot x
