# tests/crashes/rounds.sh - what dies, when, and what is started again.

killed=0 passed_by=0 restarted=0 in_start=0
declare -A kills=()

# party, process, and the kinds of moments that it has, with how far the nth may be.
victims=(
	"custodian keeper durable 40" "custodian keeper durable 200" "custodian keeper memory 4000" "custodian keeper token 60"
	"custodian keeper durable 12" "custodian listener memory 20000" "custodian listener net 100" "custodian custodiand now 0"
	"custodian keeper now 0" "custodian all now 0" "coordinator coordinatord durable 40" "coordinator coordinatord durable 200"
	"coordinator coordinatord durable 12" "coordinator coordinatord memory 30000" "coordinator coordinatord net 400"
	"coordinator coordinatord token 40" "coordinator coordinatord now 0" "coordinator all now 0"
	"coordinator release-worker memory 3000" "coordinator release-worker memory 400" "coordinator tiles now 0"
	"coordinator tiles memory 3000" "cli quorate durable 8" "cli quorate net 40" "cli quorate memory 20000" "everybody all now 0")

arm() { # PARTY PROCESS KIND FAR
	local actions=(kill after)
	[ "$3" != durable ] || actions=(kill after half)
	"$inject" "$work/plan.$1" arm "$2" "$3" $((RANDOM % $4 + 1)) "${actions[RANDOM % ${#actions[@]}]}"
}

kill_now() { # PARTY PROCESS
	local pid
	sleep "0.0$((RANDOM % 100))"
	if [ "$2" = all ]; then
		devnet kill "$net" "$1"
		return
	fi
	pid=$(process "$1" "$2") && [ -n "$pid" ] && kill -KILL "$pid"
}

counted() { # WHAT
	killed=$((killed + 1))
	kills[$1]=$((${kills[$1]:-0} + 1))
}

# One in four dies on its way up as well.
again_in_start() { # PARTY PROCESS
	((RANDOM % 4)) && return
	arm "$1" "$2" durable 12
	mend
	if "$inject" "$work/plan.$1" await 2; then
		in_start=$((in_start + 1))
		counted "$2 at its start"
	fi
	"$inject" "$work/plan.$1" fired
}

one_kill() {
	local v party
	read -ra v <<<"${victims[RANDOM % ${#victims[@]}]}"
	party=${v[0]}
	[ "$party" != custodian ] || party=custodian-$((RANDOM % 4 + 1))
	last="${v[1]} of $party, ${v[2]}"
	if [ "$party" = everybody ]; then
		local pids=()
		for party in "${parties[@]}"; do
			kill_now "$party" all &
			pids+=($!)
		done
		wait "${pids[@]}"
		counted everybody
	elif [ "${v[2]}" = now ]; then
		kill_now "$party" "${v[1]}" && counted "${v[1]} at any time"
	else
		arm "$party" "${v[1]}" "${v[2]}" "${v[3]}"
		if "$inject" "$work/plan.$party" await 2; then
			counted "${v[1]} by ${v[2]}"
		else
			passed_by=$((passed_by + 1))
		fi
		"$inject" "$work/plan.$party" fired
		case ${v[1]} in keeper | coordinatord) again_in_start "$party" "${v[1]}" ;; esac
	fi
}

one_round() {
	one_kill
	((RANDOM % 4)) || one_kill		# the next dies while the last is still down
	within 120 answers || fail "no checkpoint within two minutes after: $last"
	[ -z "${VERBOSE:-}" ] || echo "$SECONDS s: round $round: $last; $killed dead so far"
}

one_network() { # NUMBER ROUNDS SEED
	local h hand_pids=()
	rm -f "$work"/{stop,rest,told.*,wrong,opened}
	new_network "$1"
	RANDOM=$3
	for h in $(seq $hands); do
		work_on "$h" $(($3 * 10 + h)) &
		hand_pids+=($!)
	done
	for round in $(seq "$2"); do
		one_round
		((round % 50)) || [ "$round" = "$2" ] || { rest; check; rm -f "$work/rest"; }
	done
	rest
	touch "$work/stop"
	wait "${hand_pids[@]}"
	check
	devnet down "$net" >/dev/null 2>&1
}
