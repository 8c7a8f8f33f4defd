# tests/crashes/net.sh - the network under test: each party has a plan of its own.

parties=(coordinator custodian-1 custodian-2 custodian-3 custodian-4)

# Starts a party; returns at once.
up() { # NAME
	DEVNET_PRELOAD=$inject.so DEVNET_INJECT=$work/plan.$1 DEVNET_MODULE=${inject}_token.so devnet start "$net" "$1"
}

pid_of() { cat "$net/$1/pid" 2>/dev/null; }
alive() { # NAME: a process that ended and that nobody waited for is none
	local stat pid
	pid=$(pid_of "$1") && [ -n "$pid" ] || return 1
	read -r stat 2>/dev/null <"/proc/$pid/stat" && [[ ${stat##*) } != [ZX]* ]]
}

# The process of that name, if there is one.
process() { # PARTY COMM
	local pid
	pid=$(pid_of "$1") && [ -n "$pid" ] && pgrep -s "$pid" -x "$2" | head -n 1
}

# Within SECONDS: COMMAND... says yes.
within() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.03
	done
}

nobody_left() { [ -z "$(pgrep -s "$1" -r R,S,D)" ]; }	# SESSION
# Whoever is dying just now is started again when it is dead.
answers() { mend && quorate log checkpoint; }

# Starts again what has died; whoever dies takes all of its party along.
mend() {
	local p pid
	for p in "${parties[@]}"; do
		alive "$p" && continue
		pid=$(pid_of "$p")
		if [ -n "$pid" ] && ! within 30 nobody_left "$pid"; then
			fail "$p left processes behind: $(pgrep -s "$pid" -l | tr '\n' ' ')"
			devnet kill "$net" "$p"
		fi
		restarted=$((restarted + 1))
		up "$p"
	done
}

fail() {
	failed=$((failed + 1))
	echo "FAIL: round ${round:-0} of seed $seed: $*"
}

new_network() { # N
	local p
	net_up "net$1" -n 4 -k 2 -f 0 -t 1 -e 40
	for p in "${parties[@]}" cli; do "$inject" "$work/plan.$p" new; done
	for p in "${parties[@]}"; do
		devnet kill "$net" "$p"
		up "$p"
	done
	within 120 answers || fail "the network did not come up under its plans"
}
