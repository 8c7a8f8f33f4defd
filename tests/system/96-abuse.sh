#!/usr/bin/env bash
# Strangers, and hosts of the charter, do to the ports what they like: the others are served,
# memory and descriptors stay bounded and come back, nothing is restarted, the log is clean.
# tests/abuse/README.md says which abuse there is.
#	ABUSE_SECONDS	of each load (2)	ABUSE_WIDTH	connections of each (20)
#	ABUSE_CROWD	idle connections (2000)	ABUSE_ROUNDS	(2: the second must not grow)
. "$(dirname "$0")/lib.sh"
command -v node >/dev/null || { echo "skipped: no node"; exit 0; }
secs=${ABUSE_SECONDS:-2} width=${ABUSE_WIDTH:-20} crowd=${ABUSE_CROWD:-2000} rounds=${ABUSE_ROUNDS:-2}
abuse=$here/tests/abuse/abuse.mjs
net_up n -n 3 -k 2 -f 0

custodian=$(sed -n 's/.*"listen": "\(.*\)".*/\1/p' "$net/custodian-1/state/custodian.json")
coordinator=$(sed -n 's/^  "address": "\(.*\)".*/\1/p' "$net/coordinator/state/coordinator.json")
tiles=${QUORATE_TILES#http://}
at_custodian=(--to "$custodian" --method /quorate.v1.Custodian/Submit)
at_coordinator=(--to "$coordinator" --method /quorate.v1.Coordinator/Submit)

# Somebody whom nobody knows; one whose certificate is as large as TLS takes, and three times that.
identity() { # NAME NAMES
	{
		printf '[req]\ndistinguished_name=dn\nx509_extensions=x\n[dn]\n[x]\nsubjectAltName=@names\n[names]\n'
		awk -v n="$2" 'BEGIN { for (i = 1; i <= n; i++) printf "DNS.%d=name-of-some-length-%d.example\n", i, i }'
	} >"$work/$1.conf"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" -out "$work/$1.crt" \
	    -days 2 -subj /CN=stranger -config "$work/$1.conf" 2>/dev/null
}
identity stranger 1
identity large 800
identity huge 8000
stranger=(--cert "$work/stranger.crt" --key "$work/stranger.key")
host=(--cert "$net/host.crt" --key "$net/host.key")

# ---- what is watched ---------------------------------------------------------------------

# A release worker serves one order; another waits then in its place.
pids() { local p; for p in "$net"/*/pid; do pgrep -l -s "$(cat "$p")"; done | grep -v release-worker | sort -n | tr '\n' ' '; }
named() { pgrep -s "$(cat "$net/$1/pid")" -x "$2"; }
listener=$(named custodian-1 listener) keeper=$(named custodian-1 keeper)
rpc=$(named coordinator coordinatord) http=$(named coordinator tiles)
kib() { awk -v what="$2:" '$1 == what { print $2 }' "/proc/$1/status"; }
fds() { local f=(/proc/"$1"/fd/*); echo ${#f[@]}; }

# At most so many MiB, ever. What the library may buffer (64; 256), 1024 connections of 110 KiB,
# 2048 calls of 8 KiB, and what the process is without any of them.
most() {
	local got
	got=$(kib "$1" VmHWM)
	echo "$3: $((got / 1024)) MiB at most, of $2"
	[ "$got" -le $(($2 * 1024)) ]
}
memory() { most "$listener" 256 listener; most "$keeper" 64 keeper; most "$rpc" 480 coordinator; most "$http" 80 tiles; }
bounded() { memory >"$work/memory" || { cat "$work/memory"; return 1; }; }
# As many as it had before, when those who were sent away are gone.
has_back() { # PID DESCRIPTORS
	local i
	for i in $(seq 600); do
		[ "$(fds "$1")" -le $(($2 + 4)) ] && return 0
		sleep 0.2
	done
	echo "$(fds "$1") descriptors, had $2"
	ls -l "/proc/$1/fd"
	return 1
}

# ---- the honest ----------------------------------------------------------------------------

status() { timeout 60 quorate status; }
main_job() {
	local a r
	a=$(seal standard) && r=$(request "$a" standard) && approve "$r" legal compliance auditor &&
	    timeout 120 quorate release "$r" -o "$work/p$((++job))" && rm "$work/p$job"
}
job=0
ok "the main job, undisturbed" main_job
ok "and status" status
before=$(pids)
had_listener=$(fds "$listener") had_rpc=$(fds "$rpc") had_http=$(fds "$http")

# ---- wrong questions: an answer each ---------------------------------------------------------

jobs=()
ask() { # WHAT ARGUMENTS...
	local what=$1
	shift
	node "$abuse" asks "$@" >"$work/asks.$what" 2>&1 &
	jobs+=($!:"$what")
}
for who in nobody stranger large host; do
	case $who in nobody) as=() ;; host) as=("${host[@]}") ;; *) as=(--cert "$work/$who.crt" --key "$work/$who.key") ;; esac
	ask "custodian-$who" "${at_custodian[@]}" "${as[@]}"
	ask "coordinator-$who" "${at_coordinator[@]}" "${as[@]}"
done
finished() { wait "${1%%:*}" || { cat "$work/asks.${1#*:}"; return 1; }; }
for j in "${jobs[@]}"; do ok "wrong questions are answered: ${j#*:}" finished "$j"; done
tls_end() { timeout 120 node "$abuse" load tls-churn --seconds 1 --width 2 "$@"; }
ok "a certificate of 300 KB ends the handshake and nothing else" tls_end "${at_custodian[@]}" --cert "$work/huge.crt" --key "$work/huge.key"
ok "status after that" status

# ---- loads: each at its worst, the honest beside it -------------------------------------------

# wave WHAT TARGET LOADS [identity]: all of them at once; who is honest works meanwhile.
wave() {
	local what=$1 loads=$2 pid
	shift 2
	node "$abuse" load "$loads" --width "$width" --seconds "$secs" "$@" >>"$work/loads" 2>&1 &
	pid=$!
	sleep 0.5
	ok "$what: status meanwhile" status
	wait $pid || ok "$what: the load itself ran" false
}
waits=mute,half-hello,idle,slow-head,slow-body,no-window,no-reading,unfinished
floods=reset,unknown,settings,ping
frames=continuation,long-header,window,priority,empty-data
bulk=large,bomb,garbage,churn,tls-churn
rounds_of_loads() {
	wave "those who wait, at a custodian" $waits "${at_custodian[@]}" "${stranger[@]}"
	wave "floods of calls at a custodian" $floods "${at_custodian[@]}"
	wave "floods of frames at a custodian" $frames "${at_custodian[@]}" "${stranger[@]}"
	wave "bulk at a custodian" $bulk "${at_custodian[@]}"
	wave "those who wait, at the coordinator" $waits "${at_coordinator[@]}" "${stranger[@]}"
	wave "floods by a host, at the coordinator" $floods "${at_coordinator[@]}" "${host[@]}"
	wave "frames and bulk by strangers, at the coordinator" $frames,$bulk "${at_coordinator[@]}"
	wave "bulk by a host, at the coordinator" unfinished,large,bomb "${at_coordinator[@]}" "${host[@]}"
	wave "the tile server" mute,churn,garbage,http-slow,http-head,http-pipe,http-body --to "$tiles"
}
for round in $(seq "$rounds"); do
	rounds_of_loads
	ok "round $round: memory is bounded" bounded
	for p in listener:$listener rpc:$rpc tiles:$http; do
		now=$(kib "${p#*:}" VmRSS)
		[ "$round" = 1 ] || ok "round $round: ${p%:*} grew no further" [ "$now" -le $((last_${p%:*} + 49152)) ]
		declare "last_${p%:*}=$now"
	done
done

# ---- crowds -----------------------------------------------------------------------------------

in_crowd() { # LOAD TARGET-PROCESS LEAST MOST ARGUMENTS...
	local load=$1 pid=$2 least=$3 most=$4 n job good
	shift 4
	node "$abuse" load "$load" --width "$crowd" --seconds 90 "$@" >>"$work/loads" 2>&1 &
	job=$!
	for _ in $(seq 600); do n=$(fds "$pid"); [ "$n" -gt "$least" ] && break; sleep 0.1; done
	status
	good=$?
	sleep "$secs"			# those who are let in go on coming; how many are there at once?
	for _ in $(seq 300); do n=$(fds "$pid"); [ "$n" -le "$most" ] && break; sleep 0.1; done
	kill $job 2>/dev/null
	wait $job 2>/dev/null
	echo "$n descriptors"
	[ $good = 0 ] && [ "$n" -gt "$least" ] && [ "$n" -le "$most" ]
}
ok "$crowd idle connections are not all let in: a custodian" in_crowd mute "$listener" 100 400 "${at_custodian[@]}"
ok "$crowd idle connections are not all let in: the coordinator" in_crowd idle "$rpc" 100 500 "${at_coordinator[@]}"
ok "$crowd idle connections are not all let in: tiles" in_crowd mute "$http" 30 320 --to "$tiles"

# CVE-2023-4785: a listener that finds no descriptor free hears again when there are some.
starve() {
	prlimit --pid "$listener" --nofile=$(($(fds "$listener") + 12)):
	node "$abuse" load mute --width 200 --seconds 2 "${at_custodian[@]}" >>"$work/loads" 2>&1
	prlimit --pid "$listener" --nofile=4096:
	timeout 60 node "$abuse" asks "${at_custodian[@]}" --from 127.0.0.3
}
ok "a listener without descriptors is not deaf afterwards" starve

# ---- afterwards -----------------------------------------------------------------------------------

ok "the main job, afterwards" main_job
ok "the custodian's descriptors are back" has_back "$listener" "$had_listener"
ok "the coordinator's are" has_back "$rpc" "$had_rpc"
ok "the tile server's are" has_back "$http" "$had_http"
ok "no process was started again" [ "$before" = "$(pids)" ]
ok "the log is clean" quorate audit
ok "no log was filled" [ "$(cat "$net"/*/log | wc -c)" -lt $((1000000 + secs * 100000)) ]
cat "$work/memory"
awk -F'[:,]' '{ for (i = 1; i < NF; i++) if ($i == "\"opened\"") n += $(i + 1); else if ($i == "\"sent\"") { sub(/}/, "", $(i + 1)); m += $(i + 1) } }
    END { printf "%d connections were opened, and %d units of abuse sent\n", n, m }' "$work/loads"
