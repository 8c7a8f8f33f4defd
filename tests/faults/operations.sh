# tests/faults/operations.sh - what is done while a call fails. Sourced by run.
#
# For each OP of $operations: ready_OP prepares, with nothing armed; op_OP is the operation, run
# as often as it takes; done_OP says whether it was really done.

operations="seal request approve card release direct open opencard acknowledge audit monitor export amend renew verify
    startcoordinator startcustodian initcustodian initcoordinator"

card_uri() { sed "s/object=[^?]*/object=$1/" "$people/card.uri"; }
on_card() { SOFTHSM2_CONF=$net/card/softhsm2.conf "$@"; }
fresh() { rm -rf "${work:?}/$1" && mkdir "$work/$1"; }
json_field() { sed -n "s/^ *\"$1\": \"\\([^\"]*\\)\",\\{0,1\\}\$/\\1/p" "$work/out" | head -n 1; }
has_only() { # FOLDER FILE...: and nothing else, hidden or half
	local d=$work/$1
	shift
	[ "$(cd "$d" && find . -type f | sort | tr '\n' ' ')" = "$(printf './%s\n' "$@" | sort | tr '\n' ' ')" ]
}
approved() { # ARTIFACT POLICY: prints a request that may be carried out
	local r
	r=$(request "$1" "$2") && approve "$r" legal compliance auditor && echo "$r"
}

# What the others need, once.
prepare() {
	printf 'the first\n' >"$work/base.txt"
	base=$(seal standard --part "text=$work/base.txt")
	other=$(seal direct --part "text=$work/base.txt")
	pack=$work/pack.asice
	quorate release "$(approved "$base" standard)" -o "$pack" --archive >/dev/null
	on_card "$tools/card" "$(card_uri none)" "$net/recipient/key.pem" recipient 02
	quorate charter draft --out "$work/new.json" >/dev/null
	quorate charter remove "$work/new.json" person twohats >/dev/null
	[ -n "$base" ] && [ -n "$other" ] && [ -s "$pack" ] && [ -s "$work/new.json" ]
}

sealings=0
ready_seal() { sealings=$((sealings + 1)) && printf 'number %s\n' "$sealings" >"$work/in.$sealings"; }
op_seal() { q seal --policy standard --part "text=$work/in.$sealings" --json; }
done_seal() {	# it was said to be sealed: it must open in the end
	local a
	a=$(json_field artifact) && [ -n "$a" ] && echo "$a $sealings" >>"$work/acked"
}

ready_request() { :; }
op_request() {
	q request --artifact "$base" --policy standard --reason why --recipient "$net/recipient/cert.pem" \
	    --key "$people/requester.key" --json
}
done_request() { quorate show "$(json_field request)" >/dev/null; }

ready_approve() { r=$(request "$base" standard); }
op_approve() { q approve "$r" --key "$people/legal.key"; }
done_approve() { quorate show "$r" >"$work/show" && grep -q 'Lena Legal' "$work/show"; }

ready_card() { ready_approve; }
op_card() { on_card q approve "$r" --key "$(card_uri signing)"; }
done_card() { quorate show "$r" >"$work/show" && grep -q 'Carla Card' "$work/show"; }

ready_release() { fresh released && r=$(approved "$base" standard); }
op_release() { q release "$r" -o "$work/released/p"; }
done_release() { has_only released p && quorate verify "$work/released/p" >/dev/null; }

ready_direct() { fresh released && r=$(approved "$other" direct); }
op_direct() { op_release; }
done_direct() { done_release; }

ready_open() { fresh opened; }
op_open() { q open "$pack" --key "$net/recipient/key.pem" -d "$work/opened/d"; }
done_open() { has_only opened "d/$base/text" d/opening.p7s && cmp "$work/base.txt" "$work/opened/d/$base/text"; }

ready_opencard() { fresh opened; }
op_opencard() { on_card q open "$pack" --key "$(card_uri recipient)" -d "$work/opened/d"; }
done_opencard() { done_open; }

ready_acknowledge() {
	fresh released && fresh opened && r=$(approved "$base" standard) &&
	    quorate release "$r" -o "$work/released/p" >/dev/null &&
	    quorate open "$work/released/p" --key "$net/recipient/key.pem" -d "$work/opened/d" >/dev/null
}
# Once a person and order: whoever hears nothing and asks again is told that it was done.
op_acknowledge() {
	local code=0
	q acknowledge "$work/opened/d/opening.p7s" --key "$people/requester.key" || code=$?
	[ $code != 1 ] || ! grep -q 'this was done already' "$work/err" || code=0
	return $code
}
done_acknowledge() { quorate show "$r" >/dev/null; }

ready_audit() { fresh state; }
op_audit() { q audit --state "$work/state"; }
done_audit() { quorate audit --state "$work/state" >/dev/null; }

ready_monitor() { fresh state; }
op_monitor() { q audit --from "$QUORATE_TILES" --blobs coordinator --state "$work/state"; }
done_monitor() { done_audit; }

ready_export() { fresh exported; }
op_export() { q log export "$work/exported/d"; }
done_export() { quorate audit --from "$work/exported/d" --state "$work/exported/state" >/dev/null && fresh exported; }

ready_amend() { :; }
op_amend() { q charter amend "$work/new.json" --key "$people/requester.key" --json; }
done_amend() { # and it is voted down, lest they pile up
	local m
	m=$(json_field amendment) && quorate deny "$m" --key "$people/auditor.key" --reason no >/dev/null
}

ready_renew() { fresh renewed && cp "$pack" "$work/renewed/p"; }
op_renew() { q package renew "$work/renewed/p"; }
done_renew() { has_only renewed p && quorate verify "$work/renewed/p" >/dev/null; }

ready_verify() { :; }
op_verify() { q verify "$pack"; }
done_verify() { :; }

# ---- daemons: their start, and their first day ----

running() { devnet status "$net" | grep -q "^$1 up"; }
started() { # NAME: until it serves, or has ended
	local until=$((SECONDS + patience)) p
	: >"$work/err"
	devnet start "$net" "$1" || return 70
	while [ $SECONDS -lt $until ]; do
		for p in coordinator custodian-1 custodian-2; do
			running "$p" || { tail -n 1 "$net/$p/log" >"$work/err"; return 74; }
		done
		settled_once && return 0
		sleep 0.1
	done
	echo "it does not come up" >"$work/err"
	return 124
}
ready_startcoordinator() { devnet kill "$net" coordinator; }
op_startcoordinator() { started coordinator; }
done_startcoordinator() { :; }
ready_startcustodian() { devnet kill "$net" custodian-1; }
op_startcustodian() { started custodian-1; }
done_startcustodian() { :; }

new_token() {
	fresh new && mkdir "$work/new/tokens" && echo 123456 >"$work/new/pin" && chmod 600 "$work/new/pin" &&
	    printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$work/new/tokens" >"$work/new/conf" &&
	    SOFTHSM2_CONF=$work/new/conf softhsm2-util --init-token --free --label new --pin 123456 --so-pin 123456 >/dev/null
}
ready_initcustodian() { new_token; }
op_initcustodian() {
	SOFTHSM2_CONF=$work/new/conf faulty "$bin/custodiand" init "$work/new/state" --name New --organisation Newer \
	    --address 127.0.0.1:1 --module "$QUORATE_PKCS11_MODULE" --token new --pin-file "$work/new/pin"
}
done_initcustodian() { (work=$work/new; has_only state custodian.json enrolment.json tls.crt tls.key); }
ready_initcoordinator() { new_token; }
op_initcoordinator() {
	SOFTHSM2_CONF=$work/new/conf faulty "$bin/coordinatord" init "$work/new/state" --organisation Newer --origin new.example/1 \
	    --address 127.0.0.1:1 --module "$QUORATE_PKCS11_MODULE" --token new --pin-file "$work/new/pin"
}
done_initcoordinator() { (work=$work/new; has_only state coordinator.json enrolment.json package.crt tls.crt tls.key); }
