#!/usr/bin/env bash
# What piles up is shown, beside its bound; what was taken in while a quorum was away is held by all when it is back.
. "$(dirname "$0")/lib.sh"
net_up n

depth() { quorate status --json | jq -e ".waiting.$1.now $2"; }
bound() { quorate status --json | jq -e ".waiting.$1.max == $2" >/dev/null; }
unheld() { quorate status --json | jq -e ".custodians[$1].coordinator_says.unheld $2" >/dev/null; }

a=$(seal standard)
ok "every bound is shown" sh -c 'quorate status | grep -Eq "waiting: 0 of 256 uploads .*, [0-9]+ of 256 statements for the log, [0-9]+ of 1024 entries"'
ok "and in JSON: uploads" bound uploads 256
ok "the queue" bound queue 256
ok "entries without a quorum" bound backlog 1024
in_the_end "nothing waits" 0 . depth backlog "== 0"

# One away: its share vectors wait for it, and seals do not.
devnet kill "$net" custodian-5
for _ in 1 2 3; do b=$(seal standard); done
ok "a seal waits for nobody" quorate status "$b"
ok "what waits for it is counted" unheld 4 "== 3"
ok "and told" sh -c 'quorate status | grep -q "3 share vectors wait for it"'

# No quorum: what is sealed is logged, is not called sealed, and is not lost.
devnet kill "$net" custodian-4
refused() { # N: as one says that waits for a quorum
	local code=0
	quorate seal --policy standard --part "prompt=$work/prompt.txt" >"$work/unsealed.$1" 2>&1 || code=$?
	[ "$code" = 2 ] && grep -q 'not yet held' "$work/unsealed.$1"
}
for i in 1 2 3; do refused "$i" & waits[i]=$!; done
soon depth backlog ">= 3"
ok "the entries that wait are counted" depth backlog ">= 3"
for i in 1 2 3; do ok "a seal without a quorum is called none ($i)" wait "${waits[i]}"; done
sed -n 's/.*artifact \([0-9a-f]\{32\}\).*/\1/p' "$work"/unsealed.* >"$work/unsealed"
ok "each is named" test "$(wc -l <"$work/unsealed")" = 3
ok "nothing is left among the uploads" depth uploads "== 0"

devnet start "$net" custodian-4
devnet start "$net" custodian-5
while read -r c; do
	in_the_end "it is held by all when they are back" 0 'held     by 5 of 5' quorate status "$c"
done <"$work/unsealed"
in_the_end "and so is what one missed" 0 'held     by 5 of 5' quorate status "$b"
in_the_end "nothing waits any more" 0 . depth backlog "== 0"
ok "new seals pass" seal standard
ok "the log replays clean" quorate audit
