#!/usr/bin/env bash
# The coordinator is lost, and its token with it: a custodian's copy of the log, the amenders and q custodians
# make another one, which goes on where a quorum stood. The one before it is let in nowhere any more.
. "$(dirname "$0")/lib.sh"
export XDG_CACHE_HOME=$work/cache
net_up n
c=$net/coordinator new=$work/new.json

as() { local p=$1; shift; SOFTHSM2_CONF=$net/$p/softhsm2.conf "$@"; }
agree() { as "custodian-$1" "$bin/custodiand" agree "$net/custodian-$1/state" --charter "${2:-$new}"; }
succeed() { quorate charter succeed "$new" --key "$people/$1.key" "${@:2}"; }
held_by_all() { quorate status "$1" 2>/dev/null | grep -q 'held     by 5 of 5'; }
all_up() { [ "$(quorate status 2>/dev/null | grep -c 'up, ')" = 5 ] && ! quorate status 2>/dev/null | grep -qE 'NOT READY|DOWN|behind'; }
member() { sed -n "s/.*\"$1\": \"\\([^\"]*\\)\".*/\\1/p" "$2" | head -n 1; }

a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal
ok "all hold it" soon held_by_all "$a"
# What a quorum cosigned comes to a custodian a moment after the entry.
no_tail() {
	rm -rf "$work"/known*
	"$bin/custodiand" export "$net/custodian-$1/state" "$work/known" && [ ! -e "$work/known.tail" ]
}
ok "custodian 4 knows what the quorum has" soon no_tail 4
# One entry more, which too few can cosign.
devnet kill "$net" custodian-4
devnet kill "$net" custodian-5
says "an approval waits for a quorum" '0|2' '.' quorate approve "$r" --key "$people/compliance.key"

# --- lost: log, token, TLS identity, all but the envelopes --------------------------------------------
devnet kill "$net" coordinator
mv "$c" "$work/old"
sed -i "s#$c/#$work/old/#g" "$work/old/softhsm2.conf" "$work/old/state/coordinator.json"
devnet start "$net" custodian-4
devnet start "$net" custodian-5
says "a custodian that runs exports its copy of the log, and what no quorum cosigned" 0 '^[1-9][0-9]* entries more' \
    "$bin/custodiand" export "$net/custodian-2/state" "$work/copy"
ok "another has less" "$bin/custodiand" export "$net/custodian-4/state" "$work/less"
ok "and no tail" test ! -e "$work/less.tail"
says "and not over another copy" 64 'is there already' "$bin/custodiand" export "$net/custodian-2/state" "$work/copy"

# --- another coordinator --------------------------------------------------------------------------------
mkdir -p "$c/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$c/tokens" >"$c/softhsm2.conf"
(umask 077; echo 135791357 >"$c/pin")
as coordinator softhsm2-util --init-token --free --label coordinator --pin 135791357 --so-pin 135791357 >/dev/null
ok "another coordinator has keys of its own" as coordinator "$bin/coordinatord" init "$c/state" --organisation "Example AI" \
    --origin "$(member origin "$work/old/state/coordinator.json")" --address "127.0.0.1:$(devnet port "$net")" \
    --module "$QUORATE_PKCS11_MODULE" --token coordinator --pin-file "$c/pin"
ok "the charter that names it" quorate charter draft --out "$new"
ok "in the place of the one before" quorate charter add "$new" coordinator "$c/state/enrolment.json"
says "a custodian agrees to nothing that nobody made" 64 'quorate charter succeed. makes it' agree 1
ok "an amender says from where it goes on" succeed legal --from "$work/less"
says "a custodian does not let it forget what it cosigned itself" 1 'must not be lost' agree 1
rm "$new.dsse"
ok "from the copy that has the most" succeed legal --from "$work/copy"

# --- who may agree to what ----------------------------------------------------------------------------------
sed 's/"receipt_seconds": [0-9]*/"receipt_seconds": 77/' "$new" >"$work/more.json"
says "a successor changes nothing else" 1 'may not take the place' agree 1 "$work/more.json"
cp "$new" "$work/other.json"
cp "$new.dsse" "$work/other.json.dsse"
printf '\n' >>"$work/other.json"
says "nor is it another document than was signed" 1 'changed after it was signed' agree 1 "$work/other.json"
says "two are shown as what they are" 0 'coordinator from now' agree 1
says "what is missing is said" 0 '2 of 4 custodians have signed' agree 2
says "too few, and nothing is rebuilt" 1 'not complete' as coordinator "$bin/coordinatord" rebuild "$c/state" \
    --from "$work/copy" --charter "$net/charter.json" --succession "$new"
says "nor does another log begin in its place" 64 'rebuild of the log was begun' as coordinator timeout 20 \
    "$bin/coordinatord" run "$c/state"
ok "of which there is nothing" test ! -e "$c/state/log.db"
for p in compliance auditor; do ok "$p signs" succeed "$p"; done
ok "custodian 3 agrees, and goes on running" agree 3
says "one that has not got all of it, too" 0 'must bring the others' agree 4
says "all who are needed have signed" 0 'all that is needed have signed' agree 4

# --- it goes on ---------------------------------------------------------------------------------------------------
says "under the genesis of before" 64 'another genesis' as coordinator "$bin/coordinatord" rebuild "$c/state" \
    --from "$work/copy" --charter "$new" --succession "$new"
ok "the log is made anew, by the command of before" as coordinator "$bin/coordinatord" rebuild "$c/state" \
    --from "$work/copy" --charter "$net/charter.json" --succession "$new"
rm -rf "$c/state/envelopes"
cp -r "$work/old/state/envelopes" "$c/state/"
devnet start "$net" coordinator
found() { quorate charter fetch --via "$new" | grep -q 'charter 2 of this network'; }
ok "q custodians let it in, and who has the genesis finds it" soon found
ok "custodian 5 agrees late" agree 5
ok "and follows" soon all_up
approve "$r" auditor
ok "an old request is released" quorate release "$r" -o "$work/p1"
ok "its package is valid from the genesis on" quorate verify "$work/p1"
b=$(seal standard)
ok "sealing goes on" soon held_by_all "$b"
ok "the log replays clean" quorate audit

# --- the one before ------------------------------------------------------------------------------------------------
# Each of the five refuses it; the new one was refused too, by those who had not followed yet.
refusals() { grep -cF 'this caller may not make this call' "$net"/custodian-*/log | sort; }
refusals >"$work/refusals"
refused() { [ "$(refusals | comm -13 "$work/refusals" - | wc -l)" = 5 ]; }
ok "nobody is refused any more" soon eval 'refusals >"$work/refusals"; sleep 1; refusals | cmp - "$work/refusals"'
SOFTHSM2_CONF=$work/old/softhsm2.conf setsid "$bin/coordinatord" run "$work/old/state" >"$work/old/log2" 2>&1 </dev/null &
old=$!
ok "the coordinator before it is let in nowhere" soon refused
kill "$old"
wait "$old" 2>/dev/null
ok "all stay with the new one" soon all_up
says "nobody was alarmed" 1 '0' grep -c ALARM "$net"/custodian-*/log
