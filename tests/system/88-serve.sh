#!/usr/bin/env bash
# The log for strangers: tiles over HTTP by a process that holds no key, comes back when it dies, and goes with the coordinator.
. "$(dirname "$0")/lib.sh"
net_up n
url=$QUORATE_TILES
host=${url#http://} port=${url##*:}
state=$net/coordinator/state

# One exchange on a connection of its own; $work/head and $work/body (a note or words).
ask() { # METHOD PATH [HEADER]
	exec 9<>"/dev/tcp/127.0.0.1/$port" || return 1
	printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n' "$1" "$2" "$host" "${3:+$3$'\r\n'}" >&9
	timeout 10 cat <&9 >"$work/answer"
	exec 9>&-
	sed '/^\r$/q' "$work/answer" | tr -d '\r' >"$work/head"
	tail -c +$(($(sed '/^\r$/q' "$work/answer" | wc -c) + 1)) "$work/answer" >"$work/body"
	cat "$work/head"
}
status() { ask GET "$1" | head -n 1 | cut -d' ' -f2; }
is() { [ "$(status "$2")" = "$1" ]; }
child() { pgrep -f "^coordinatord tiles $state "; }
gone() { ! kill -0 "$1" 2>/dev/null; }
published() { is 200 /checkpoint && [ "$(sed -n 2p "$work/body")" -ge "$1" ]; }
follow() { quorate log policy >"$work/policy" && node "$here/tests/second/tiles.mjs" "$url" "$work/policy"; }

ok "a checkpoint is there" soon published 1
for _ in 1 2 3; do a=$(seal standard); done
ok "what was sealed is published" soon published 4
as_cosigned() { published 4 && quorate log checkpoint | cmp - "$work/body"; }	# a fifth may sign later
ok "as it was cosigned" soon as_cosigned
says "another implementation follows it" 0 'size ([4-9]|[1-9][0-9]+) cosigned [45]' follow
says "type" 0 '^Content-Type: text/plain; charset=utf-8$' ask GET /checkpoint
says "not kept" 0 '^Cache-Control: no-cache$' ask GET /checkpoint
says "a tile is kept for a year" 0 '^Cache-Control: public, max-age=31536000, immutable$' ask GET /tile/0/000.p/3
says "of bytes" 0 '^Content-Type: application/octet-stream$' ask GET /tile/0/000.p/3
says "exact" 0 '^Content-Length: 96$' ask GET /tile/0/000.p/3
ok "96 bytes" eval '[ "$(wc -c <"$work/body")" = 96 ]'
says "pages may read it" 0 '^Access-Control-Allow-Origin: \*$' ask GET /tile/entries/000.p/2
ok "a question without a body" eval 'ask HEAD /tile/0/000.p/3 | grep -q "^Content-Length: 96$" && [ ! -s "$work/body" ]'
says "what the asker has" 0 ' 304 ' ask GET /tile/0/000.p/3 'If-None-Match: "tile/0/000.p/3"'
ok "no full tile" is 404 /tile/0/000
ok "none past the checkpoint" is 404 /tile/0/000.p/200
ok "no blobs" is 404 "/blob/$(cat "$state/genesis")"
ok "nothing else" is 404 /log.db
says "nothing is taken" 0 ' 405 ' ask POST /checkpoint

# What it has, and what it has not.
me=$(child)
if [ "$(id -u)" = 0 ]; then
	ls -l "/proc/$me/fd" >"$work/fds"
	ok "nothing is open but the log, to read" eval '! grep -F "$net" "$work/fds" | grep -vE "^(lr-x.* -> .*/log\.db(-wal|-shm)?|l-wx.* 2 -> .*/coordinator/log)$"'
	# Its memory, against two secrets; the parent's, to see that one would be found.
	holds() { # PID NEEDLE
		local range rest from to
		while read -r range rest; do
			[[ $rest == rw* ]] || continue
			from=$((16#${range%-*})) to=$((16#${range#*-}))
			[ $((to - from)) -le $((4 << 20)) ] || continue
			dd if="/proc/$1/mem" bs=64k iflag=skip_bytes,count_bytes skip="$from" count=$((to - from)) 2>/dev/null
		done <"/proc/$1/maps" | grep -qaF "$2"
	}
	ok "the parent holds the key of the RPC side" holds "$(cat "$net/coordinator/pid")" "$(sed -n 2p "$state/tls.key")"
	says "the tile server does not" 1 '^$' eval 'holds "$me" "$(sed -n 2p "$state/tls.key")" || { echo; false; }'
	says "nor the PIN" 1 '^$' eval 'holds "$me" "$(cat "$net/coordinator/pin")" || { echo; false; }'
else
	echo "skipped: what a process holds, only root may see"
fi
ok "no new privileges" grep -qE '^NoNewPrivs:\s+1$' "/proc/$me/status"

# Half-open connections and readers that do not read take no place from others.
for i in $(seq 10 38); do
	eval "exec $i<>/dev/tcp/127.0.0.1/$port"
	[ $((i % 2)) = 0 ] || printf 'GET /tile/entries/000.p/2 HTTP/1.1\r\nHost: x\r\n' >&"$i"
done
ok "others are served" soon published 4
for i in $(seq 10 38); do eval "exec $i>&-"; done

# It dies; it comes back; the log went on.
kill -9 "$me"
ok "killed" soon gone "$me"
a=$(seal standard)
ok "the log goes on" [ -n "$a" ]
ok "it comes back" soon published 5
says "somebody is told" 0 'tile server died of signal 9; it is started again' cat "$net/coordinator/log"

# The coordinator dies, with no time to say anything.
me=$(child)
kill -9 "$(cat "$net/coordinator/pid")"
ok "it goes too" soon gone "$me"
devnet kill "$net" coordinator
devnet start "$net" coordinator
ok "and returns with it" soon published 5
me=$(child)
kill -TERM "$(cat "$net/coordinator/pid")"
ok "it goes when it is told to" soon gone "$me"
devnet kill "$net" coordinator

# Over TLS, with an identity of its own.
config() { # CERTIFICATE KEY
	sed -i "/\"tiles_cert\"/d; /\"tiles_key\"/d; s|^  \"tiles\": .*|&\n  \"tiles_cert\": \"$1\",\n  \"tiles_key\": \"$2\",|" "$state/coordinator.json"
}
quorate keygen --tls -o "$work/tiles" >/dev/null
config "$state/tls.crt" "$state/tls.key"
devnet start "$net" coordinator
ok "not with the identity of the RPC side" soon grep -q 'a certificate of its own' "$net/coordinator/log"
ok "which stops nothing else" soon quorate log checkpoint
devnet kill "$net" coordinator
config "$work/tiles.crt" "$work/tiles.key"
devnet start "$net" coordinator
tls() {
	printf 'GET /checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' |
	    timeout 10 openssl s_client -connect "$host" -CAfile "$work/tiles.crt" -verify_return_error -quiet -ign_eof 2>/dev/null
}
ok "over TLS" soon eval 'tls | grep -q "^HTTP/1.1 200"'
ok "and not without" eval '! is 200 /checkpoint'
