#!/usr/bin/env bash
# Where secrets are: scalar, shares, segment keys, PINs and private keys are looked for in every
# process after each operation, in what a command leaves behind when it ends, and in every file.
. "$(dirname "$0")/lib.sh"
if grep -qaE '__[at]san_init' "$bin/quorate"; then
	echo "skipped: a sanitizer locks no memory, and keeps what was freed"
	exit
fi
net_up n
for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do [ -e "$module" ] && break; done

needles() { "$tools/needles" "$@"; }
token_of() { SOFTHSM2_CONF=$net/$1/softhsm2.conf "${@:2}"; }
processes() { local p; p=$(cat "$net/$1/pid") && pgrep -s "$p"; }	# PARTY

# ---- what is looked for

# What stays secret all the time: whose it is stands behind the dot.
keys() {
	local i
	for i in 1 2 3 4 5; do
		needles pem tls.$i "$net/custodian-$i/state/tls.key"
		needles text pin.$i "$net/custodian-$i/pin"
	done
	needles pem tls.c "$net/coordinator/state/tls.key"
	needles text pin.c "$net/coordinator/pin"
	needles text pin.card "$net/card/pin"
	for i in requester legal compliance auditor; do needles pem person.$i "$people/$i.key"; done
	needles pem sealer "$net/sealer.key"
	needles pem host "$net/host.key"
	needles pem recipient "$net/recipient/key.pem"
}
keys >"$work/keys"
ok "there are keys and PINs to look for" [ "$(cut -d' ' -f1 <"$work/keys" | sort -u | wc -l)" = 20 ]
ok "each key as bytes, as a number, and as PEM" [ "$(grep -c '^tls.1 ' "$work/keys")" -ge 3 ]

# The shares of an artifact, what they were sealed with, and the scalar that they make.
secrets_of() { # ARTIFACT...
	local i
	for i in 1 2 3 4 5; do token_of "custodian-$i" needles shares "$net/custodian-$i/state" "$@" || return 1; done |
	    needles scalar 3
}
plaintext() { printf 'plaintext %s\n' "$(tail -c 64 "$work/image.bin" | od -An -v -tx1 | tr -d ' \n')"; }

# ---- where it may be

allowed() { # PARTY
	case $1 in
	coordinator) echo '^(coordinatord pin\.c locked|coordinatord tls\.c locked) ' ;;
	*) echo "^(keeper pin\\.${1#custodian-} locked|listener tls\\.${1#custodian-} locked) " ;;
	esac
}
nowhere_else() { # WHEN: one look at every process
	local p found bad=
	for p in coordinator custodian-1 custodian-2 custodian-3 custodian-4 custodian-5; do
		found=$("$tools/hunt" look $(processes $p) <"$work/needles") || return 3
		printf '%s\n' "$found" | sed "s/^/$p: /"
		bad+=$(printf '%s\n' "$found" | grep -vE "$(allowed $p)")
		# What must be there is seen: else nothing was looked at.
		printf '%s\n' "$found" | grep -qE '^(keeper|coordinatord) pin\.. locked 1$' || bad+="$p: its PIN is not seen once"
		printf '%s\n' "$found" | grep -qE '^(listener|coordinatord) tls\.. locked' || bad+="$p: its TLS key is not seen"
	done
	[ -z "$bad" ] || { printf 'where it should not be, %s:\n%s\n' "$1" "$bad"; return 1; }
}
plaintext >"$work/plain"
cat "$work/keys" "$work/plain" >"$work/needles"
nowhere_else start >"$work/first" 2>&1
if [ $? = 3 ]; then
	cat "$work/first"
	echo "skipped: this machine lets nobody read another process's memory"
	exit
fi
ok "after a start" nowhere_else "after a start"

# A command as it ends; what is looked for is known only then.
ends_clean() { # COMMAND...
	"$tools/hunt" run "$work/fifo" "$@" >"$work/ended" 2>"$work/ended.err" </dev/null &
	command=$!
}
ended() { # once the needles have been written
	wait $command || { echo "exit $?"; cat "$work/ended.err"; return 1; }
	grep -qE '^(quorate|custodiand): found' "$work/ended" || return 1
	! grep -E '^[a-z]+ [a-z.0-9]+ (locked|heap|stack|anon|file) ' "$work/ended"
}
said() { sed -n "s/^ *\"$1\": \"\\([0-9a-f]*\\)\".*/\\1/p" "$work/ended" | grep .; }
mkfifo "$work/fifo"

# ---- keys that are made
has_line() { soon test -s "$1"; }
ends_clean quorate keygen -o "$work/new.key"
ok "a key is made" has_line "$work/new.key.pub"
needles pem new "$work/new.key" >"$work/fifo"
ok "and is in its file alone" ended
ends_clean quorate keygen --tls -o "$work/host"
ok "one for TLS" has_line "$work/host.key"
soon needles pem new "$work/host.key" >/dev/null 2>&1
needles pem new "$work/host.key" >"$work/fifo"
ok "likewise" ended
mkdir "$work/new" "$work/new/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/new/tokens" >"$work/new/conf"
(umask 077; echo 123498765432 >"$work/new/pin")
export SOFTHSM2_CONF=$work/new/conf
softhsm2-util --init-token --free --label new --pin 123498765432 --so-pin 123498765432 >/dev/null
ends_clean custodiand init "$work/new/state" --name New --organisation New --address 127.0.0.1:7001 --module "$module" \
    --token new --pin-file "$work/new/pin"
ok "a custodian's" has_line "$work/new/state/enrolment.json"
{ needles pem tls "$work/new/state/tls.key"; needles text pin "$work/new/pin"; } >"$work/fifo"
ok "and its PIN" ended
unset SOFTHSM2_CONF

# ---- sealing: the sealer's own memory as it ends, then everybody's

printf 'a picture of a grey cat in a hat\n' >"$work/prompt.txt"
ends_clean quorate seal --policy standard --part "prompt=$work/prompt.txt" --part "image=$work/image.bin" --json
ok "an artifact is sealed" soon said artifact
a=$(said artifact)
ok "all custodians hold it" soon secrets_of "$a" >/dev/null
secrets_of "$a" >"$work/shares"
ok "five shares, what sealed them, one scalar" [ "$(sed 's/[. ].*//' "$work/shares" | sort | uniq -c | tr -s ' \n' ' ')" = " 5 batchkey 1 scalar 5 share 5 z " ]
ok "the same of any three" [ "$(sed -n '/^share.[345]/p' "$work/shares" | needles scalar 3 | grep ^scalar)" = "$(grep ^scalar "$work/shares")" ]

# The segment keys are those of its package.
asked() { # POLICY: $r
	r=$(request "$a" "$1") && approve "$r" legal compliance auditor
}
ok "asked for and approved" asked standard
ok "released" quorate release "$r" -o "$work/one.asice"
needles package "$work/one.asice" "$net/recipient/key.pem" >"$work/segments"
ok "two segments: a point and a key each" [ "$(sort -u "$work/segments" | wc -l)" = 4 ]
cat "$work/keys" "$work/plain" "$work/shares" "$work/segments" >"$work/needles"
cat "$work/needles" >"$work/fifo"
ok "the sealer left nothing in its memory when it ended" ended
ok "after sealing and a release: nothing anywhere" nowhere_else "after a release"

# ---- a decision, a release to the recipient, opening by file and by card

ok "asked for again" asked standard
ok "and released, with all that is looked for known" quorate release "$r" -o "$work/two.asice"
ok "nothing is left of it" nowhere_else "after another release"
r=$(request "$a" standard)
ends_clean quorate approve "$r" --key "$people/legal.key" --json
cat "$work/needles" >"$work/fifo"
ok "who approves leaves nothing" ended
r=$(request "$a" standard)
export SOFTHSM2_CONF=$net/card/softhsm2.conf
ends_clean quorate approve "$r" --key "$(cat "$people/card.uri")" --json
cat "$work/needles" >"$work/fifo"
ok "nor who approves by card" ended
unset SOFTHSM2_CONF

b=$(seal direct)
a=$b
ok "sealed for the recipient alone" asked direct
ok "released to it" quorate release "$r" -o "$work/direct.asice"
secrets_of "$b" >>"$work/needles"
needles package "$work/direct.asice" "$net/recipient/key.pem" >"$work/segments"
ok "there are contributions to look for" grep -q ^contribution "$work/segments"
cat "$work/segments" >>"$work/needles"
ok "nothing is left of that either" nowhere_else "after a release to the recipient"

# A smart card with the recipient's key.
card=$work/card
mkdir "$card" "$card/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$card/tokens" >"$card/conf"
(umask 077; echo 471100815 >"$card/pin")
export SOFTHSM2_CONF=$card/conf
softhsm2-util --init-token --free --label card --pin 471100815 --so-pin 471100815 >/dev/null
"$tools/card" "pkcs11:token=card;object=none?pin-source=$card/pin&module-path=$module" "$net/recipient/key.pem" ec 01
uri="pkcs11:token=card;object=ec?pin-source=$card/pin&module-path=$module"
needles text pin.recipient "$card/pin" >>"$work/needles"
for p in one direct; do
	for key in "$net/recipient/key.pem" "$uri"; do
		ends_clean quorate open "$work/$p.asice" --key "$key" -d "$work/open.$RANDOM$RANDOM" --json
		cat "$work/needles" >"$work/fifo"
		ok "$p is opened by ${key%%:*}, and nothing is left" ended
	done
done
unset SOFTHSM2_CONF

# ---- a start

readies() { grep -c 'ready on' "$net/custodian-1/log"; }
before=$(readies)
for p in coordinator custodian-1; do
	devnet kill "$net" $p
	devnet start "$net" $p
done
up() { quorate log checkpoint >/dev/null 2>&1; }
ok "two of them start again" soon up
listens() { pgrep -s "$(cat "$net/custodian-1/pid")" listener >/dev/null && [ "$(readies)" -gt "$before" ]; }
ok "and listen" soon listens
ok "nothing comes back with them" nowhere_else "after they started again"

# ---- files: state folders, tokens, packages, logs; and what everybody may see of a process

mkdir "$work/seen"
for p in coordinator custodian-1 custodian-2 custodian-3 custodian-4 custodian-5; do
	for i in $(processes $p); do
		for f in environ cmdline comm status maps; do cat "/proc/$i/$f" >"$work/seen/$p.$i.$f" 2>/dev/null; done
	done
done
"$tools/hunt" files "$net"/*/state "$net"/*/log "$net"/*/*.out "$net"/*/tokens "$work/state" "$work/seen" "$card/tokens" \
    "$work"/*.asice <"$work/needles" >"$work/files"
ok "many files were looked at" grep -qE '^looked at [1-9][0-9]{2,} files' "$work/files"
# Each daemon's TLS key has its file.
own_home() { ! grep -v '^looked at' "$work/files" | grep -vE '^.*/(custodian-([1-5])/state/tls.key tls.\2|coordinator/state/tls.key tls.c) raw$'; }
ok "the TLS keys are in their files, and nothing else is anywhere" own_home
ok "which is seen" [ "$(grep -c ' tls\.. raw$' "$work/files")" -ge 6 ]
for form in 'cat' 'base64 -w 0' 'od -An -v -tx1'; do
	grep -m 1 '^scalar ' "$work/needles" | cut -d' ' -f2 | sed 's/../\\x&/g' | xargs -0 printf '%b' | head -c 32 | $form |
	    { [ "$form" = 'od -An -v -tx1' ] && tr -d ' \n' || cat; } >"$work/planted"
	says "a scalar in a file is found (${form%% *})" 1 'scalar' "$tools/hunt" files "$work/planted" <"$work/needles"
done
ok "the log replays clean" quorate audit
