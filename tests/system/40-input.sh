#!/usr/bin/env bash
# Bad input: one clear line, the documented exit code, nothing lost.
. "$(dirname "$0")/lib.sh"
net_up n
one_line() { [ "$(wc -l <"$work/out")" -le 1 ] || { failed=$((failed + 1)); echo "FAIL: more than a line:"; cat "$work/out"; }; }
bad() { says "$@"; one_line; }

bad "no such file" 64 'No such file|no such file' quorate seal --policy standard --part "image=$work/none"
: >"$work/empty"
bad "an empty part" 64 'empty' quorate seal --policy standard --part "image=$work/empty"
bad "an empty pipe" 1 'empty' sh -c "printf '' | quorate seal --policy standard --part image=-"
bad "a part named twice" 64 'twice' quorate seal --policy standard --part "image=$work/image.bin" --part "image=$work/prompt.txt"
bad "a part without a name" 64 'NAME=FILE' quorate seal --policy standard --part "$work/image.bin"
bad "a part with a wrong name" 64 'lower-case' quorate seal --policy standard --part "Image=$work/image.bin"
bad "a folder" 64 'folder' quorate seal --policy standard --part "image=$work"
bad "no part" 64 'part' quorate seal --policy standard
bad "an unknown policy" 64 'no policy' quorate seal --policy nope --part "image=$work/image.bin"
bad "an unknown class" 64 'no class' quorate seal --policy standard --class nope --part "image=$work/image.bin"
bad "the wrong key" 1 'refused|not sealed' quorate seal --policy standard --part "image=$work/image.bin" --key "$people/legal.key"
bad "no such key" 64 'no such file' quorate seal --policy standard --part "image=$work/image.bin" --key "$work/nokey"
bad "a key that is none" 64 'private key|read it' quorate seal --policy standard --part "image=$work/image.bin" --key "$work/prompt.txt"
cp "$people/legal.key" "$work/open.key"
chmod 644 "$work/open.key"
bad "a key that others can read" 64 'chmod' quorate charter sign "$QUORATE_CHARTER" --key "$work/open.key"
bad "an unknown command" 64 'no such command' quorate frobnicate
bad "an unknown option" 64 'no such option' quorate seal --frob
bad "an id that is none" 64 'hex' quorate show 1234
bad "an unknown request" 1 'no request' quorate show "$(printf 'ab%.0s' $(seq 32))"
bad "an unknown artifact" 1 'no artifact' quorate status 00112233445566778899aabbccddeeff
bad "an entry that is not there" 1 'no entry' quorate log entry 999999
bad "no charter" 64 'QUORATE_CHARTER' env -u QUORATE_CHARTER quorate status
bad "no TLS identity" 64 'QUORATE_TLS' env -u QUORATE_TLS_KEY quorate status
bad "no such package" 64 'o such file' quorate verify "$work/none.asice"
bad "an unreadable PIN" 64 'PIN|pin|no such|read' quorate revoke "$(printf 'ab%.0s' $(seq 32))" \
    --key "pkcs11:token=custodian-1;object=x?pin-source=$work/nopin"
bad "a wrong recipient file" 1 'certificate' quorate request --artifact "$(seal standard)" --policy standard --reason x \
    --recipient "$work/prompt.txt" --key "$people/requester.key"
ok "keygen" quorate keygen -o "$work/new.key"
bad "a key is never overwritten" 64 'exists already' quorate keygen -o "$work/new.key"
bad "a full disk" 74 'write|space|No space' sh -c "quorate charter show >/dev/full"
says "a host that the charter does not name" 1 'may not make' sh -c \
    "quorate keygen --tls -o '$work/foreign' && QUORATE_TLS_CERT='$work/foreign.crt' QUORATE_TLS_KEY='$work/foreign.key' quorate status"
says "two of one custodian" 74 'another custodiand runs here' env SOFTHSM2_CONF="$net/custodian-1/softhsm2.conf" \
    timeout 40 custodiand run "$net/custodian-1/state"
devnet kill "$net" custodian-5
listen=$(sed -n 's/.*"listen": "\([^"]*\)".*/\1/p' "$net/custodian-1/state/custodian.json")
cp "$net/custodian-5/state/custodian.json" "$work/custodian.json"
sed -i "s/\"listen\": \"[^\"]*\"/\"listen\": \"$listen\"/" "$net/custodian-5/state/custodian.json"
says "a port in use" 74 'in use|address' env SOFTHSM2_CONF="$net/custodian-5/softhsm2.conf" \
    timeout 40 custodiand run "$net/custodian-5/state"
cp "$work/custodian.json" "$net/custodian-5/state/custodian.json"
ok "the other custodian starts again" devnet start "$net" custodian-5
says "init twice" 64 'already' env SOFTHSM2_CONF="$net/custodian-1/softhsm2.conf" custodiand init "$net/custodian-1/state" \
    --name x --organisation y --address 127.0.0.1:1 --module "$QUORATE_PKCS11_MODULE" --token custodian-1 --pin-file "$net/custodian-1/pin"
devnet kill "$net" coordinator
says "nobody answers" 2 'answer|reach|connect|unreachable' quorate status
