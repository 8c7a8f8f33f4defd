#!/usr/bin/env bash
# What each process holds open, against a table of one row a process (DESIGN 10), at rest, at work
# and after; no core, no tracing, nothing swapped, and no start without locked memory.
. "$(dirname "$0")/lib.sh"
if grep -qaE '__[at]san_init' "$bin/quorate"; then
	echo "skipped: a sanitizer's memory is not locked, and its descriptors are its own"
	exit
fi

# Something that a daemon is started with and has no use for.
exec 7>"$work/inherited" 8<"$here/README.md"
net_up n
exec 7>&- 8<&-

session() { pgrep -s "$(cat "$net/$1/pid")" "${@:2}"; }	# PARTY [NAME]: its processes

# ---- the table. What is not in a process's row is refused; `has` is what it must have, else
# the wrong process was looked at, or nothing.

row() { # PROCESS: $d is its party's folder
	# Libraries, and what these look up: nobody's secret, and nothing to write.
	local own="(device /dev/(null|u?random)|write $d/log|read /(etc|usr|lib|lib64|proc|sys)/.*|path .*)"
	case $1 in
	custodiand) echo "$own|unix pair" ;;
	keeper) echo "$own|unix pair|(write|mapped) $d/state/replica\\.db(-wal|-shm)?|write $d/state/lock|(read|write|dir) $d/tokens.*|read $d/(state/.*|softhsm2.conf|pin)" ;;
	listener) echo "$own|unix pair|tcp|socket other|tcp listen $port|eventfd|eventpoll|read $d/state/(charter.json|tls\\.(crt|key)|custodian.json|successor.*)" ;;
	coordinatord) echo "$own|tcp|socket other|tcp listen $port|eventfd|eventpoll|pidfd|pipe (read|write)|(read|write|mapped) $d/state/.*|(read|write|dir) $d/tokens.*|read $d/(softhsm2.conf|pin)" ;;
	tiles) echo "$own|tcp|tcp listen $tiles|eventfd|eventpoll|pipe read|read $d/state/log\\.db(-wal|-shm)?" ;;
	release-worker) echo "device /dev/null|pipe read|pipe write" ;;
	*) echo "no such process" ;;
	esac
}
has() {
	case $1 in
	custodiand) echo 'unix pair' ;;
	keeper) echo "unix pair@write $d/state/replica.db@write $d/state/lock" ;;
	listener) echo "unix pair@tcp listen $port@eventpoll" ;;
	coordinatord) echo "tcp listen $port@write $d/state/log.db@write $d/state/lock" ;;
	tiles) echo "tcp listen $tiles@read $d/state/log.db" ;;
	release-worker) echo 'pipe read@pipe write' ;;
	esac
}
number() { sed -n "s/^ *\"$2\": *\"[^\"]*:\\([0-9]*\\)\".*/\\1/p" "$1" | head -n 1; }

holds_its_row() { # PARTY PID
	local name d=$net/$1 port tiles have want
	name=$(cat "/proc/$2/comm") || return 1
	# A worker that was just started: it closes what it inherited before it does anything else.
	case $name in
	exe | release-worker) grep -qE '^Max open files +3 +3 ' "/proc/$2/limits" || { echo "$name is on its way"; return 2; } ;;
	esac
	port=${ports[$1]} tiles=${QUORATE_TILES##*:}
	have=$("$tools/handles" "$2") || return 3
	if printf '%s\n' "$have" | grep -vxE "$(row "$name")"; then
		echo "is held by $name of $1, whose row does not allow it"
		return 1
	fi
	while IFS= read -r want; do
		printf '%s\n' "$have" | grep -qxF "$want" || { echo "$name of $1 lacks: $want"; return 2; }
	done < <(has "$name" | tr '@' '\n')
	# One way from one to the other, and one place to listen at.
	case $name in
	custodiand) want=1 ;;
	listener | keeper) want=2 ;;
	*) return 0 ;;
	esac
	[ "$(printf '%s\n' "$have" | grep -cE '^(unix pair|tcp listen .*)$')" = $want ] ||
	    { echo "$name of $1 with another number of pairs and ports than $want"; return 2; }
}
# What is not allowed is so at any time; what lacks, or is there twice, may be on its way.
all_hold_theirs() {
	local code
	for _ in $(seq 100); do
		each_holds_its >"$work/held"
		code=$?
		[ $code = 2 ] || break
		sleep 0.2
	done
	cat "$work/held"
	return $code
}
each_holds_its() {
	local p i bad=0 n=0 code
	for p in coordinator custodian-1 custodian-2 custodian-3 custodian-4 custodian-5; do
		for i in $(session $p); do
			[ -e "/proc/$i/comm" ] || continue
			holds_its_row $p $i
			code=$?
			[ $code = 0 ] || [ ! -e "/proc/$i/exe" ] || [ $bad = 1 ] || bad=$code
			n=$((n + 1))
		done
	done
	[ $bad != 0 ] || [ $n -ge 17 ] || { echo "$n processes"; return 2; }
	return $bad
}
declare -A ports
for p in coordinator custodian-1 custodian-2 custodian-3 custodian-4 custodian-5; do
	ports[$p]=$(sed -n 's/.*"address": *"[^"]*:\([0-9]*\)".*/\1/p' "$net/$p/state/enrolment.json" | head -n 1)
done
"$tools/handles" $$ >/dev/null || { echo "skipped: no descriptors can be listed here"; exit; }
with_file() { "$tools/handles" $BASHPID 9>"$work/written"; }
ok "descriptors are listed: a file that is written" grep -qxF "write $work/written" <(with_file)

ok "at rest" all_hold_theirs
a=$(seal standard)
ok "after sealing" all_hold_theirs
r=$(request "$a" standard) && approve "$r" legal compliance auditor

# ---- the release worker: one waits; at work, custodians' listeners are stopped, and it waits for them
listeners() { local i; for i in 1 2 3 4 5; do session "custodian-$i" listener; done; }
worker() { session coordinator release-worker; }
kill -STOP $(listeners)
quorate release "$r" -o "$work/one.asice" >"$work/release.out" 2>&1 &
release=$!
seen() { w=$(worker) && [ "$(cat "/proc/$w/comm" 2>/dev/null)" = release-worker ]; }
ok "a release worker is seen" soon seen
w=$(worker)
settled() { holds_its_row coordinator "$w" >/dev/null; }
soon settled		# it closes what it inherited before it does anything else
ok "it has two pipes and nothing else" holds_its_row coordinator "$w"
ok "its limits: no file" grep -qE '^Max open files +3 +3 ' "/proc/$w/limits"
ok "no process" grep -qE '^Max processes +0 +0 ' "/proc/$w/limits"
ok "and no core" grep -qE '^Max core file size +0 +0 ' "/proc/$w/limits"
kill -CONT $(listeners)
wait $release
released() { [ -s "$work/one.asice" ] || quorate release "$r" -o "$work/one.asice" >/dev/null 2>&1; }
ok "it is released" soon released
ok "after a release" all_hold_theirs
gone() { [ ! -e "/proc/$w" ]; }
ok "it is gone" soon gone
another() { n=$(worker) && [ "$(wc -l <<<"$n")" = 1 ] && [ "$n" != "$w" ]; }
ok "and one other waits" soon another

# ---- a listener that died: the next one starts with a socket of its own, and no other
old=$(session custodian-1 listener)
kill -KILL "$old"
another() { local n; n=$(session custodian-1 listener) && [ "$n" != "$old" ] && "$tools/handles" "$n" | grep -q '^tcp listen'; }
ok "another listener" soon another
ok "after that" all_hold_theirs

# ---- commands at work: what they hold at any moment, as often as can be looked
cli_row() {
	local own="device /dev/(null|u?random)|write $work/watched\.(out|err)|(read|path) .*"
	case $1 in
	seal) echo "$own|tcp|socket other|eventfd|eventpoll|write .*/#[0-9]+ \(deleted\)" ;;
	open) echo "$own|eventfd|eventpoll|dir $work/opened.*|write $work/opened/.*" ;;	# no socket of any kind
	esac
}
watched() { # WORD MUST COMMAND...: MUST is seen, and nothing that the row does not allow
	local word=$1 must=$2 pid
	shift 2
	rm -rf "$work/opened"
	(
		for f in /proc/"$BASHPID"/fd/*; do [ "${f##*/}" -le 2 ] || eval "exec ${f##*/}>&-"; done
		exec "$@" </dev/null >"$work/watched.out" 2>"$work/watched.err"
	) &
	pid=$!
	while [ -e "/proc/$pid/exe" ]; do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != quorate ] || {
			"$tools/handles" $pid
			sed -n 's/^Max core file size *\(.*\) bytes.*/core \1/p' "/proc/$pid/limits"
		}
	done 2>/dev/null | sort -u >"$work/watched"
	wait $pid || { cat "$work/watched.err"; return 1; }
	# Before it has said so, it may dump core as whoever started it may.
	if grep -v '^core ' "$work/watched" | grep -vxE "$(cli_row $word)" >"$work/lines"; then
		echo "held by quorate $word:" | cat - "$work/lines" >>"$work/wrong"
		return 0
	fi
	grep -qE "$must" "$work/watched" && grep -q '^core 0 *0 *$' "$work/watched"
}
nothing_wrong() { ! cat "$work/wrong" 2>/dev/null; }
large() { quorate release "$r" -o "$work/large.asice" >/dev/null 2>&1 || test -s "$work/large.asice"; }
truncate -s 48M "$work/large"
ok "a sealer is seen at work" soon watched seal '^tcp$' quorate seal --policy standard --part "large=$work/large" --json
ok "with what its row allows" nothing_wrong
a=$(sed -n 's/^ *"artifact": "\([0-9a-f]*\)".*/\1/p' "$work/watched.out")
r=$(request "$a" standard) && approve "$r" legal compliance auditor
ok "a large package" soon large
ok "who opens it is seen at work" soon watched open '^write .*/opened/' \
    quorate open "$work/large.asice" --key "$net/recipient/key.pem" -d "$work/opened"
ok "without a network, and with what its row allows" nothing_wrong
ok "and all of it is there" cmp "$work/large" "$work/opened/$a/large"

# ---- each process: no core, no tracing, no new privileges, nothing swapped, locked memory
dead_to_others() {
	local p i s bad=0
	for p in coordinator custodian-1 custodian-2; do
		for i in $(session $p); do
			s=$(cat "/proc/$i/comm")
			grep -qE '^Max core file size +0 +0 ' "/proc/$i/limits" || { echo "$s may dump core"; bad=1; }
			grep -qE '^NoNewPrivs:.1' "/proc/$i/status" || { echo "$s may get new privileges"; bad=1; }
			grep -qE '^VmSwap:[[:space:]]+0 kB' "/proc/$i/status" || { echo "$s is swapped"; bad=1; }
			# What cannot be dumped belongs to root in /proc, whoever runs it.
			case $s in keeper | listener | coordinatord) grep -qE '^VmLck:[[:space:]]+[1-9]' "/proc/$i/status" || { echo "$s locks nothing"; bad=1; } ;; esac
		done
	done
	return $bad
}
ok "no core, no new privileges, no swap; memory is locked where secrets are" dead_to_others

# As another user, whom the kernel lets look at their own processes only while those allow it.
as_nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --clear-groups true 2>/dev/null; then
	chmod 711 "$work" "$net"
	cp -r "$bin" "$work/bin" && chmod -R a+rX "$work/bin"
	nobody() { $as_nobody "$@"; }
	devnet kill "$net" custodian-5
	chown -R 65534:65534 "$net/custodian-5"
	SOFTHSM2_CONF=$net/custodian-5/softhsm2.conf setsid $as_nobody \
	    "$work/bin/custodiand" run "$net/custodian-5/state" \
	    >>"$net/custodian-5/log" 2>&1 </dev/null &
	echo $! >"$net/custodian-5/pid"
	rm -f "$net/custodian-5/pid.started"
	serves() { local n; n=$(session custodian-5 listener) && "$tools/handles" "$n" | grep -q '^tcp listen'; }
	ok "a custodian of a user of its own" soon serves
	$as_nobody sleep 300 &
	other=$!
	shows() { nobody cat "/proc/$other/environ" >/dev/null 2>&1; }
	ok "that user can look into a process that allows it" soon shows
	kill $other
	for i in $(session custodian-5); do
		for f in environ mem maps fd/0; do
			says "but not at $f of the $(cat /proc/$i/comm)" 1 'denied' nobody head -c 1 "/proc/$i/$f"
		done
	done

	# ---- no locked memory, no start
	poor() { SOFTHSM2_CONF=$net/custodian-5/softhsm2.conf nobody prlimit --memlock=0:0 "$@"; }
	one_line() { # the words, and nothing else
		[ "$(grep -c . "$work/said")" = 1 ]
	}
	for p in "keygen -o $work/x.key" "seal --policy standard --part a=/dev/null" "approve $r --key x" \
	    "open $work/one.asice --key x -d $work/x" "release $r -o $work/x"; do
		says "quorate ${p%% *} does not start" 74 'cannot lock .*memlock' poor "$work/bin/quorate" $p
		cp "$work/out" "$work/said"
		ok "with one line" one_line
	done
	devnet kill "$net" custodian-5
	says "nor does a custodian" 74 'cannot lock .*memlock' timeout 60 $as_nobody \
	    prlimit --memlock=0:0 env "SOFTHSM2_CONF=$net/custodian-5/softhsm2.conf" "$work/bin/custodiand" run "$net/custodian-5/state"
	says "nor can one be made" 74 'cannot lock .*memlock' poor "$work/bin/custodiand" init "$work/x" --name X \
	    --organisation X --address 127.0.0.1:1 --module x --token x --pin-file x
	devnet kill "$net" coordinator
	chown -R 65534:65534 "$net/coordinator"
	says "nor the coordinator" 74 'cannot lock .*memlock' timeout 60 $as_nobody \
	    prlimit --memlock=0:0 "$work/bin/coordinatord" run "$net/coordinator/state"
	says "nor a worker" 74 '' timeout 60 $as_nobody \
	    prlimit --memlock=0:0 "$work/bin/coordinatord" worker "$(printf '%064d' 0)"
	chown -R 0:0 "$net/coordinator" "$net/custodian-5"
	devnet start "$net" coordinator
	devnet start "$net" custodian-5
else
	echo "skipped: another user's view, and no locked memory: only root can become somebody else"
fi

# ---- a process that crashes leaves no core, and its parent does what it should
cores() { find "$work" "$PWD" /var/crash /var/lib/systemd/coredump -maxdepth 3 -newer "$work/before" \( -name 'core' -o -name 'core.*' -o -name '*.core' \) -type f 2>/dev/null | grep . ; }
touch "$work/before"
k=$(session custodian-2 keeper)
kill -SEGV "$k"
over() { ! kill -0 "$k" 2>/dev/null; }
ok "a keeper that crashes is gone" soon over
ok "and no core is left of it" test -z "$(cores)"
devnet kill "$net" custodian-2
devnet start "$net" custodian-2
up() { quorate audit >/dev/null 2>&1; }
ok "the log replays clean" soon up
