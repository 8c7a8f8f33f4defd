#!/usr/bin/env bash
# A coordinator that lies (tests/liars/README.md): it holds the coordinator's keys, and tells real
# custodians whatever it likes. THEMES and VERSIONS name some of what it tries.
. "$(dirname "$0")/lib.sh"
liars=${LIARS:-$(dirname "$tools")/liars}
export LIAR_DEVNET=$here/scripts/devnet LIAR_CLOCK=$liars/clock.so

# An honest beginning: sealed, requested, approved, released; then the coordinator is no more.
honest() { # NAME
	local a r
	net_up "$1"
	a=$(seal standard)
	r=$(request "$a" standard)
	approve "$r" legal compliance auditor
	ok "$1: an honest beginning" quorate release "$r" -o "$work/$1.asice"
	devnet kill "$net" coordinator
}

# lies THEME[:SCENARIO]...: its checks are counted with ours.
lies() {
	local line
	"$liars/coordinator" "$net" "$@" >"$work/lies" 2>&1
	line=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/lies")
	if [ -z "$line" ]; then
		echo "FAIL: $* did not end"
		line="0 1"
	fi
	passed=$((passed + ${line% *})) failed=$((failed + ${line#* }))
	cat "$work/lies"
}

net_up other
a=$(seal standard)
r=$(request "$a" standard)
approve "$r" legal compliance auditor
ok "another network" quorate release "$r" -o "$work/other.asice"
export LIAR_OTHER=$net

# Different logs to different custodians: after each, a network releases nothing any more.
versions() { # SCENARIO
	honest "versions-$1"
	lies "versions:$1"
	ok "$1: an operator reads it" grep -q 'ALARM: .*signed two pasts' "$net/custodian-4/log"
	says "$1: anybody is shown it" 1 'signed|two' quorate log accuse --out "$work/$1.accusation"
	ok "$1: and can check it offline" quorate log accuse "$work/$1.accusation"
	devnet down "$net"
}
for scenario in ${VERSIONS-no-quorum-for-either one-apart drops-its-tail of-other-sizes a-checkpoint-alone}; do
	versions "$scenario"
done

# And a custodian that cosigns whatever it is shown: with f = 1 there are no two quorums still.
honest versions-two-cosignatures
devnet kill "$net" custodian-2
echo cosign-all >"$net/custodian-2/state/lie"
QUORATE_BIN=$liars/bin devnet start "$net" custodian-2
lies versions:two-cosignatures
says "two-cosignatures: both notes name who signed both" 0 'cosigned both:.* 2 Compliance$' quorate log accuse "$net/accusation-both"
devnet down "$net"

# One whose database was put back, with the liar alone to talk to.
honest versions-restored
lies versions:restored
ok "restored: its operator reads it" grep -q 'ALARM' "$net/custodian-5/log"
devnet down "$net"

# What leaves a network as it was, to its last: log time is ahead of the clocks then.
# After the others a key is revoked, and the log forked.
for some in "${THEMES-entries notes orders replays often shares clocks}" "${THEMES-handed logs}"; do
	[ -n "$some" ] || continue
	honest "${some%% *}"
	lies $some
	devnet down "$net"
	[ -z "${THEMES:-}" ] || break
done
