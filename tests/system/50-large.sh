#!/usr/bin/env bash
# A large part in bounded memory: sealing, verifying and opening under 64 MiB, idle daemons small.
. "$(dirname "$0")/lib.sh"
mib=${LARGE_MIB:-2048}
net_up n
# Reproducible bytes that no zero-block trick can shorten, made as they are read.
big() { openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00 -in /dev/zero 2>/dev/null | head -c "${mib}M"; }
rss_under() { # KIB COMMAND...: runs it and looks at its peak
	local limit=$1
	shift
	/usr/bin/env bash -c 'ulimit -c 0; exec "$@"' _ "$@" &
	local pid=$! peak=0 now
	while now=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
		[ "$now" -gt "$peak" ] && peak=$now
		sleep 0.2
	done
	wait $pid || return 1
	echo "peak $peak KiB"
	[ "$peak" -gt 0 ] && [ "$peak" -lt "$limit" ]
}
seal_big() { big | quorate seal --policy standard --part image=- --part "prompt=$work/prompt.txt" --json; }
mkfifo "$work/pipe"
big >"$work/pipe" &
ok "sealing $mib MiB from a pipe stays under 64 MiB" rss_under 65536 \
    quorate seal --policy standard --part "image=$work/pipe" --part "prompt=$work/prompt.txt" --json
cp "$work/out" "$work/json"
a=$(field artifact)
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "it is released" quorate release "$r" -o "$work/p.asice"
ok "verifying stays under 64 MiB" rss_under 65536 quorate verify "$work/p.asice"
ok "opening stays under 64 MiB" rss_under 65536 quorate open "$work/p.asice" --key "$net/recipient/key.pem" -d "$work/opened"
rm -f "$work/p.asice"
same() { big | cmp - "$work/opened/$a/image"; }
ok "the bytes are the ones that went in" same
for i in 1 2 3 4 5; do
	for pid in $(pgrep -s "$(cat "$net/custodian-$i/pid")"); do
		ok "an idle process of a custodian stays under 32 MiB" \
		    test "$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status")" -lt 32768
	done
done
