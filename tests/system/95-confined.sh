#!/usr/bin/env bash
# What the running processes may still do, as the kernel tells it; and that all of it still works.
. "$(dirname "$0")/lib.sh"
export QUORATE_AMEND_DELAY=1
net_up n
for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do [ -e "$module" ] && break; done

status_field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
outside=$(status_field self Seccomp_filters)	# of a container that this test runs in, perhaps

# confined PID FILTERS: its calls are filtered, by that many of our lists; no core, nothing to gain.
confined() {
	[ "$(status_field "$1" Seccomp)" = 2 ] || { echo "no seccomp"; return 1; }
	[ "$(status_field "$1" NoNewPrivs)" = 1 ] || { echo "may gain privileges"; return 1; }
	grep -q '^Max core file size  *0  *0 ' "/proc/$1/limits" || { echo "dumps core"; return 1; }
	[ -z "$outside" ] || [ "$(status_field "$1" Seccomp_filters)" = $((outside + $2)) ] ||
	    { echo "$(status_field "$1" Seccomp_filters) lists"; return 1; }
}
# of PARTY NAME: its process of that name.
of() { for p in $(pgrep -s "$(cat "$net/$1/pid")"); do [ "$(cat "/proc/$p/comm")" != "$2" ] || echo "$p"; done; }
named() { # PARTY NAME FILTERS: once it has come so far
	is_confined() { confined "$(of "$1" "$2")" "$3"; }
	ok "$1: $2" soon is_confined "$@"
}

# --- those that serve ------------------------------------------------------------------------------
for i in 1 2 3 4 5; do
	named "custodian-$i" custodiand 1
	named "custodian-$i" keeper 1
	named "custodian-$i" listener 2		# its own, and its parent's
done
named coordinator coordinatord 1
named coordinator tiles 2

# --- the release worker: told to begin, it shows a certificate and waits for its case ------------------
mkfifo "$work/in" "$work/answer"
"$bin/coordinatord" worker "$(sha256sum <"$net/charter.json" | cut -c1-64)" <"$work/in" >"$work/answer" 2>/dev/null &
worker=$!
exec 5>"$work/in" 6<"$work/answer"
printf '\0\0\0\0\011' >&5
ok "the worker comes up" timeout 120 head -c 1 <&6
ok "the worker" confined $worker 1
exec 5>&- 6<&-
wait $worker

# --- a release, and opening it -------------------------------------------------------------------------
a=$(seal standard)
asked() { # NAME: released into $work/NAME
	r=$(request "$a" standard)
	approve "$r" legal compliance auditor
	ok "$1: released" quorate release "$r" -o "$work/$1"
}
asked p.asice
ok "opened" quorate open "$work/p.asice" --key "$net/recipient/key.pem" -d "$work/opened"
ok "to what was sealed" cmp "$work/image.bin" "$work/opened/$a/image"

# Its answer waits for a reader: meanwhile it is looked at.
mkfifo "$work/full"
exec 5<>"$work/full"
dd if=/dev/zero of="$work/full" bs=4096 count=1024 oflag=nonblock 2>/dev/null
"$bin/quorate" open "$work/p.asice" --key "$net/recipient/key.pem" -d "$work/opened2" --json >&5 2>/dev/null &
opener=$!
ok "another one writes" soon test -e "$work/opened2/opening.p7s"
ok "open" confined $opener 1
kill -9 $opener
exec 5>&-
wait $opener 2>/dev/null

card=$work/card
mkdir "$card" "$card/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$card/tokens" >"$card/conf"
(umask 077; echo 4711 >"$card/pin")
on_card() { SOFTHSM2_CONF=$card/conf "$@"; }
on_card softhsm2-util --init-token --free --label card --pin 4711 --so-pin 4711 >/dev/null
uri() { echo "pkcs11:token=card;object=$1?pin-source=$card/pin&module-path=$module"; }
on_card "$tools/card" "$(uri none)" "$net/recipient/key.pem" ec 01 || echo "the key does not go into the card"
ok "opened with a card" on_card quorate open "$work/p.asice" --key "$(uri ec)" -d "$work/opened3"
ok "to what was sealed, too" cmp "$work/image.bin" "$work/opened3/$a/image"

# --- a listener that fails, and one whose charter changed -------------------------------------------------
before=$(of custodian-1 listener)
kill -9 "$before"
anew() { [ -n "$(of custodian-1 listener)" ] && [ "$(of custodian-1 listener)" != "$before" ] && answers 1; }
answers() { quorate status | grep -qE "^ *$1 .*up"; }
ok "another listener is started" soon anew
named custodian-1 listener 2

# The port of a peer is another from now on: who talked to the old one may talk to the new one.
old=$(sed -n 's/.*"listen": "\([^"]*\)".*/\1/p' "$net/custodian-2/state/custodian.json")
new=127.0.0.1:$(devnet port "$net")
before=$(of custodian-1 listener)
quorate charter draft --out "$work/new.json" >/dev/null
sed -i "s/\"$old\"/\"$new\"/" "$work/new.json"
m=$(quorate charter amend "$work/new.json" --key "$people/requester.key" --json >"$work/json"; field amendment)
ok "an amendment of an address" approve "$m" legal compliance auditor
in_force() { quorate show "$m" --json | grep -q '"phase": "in-force"'; }
ok "is in force" soon in_force
devnet kill "$net" custodian-2
sed -i "s/\"$old\"/\"$new\"/" "$net/custodian-2/state/custodian.json"
devnet start "$net" custodian-2
ok "the first custodian's listener starts anew" soon anew
# It asks as soon as it is there, and says who does not answer; who answers at once is no line.
up_anew() { sed -n '/starts anew/,$p' "$net/custodian-1/log" | grep -q 'ready on'; }
ok "it is up" soon up_anew
sleep 5
back() { ! sed -n '/starts anew/,$p' "$net/custodian-1/log" | grep 'custodian 2' | tail -n 1 | grep -q 'does not answer'; }
ok "and talks to the second at its new place" soon back
named custodian-1 listener 2

# --- a restart, and a token whose module uses what the configuration does not name ----------------------------
devnet kill "$net" custodian-5
cp "$net/custodian-5/state/custodian.json" "$work/custodian.json"
runs5() { SOFTHSM2_CONF=$net/custodian-5/softhsm2.conf timeout 120 "$bin/custodiand" run "$net/custodian-5/state"; }
if perl -e 'exit(syscall(444, 0, 0, 1) < 1)'; then		# landlock_create_ruleset: which version?
	sed -i "s|$net/custodian-5/tokens|$net/custodian-5/softhsm2.conf|" "$net/custodian-5/state/custodian.json"
	says "the token's files are not named" '64|74' 'token no longer works once the keeper is confined' runs5
else
	echo "skipped: this kernel has no Landlock"
fi
sed "s|$net/custodian-5/tokens|$work/not-there|" "$work/custodian.json" >"$net/custodian-5/state/custodian.json"
says "a place that is not there" '64|74' 'token.places in .*not-there' runs5
cp "$work/custodian.json" "$net/custodian-5/state/custodian.json"
devnet start "$net" custodian-5
ok "a restart" soon answers 5
asked q.asice
ok "an audit is clean" quorate audit
