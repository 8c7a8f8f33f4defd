#!/usr/bin/env bash
# Who was away, or lost a disk, comes back: a custodian that missed ENTRIES entries, one whose token
# alone is left, and the coordinator, out of a custodian's copy of the log and its envelopes.
. "$(dirname "$0")/lib.sh"
n=${ENTRIES:-2000}
net_up n
c=$net/coordinator
ms() { echo $(($(date +%s%N) / 1000000)); }
lines() { quorate status >"$work/status" 2>/dev/null; grep -E '^  [0-9] ' "$work/status"; }
all_up() { [ "$(lines | grep -c 'up, ')" = 5 ] && ! lines | grep -qE 'NOT READY|DOWN|behind'; }
same_size() { [ "$(lines | sed -n 's/.* up, \([0-9]*\) entries.*/\1/p' | sort -u | wc -l)" = 1 ] && all_up; }
held_by_all() { quorate status "$1" 2>/dev/null | grep -q 'held     by 5 of 5'; }
quick() { quorate seal --policy standard --part "prompt=$work/prompt.txt" >/dev/null; }

a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "all hold the first artifact" soon held_by_all "$a"

# Away for a long time: the others go on while it catches up.
devnet kill "$net" custodian-5
devnet kill "$net" coordinator
ok "the log grows by $n entries" "$tools/grow" "$net" "$n"
cat "$work/out"
devnet start "$net" coordinator
four_up() {
	local size
	lines >/dev/null
	size=$(sed -n '1s/.*: \([0-9]*\) entries.*/\1/p' "$work/status")
	[ "${size:-0}" -gt "$n" ] && [ "$(grep -c "up, $size entries" "$work/status")" = 4 ]
}
ok "four custodians catch up" soon four_up
began=$(ms)
for _ in 1 2 3; do quick; done
alone=$((($(ms) - began) / 3))
devnet start "$net" custodian-5
back=$(ms)
up_and_behind() { # it stops on its way, and the others do not wait for it
	pgrep -s "$(cat "$net/custodian-5/pid")" -x keeper >"$work/stopped" && kill -STOP $(cat "$work/stopped")
}
ok "it is stopped on its way" soon up_and_behind
without() { for _ in 1 2 3; do quick || return; done; }
ok "the others do not wait for it" without
meanwhile=$((($(ms) - back) / 3))
kill -CONT $(cat "$work/stopped")
ok "the one that was away catches up" soon same_size
took=$(($(ms) - back))
echo "a seal took $alone ms before, $meanwhile ms while it caught up; $n entries in $took ms: $((n * 1000 / took)) a second"

# A custodian lost its disk: log and shares come again, all of them.
lost=$(seal direct)
ok "all hold what it will lose" soon held_by_all "$lost"
devnet kill "$net" custodian-4
mv "$net/custodian-4/state" "$work/lost-4"
ok "it begins anew with its token" env SOFTHSM2_CONF="$net/custodian-4/softhsm2.conf" "$bin/custodiand" restore \
    "$net/custodian-4/state" --charter "$net/charter.json" --module "$QUORATE_PKCS11_MODULE" --token custodian-4 \
    --token-place "$net/custodian-4/softhsm2.conf" --token-place "$net/custodian-4/tokens" \
    --pin-file "$net/custodian-4/pin" --tls-cert "$work/lost-4/tls.crt" --tls-key "$work/lost-4/tls.key"
back=$(ms)
devnet start "$net" custodian-4
ok "it catches up" soon same_size
echo "rebuilt in $(($(ms) - back)) ms"
devnet kill "$net" custodian-1		# in recipient mode all are asked: those that are left
d=$(request "$lost" direct)
approve "$d" legal compliance auditor
ok "and has the shares of before" eval 'quorate release "$d" -o "$work/p0" | grep -q "contributed: custodian 4"'
devnet start "$net" custodian-1
ok "no share is lacking" test -z "$(grep 'lacks the shares' "$c/log")"

# The coordinator lost its disk: its token is left, and a copy of its TLS identity and of its envelopes.
b=$(seal standard)
ok "all hold what was sealed last" soon held_by_all "$b"
ok "a package from before" quorate release "$r" -o "$work/p1"
r=$(request "$a" standard)
approve "$r" legal compliance
devnet kill "$net" coordinator
ok "a custodian exports its copy of the log" "$bin/custodiand" export "$net/custodian-2/state" "$work/copy"
ok "and what its entries name nobody else may read" test "$(stat -c %a "$work/copy.blobs")" = 700
mkdir "$work/aside"
mv "$c/state"/log.db* "$work/aside/"
says "a log that the token began is not begun again" 64 'second past.*coordinatord rebuild' \
    env SOFTHSM2_CONF="$c/softhsm2.conf" timeout 30 "$bin/coordinatord" run "$c/state"
ok "nothing was made" test ! -e "$c/state/log.db"
mv "$work/aside"/log.db* "$c/state/"
mv "$c/state" "$work/lost"
init() {
	SOFTHSM2_CONF=$c/softhsm2.conf "$bin/coordinatord" init "$c/state" --organisation "Example AI" \
	    --origin "$(sed -n 's/.*"origin": "\([^"]*\)".*/\1/p' "$work/lost/coordinator.json")" \
	    --address "$(sed -n 's/.*"address": "\([^"]*\)".*/\1/p' "$work/lost/coordinator.json")" \
	    --module "$QUORATE_PKCS11_MODULE" --token coordinator --pin-file "$c/pin"
}
rebuild() { SOFTHSM2_CONF=$c/softhsm2.conf "$bin/coordinatord" rebuild "$c/state" "$@"; }
ok "a new folder on the old token" init
says "a rebuild wants the genesis" 64 'give --charter' rebuild --from "$work/copy"
says "and says which part it cannot make again" 64 'another TLS certificate' \
    rebuild --from "$work/copy" --charter "$net/charter.json"
cp "$work/lost/tls.crt" "$work/lost/tls.key" "$c/state/"
cp -r "$work/copy" "$work/bad"
cp -r "$work/copy.blobs" "$work/bad.blobs"
genesis=$(sha256sum "$net/charter.json" | cut -d' ' -f1)	# which --charter has brought
blob=$(ls "$work/bad.blobs" | grep -v "$genesis" | head -n 1)
rm "$work/bad.blobs/$blob"
says "a blob that is missing" 1 'is not there: is --blobs' rebuild --from "$work/bad"
cp -r "$work/copy.blobs/." "$work/bad.blobs/"
bundle=$(find "$work/bad/tile/entries" -type f | sort | head -n 1)
flip "$bundle" 9
says "a byte of an entry" '1|2|65' '.' rebuild --from "$work/bad"
ok "no half of a log is left" test ! -e "$c/state/log.db"
says "it is rebuilt from the copy; envelopes that are missing are counted" 0 '^9 artifacts, 9 without' \
    rebuild --from "$work/copy"
says "not over a log" 64 'is here' rebuild --from "$work/copy"
says "which are missing" 1 'no envelope:' "$bin/coordinatord" envelopes "$c/state"
rm -rf "$c/state/envelopes"
cp -r "$work/lost/envelopes" "$c/state/"
ok "none is when they are back" "$bin/coordinatord" envelopes "$c/state"
devnet start "$net" coordinator
ok "all agree with it" soon same_size
ok "it hears again who holds what" soon held_by_all "$a"
ok "and of the last one" soon held_by_all "$b"
approve "$r" auditor
ok "an old artifact is released" quorate release "$r" -o "$work/p2"
ok "its package is valid" quorate verify "$work/p2"
d=$(seal standard)
ok "sealing goes on" soon held_by_all "$d"
ok "nobody was alarmed but by the custodian that forgot" test -z "$(grep -h ALARM "$net"/*/log |
    grep -vE 'custodian 4 .*runs twice or was put back|does not remember all that it did')"
ok "the log replays clean" quorate audit
