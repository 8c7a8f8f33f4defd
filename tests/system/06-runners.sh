#!/usr/bin/env bash
# Who runs the unit tests, two at a time: counts are right, words stay together, and one that dies or says nothing is a failure.
. "$(dirname "$0")/lib.sh"
program() { # NAME SCRIPT
	printf '#!/bin/sh\n%s\n' "$2" >"$work/$1"
	chmod +x "$work/$1"
}
program passes 'echo "[  PASSED  ] 3 test(s)."'
program slow 'sleep 0.2; echo "[  PASSED  ] 2 test(s)."'
program skips 'echo "skipped: no such thing"'
program fails 'echo "count 7 0 0"; echo "[  PASSED  ] 1 test(s)."; sleep 0.2; echo "[  FAILED  ] tests: 2 test(s), listed below:"; printf last; exit 2'
program dies 'kill -9 $$'
program silent 'exit 0'
program hangs 'sleep 60'
run() { (cd "$work" && UNIT_SECONDS=4 "$here/scripts/unit-run" "$@"); }
says "good ones" 0 '^8 passed, 0 failed$' run ./passes ./slow ./passes ./skips
cp "$work/out" "$work/said"
ok "who was left out is said" grep -qx '1 skipped' "$work/said"
says "bad ones" 1 '^4 passed, 6 failed$' run ./passes ./fails ./dies ./silent ./hangs ./nobody
cp "$work/out" "$work/said"
ok "each has its line" [ "$(grep -c '^FAIL \./' "$work/said")" = 5 ]
ok "the words of one stay together" [ "$(grep -A 5 '^FAIL ./fails' "$work/said" | sed -n 5p)" = last ]
says "nothing to run" 0 '^0 passed, 0 failed$' run
for p in one:other other:one; do	# each waits for the other
	program "${p%:*}" ": >\"$work/here-${p%:*}\"; until [ -e \"$work/here-${p#*:}\" ]; do sleep 0.1; done; echo '[  PASSED  ] 1 test(s).'"
done
says "two at a time" 0 '^2 passed, 0 failed$' env UNIT_JOBS=2 "$here/scripts/unit-run" "$work/one" "$work/other"

# What the README begins with: make alone makes the programs, also where the clock is behind the Makefile.
alone() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL timeout 60 make -C "$1" -n BUILD="$work/b" | grep -c "o $work/b/bin/"; }
says "make alone makes the programs" 0 '^3$' alone "$here"
mkdir "$work/tree"
tar -C "$here" --exclude=./build --exclude=./.git --exclude=node_modules -cf - . | tar -xf - -C "$work/tree"
touch -d '+1 day' "$work/tree/Makefile"
rm -rf "$work/b"
says "and ends where the Makefile is of tomorrow" 0 '^3$' alone "$work/tree"
