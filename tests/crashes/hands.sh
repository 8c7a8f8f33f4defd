# tests/crashes/hands.sh - people and sealers at work, several at once, and what they were told.
#
# Each hand works on until $work/stop is there, and rests while $work/rest is. What it was
# told stands in $work/told.HAND, a line each:
#	artifact ID FILE POLICY | statement ID ENTRY | package REQUEST FILE ENTRY
# A command that fails is tried again a few times, as people do: what it does must stand repeating.

hands=4

# As a person runs it: it may die as well. Its exit code, and what it said in $out.
q() {
	local code=0
	{ INJECT=$work/plan.cli LD_PRELOAD=$inject.so timeout 240 quorate "$@" >"$out" 2>"$out.err" || code=$?; } 2>/dev/null
	case $code in
	0 | 1 | 2 | 74 | 137) ;;		# 137: killed
	*) printf 'exit %s: %s: %s\n' "$code" "$*" "$(head -c 300 "$out.err")" >>"$work/wrong" ;;
	esac
	[ $code = 0 ] || printf '%s: %s: %s\n' "$code" "$1" "$(tail -n 1 "$out.err" | head -c 300)" >>"$work/noes"
	return $code
}

of_out() { sed -n "s/^ *\"$1\": \"\\{0,1\\}\\([^\",]*\\)\"\\{0,1\\},\\{0,1\\}\$/\\1/p" "$out" | head -n 1; }
told() { echo "$*" >>"$work/told.$hand"; }

again() { # TIMES q-arguments: until it says yes or no
	local times=$1 code=0
	shift
	while [ "$times" -gt 0 ]; do
		code=0
		q "$@" || code=$?
		[ $code -gt 1 ] || return $code
		times=$((times - 1))
		sleep 0.1
	done
	return $code
}

# A statement that was taken: here, cosigned, for ever.
said() { # VERB ARGUMENTS...
	again 6 "$@" --json || return 1
	grep -q '"cosigned": true' "$out" && told statement "$(of_out statement)" "$(of_out entry)"
	return 0
}

sealing() { # sets $artifact and $policy
	local policies=(standard standard standard direct veto objection)
	n=$((n + 1))
	policy=${policies[RANDOM % 6]}
	printf 'hand %s, number %s, %s\n' "$hand" "$n" "$RANDOM" >"$work/in.$hand.$n"
	q seal --policy "$policy" --part "text=$work/in.$hand.$n" --json || return 1
	artifact=$(of_out artifact)
	told artifact "$artifact" "$work/in.$hand.$n" "$policy"
}

asking() { # sets $request
	again 6 request --artifact "$artifact" --policy "$policy" --reason "a crash" --recipient "$net/recipient/cert.pem" \
	    --key "$people/requester.key" --json || return 1
	request=$(of_out request)
	grep -q '"cosigned": true' "$out" && told statement "$request" "$(of_out entry)"
	return 0
}

releasing() {
	local p=$work/package.$hand.$n
	again 8 release "$request" -o "$p" --json || return 1
	told package "$request" "$p" "$(of_out release_entry)"
	q verify "$p"
	[ $? = 137 ] || [ -z "$(grep -s 'not valid' "$out")" ] || echo "$p is not valid" >>"$work/wrong"
	((RANDOM % 3)) || opening "$p"
}

opening() { # PACKAGE
	q open "$1" --key "$net/recipient/key.pem" -d "$work/opened.$hand.$n" || return 1
	cmp "$work/in.$hand.$n" "$work/opened.$hand.$n/$artifact/text" || echo "$1 opens to something else" >>"$work/wrong"
	said acknowledge "$work/opened.$hand.$n/opening.p7s" --key "$people/requester.key"
}

# A request's life, and now and then another end of it.
case_of() {
	local p
	asking || return 0
	for p in legal compliance auditor; do
		case $((RANDOM % 24)) in
		0) said deny "$request" --reason no --key "$people/$p.key" || return 0 ;;
		1) said withdraw "$request" --key "$people/requester.key" || return 0 ;;
		*) said approve "$request" --key "$people/$p.key" || return 0 ;;
		esac
	done
	case $((RANDOM % 12)) in
	0) said withdraw "$request" --key "$people/legal.key" || return 0 ;;
	1) q show "$request" ;;
	2) q status "$artifact" ;;
	esac
	releasing
}

# Somebody's key is revoked, once: of one who takes no part else.
revoking() {
	local id
	id=$(sed -n 's/.*"keyid": *"\([0-9a-f]*\)".*/\1/p' "$people/twohats.key.pub" | head -n 1)
	[ -z "$id" ] || said revoke "$id" --reason stolen --key "$people/legal.key"
}

# Whoever asks the tile server, which has little to do else.
looking_at_tiles() {
	local host=${QUORATE_TILES#http://}
	(exec 3<>"/dev/tcp/${host%:*}/${host##*:}" && printf 'GET /checkpoint HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$host" >&3 &&
	    timeout 5 cat <&3) >/dev/null 2>&1
}

# A charter that follows: custodians consent a second later, and their listeners start anew.
amending() {
	local p charter=$work/charter.$hand.$n amendment
	q charter draft --out "$charter" || return 0
	sed -i "s/\"Development network[^\"]*\"/\"Development network $hand.$n\"/" "$charter"
	again 6 charter amend "$charter" --key "$people/requester.key" --reason "a crash" --json || return 0
	amendment=$(of_out amendment)
	for p in legal compliance auditor; do
		((RANDOM % 8)) || { said deny "$amendment" --reason no --key "$people/$p.key"; return 0; }
		said approve "$amendment" --key "$people/$p.key" || return 0
	done
	echo "$amendment" >>"$work/amended"
}

work_on() { # HAND SEED
	local hand=$1 n=0 out=$work/out.$1 artifact policy request
	RANDOM=$2
	while [ ! -e "$work/stop" ]; do
		if [ -e "$work/rest" ]; then
			touch "$work/rests.$hand"
			sleep 0.05
			continue
		fi
		rm -f "$work/rests.$hand"
		sealing || { sleep 0.2; continue; }
		((RANDOM % 3 == 0)) && case_of
		((RANDOM % 100 == 0)) && revoking
		((RANDOM % 40 == 0)) && amending
		((RANDOM % 4 == 0)) && looking_at_tiles
		((RANDOM % 20 == 0)) && q log checkpoint
	done
	touch "$work/rests.$hand"
}

all_rest() { local h; for h in $(seq $hands); do [ -e "$work/rests.$h" ] || return 1; done; }

rest() {
	local h
	rm -f "$work"/rests.*
	touch "$work/rest"
	within 600 all_rest || fail "somebody at work did not come back within ten minutes"
}
