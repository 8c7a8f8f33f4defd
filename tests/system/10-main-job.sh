#!/usr/bin/env bash
# The main job: what went in comes out, and each step is refused before its time.
. "$(dirname "$0")/lib.sh"
net_up n

a=$(seal standard)
ok "the artifact is sealed and held" quorate status "$a"
r=$(request "$a" standard)
ok "an approver can read the request" quorate show "$r"
says "no approval, no release" 1 'too-few-approvals' quorate release "$r" -o "$work/p.asice"
approve "$r" legal
says "one approval" 1 'too-few-approvals' quorate release "$r" -o "$work/p.asice"
approve "$r" compliance
says "two approvals" 1 'too-few-approvals' quorate release "$r" -o "$work/p.asice"
ok "nothing was written" test ! -e "$work/p.asice"
approve "$r" auditor
ok "three people: released" quorate release "$r" -o "$work/p.asice"
ok "the package is valid" quorate verify "$work/p.asice"
ok "it opens" quorate open "$work/p.asice" --key "$net/recipient/key.pem" -d "$work/opened"
ok "the image is the one that went in" cmp "$work/image.bin" "$work/opened/$a/image"
ok "and so is the prompt" cmp "$work/prompt.txt" "$work/opened/$a/prompt"
says "another key does not open it" 1 'another key' \
    quorate open "$work/p.asice" --key "$net/recipient-rsa/key.pem" -d "$work/opened2"
ok "and leaves nothing behind" test -z "$(find "$work/opened2" -type f 2>/dev/null)"
says "without a charter it is only consistent" 2 'consistent' env -u QUORATE_CHARTER quorate verify "$work/p.asice"
ok "released again: the same package" quorate release "$r" -o "$work/again.asice"
ok "bit for bit" cmp "$work/p.asice" "$work/again.asice"

# An RSA recipient, one part only.
r=$(request "$a" standard --part image --recipient "$net/recipient-rsa/cert.pem" 2>/dev/null) ||
    r=$(quorate request --artifact "$a" --policy standard --reason x --part image --recipient \
        "$net/recipient-rsa/cert.pem" --key "$people/requester.key" --json >"$work/json" && field request)
approve "$r" legal compliance auditor
ok "an RSA recipient, one part" quorate release "$r" -o "$work/rsa.asice"
ok "opens with the RSA key" quorate open "$work/rsa.asice" --key "$net/recipient-rsa/key.pem" -d "$work/rsa"
ok "the part is there" cmp "$work/image.bin" "$work/rsa/$a/image"
ok "the other part is not" test ! -e "$work/rsa/$a/prompt"

ok "the log replays clean" quorate audit
ok "it can be exported" quorate log export "$work/log"
ok "and audited from files alone" quorate audit --from "$work/log"
ok "an entry has its proof" quorate log proof 1
ok "the log has a checkpoint" quorate log checkpoint

# Of several segments, from a file: they are sealed side by side.
openssl rand 40000001 >"$work/long.bin"
b=$(seal standard --part "image=$work/long.bin" --part "prompt=$work/prompt.txt")
ok "a long part is sealed and held" quorate status "$b"
r=$(request "$b" standard)
approve "$r" legal compliance auditor
ok "it is released" quorate release "$r" -o "$work/long.asice"
ok "it opens" quorate open "$work/long.asice" --key "$net/recipient/key.pem" -d "$work/long"
ok "the long part is the one that went in" cmp "$work/long.bin" "$work/long/$b/image"
ok "and so is the short one behind it" cmp "$work/prompt.txt" "$work/long/$b/prompt"
