#!/usr/bin/env bash
# Tokens that vanish and come back, disks that are full: clear answers, nothing lost, and it goes on.
. "$(dirname "$0")/lib.sh"

mkdir "$work/disk"
if mount -t tmpfs -o size=96m none "$work/disk" 2>/dev/null; then
	small=1
	trap 'devnet down "$work/disk/n" >/dev/null 2>&1; umount -l "$work/disk"; cleanup || exit 1' EXIT
else
	small=
	echo "skipped: no small disk can be mounted here"
fi
net_up disk/n
again() { b=$(seal standard); }

a=$(seal standard)
for i in 1 2; do mv "$net/custodian-$i/tokens" "$net/custodian-$i/gone"; done
says "two tokens are gone: sealing says that it waits" 2 'custodians|cosigned' \
    quorate seal --policy standard --part "prompt=$work/prompt.txt"
for i in 1 2; do mv "$net/custodian-$i/gone" "$net/custodian-$i/tokens"; done
ok "they are back: it goes on, without a restart" soon again
ok "and holds it" quorate status "$b"
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "and releases" quorate release "$r" -o "$work/p1"

if [ -n "$small" ]; then
	head -c 200m /dev/zero >"$work/disk/full" 2>/dev/null
	says "disks are full: sealing says so, or that it waits" '(74|2)' 'space|room|full|custodians|disk' \
	    quorate seal --policy standard --part "image=$work/image.bin"
	says "what was sealed before still stands" '(0|2|74)' 'artifact|space|full|disk|room' quorate status "$b"
	rm "$work/disk/full"
	was=$b
	ok "there is room again: it goes on" soon again
	ok "and holds that, too" quorate status "$b"
	r=$(request "$was" standard)
	approve "$r" legal compliance auditor
	ok "and what was sealed before opens" quorate release "$r" -o "$work/p2"
	ok "the log replays clean" quorate audit
fi
