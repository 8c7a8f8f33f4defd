#!/bin/sh
# The answer of a TSA of a moment to the question in QUERY: timestamp.sh QUERY FOLDER
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
cat >"$d/conf" <<C
[tsa]
serial = $d/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[ext]
extendedKeyUsage = critical, timeStamping
C
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$d/key" -out "$d/cert" -days 3650 \
    -subj /CN=tsa -config /dev/null -addext "extendedKeyUsage=critical,timeStamping" 2>/dev/null ||
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$d/key" -out "$d/cert" -days 3650 \
	-subj /CN=tsa -addext "extendedKeyUsage=critical,timeStamping" 2>/dev/null
openssl ts -reply -config "$d/conf" -section tsa -queryfile "$1" -inkey "$d/key" -signer "$d/cert" -out "$2/response" 2>/dev/null
openssl ts -reply -in "$2/response" -token_out -out "$2/token" 2>/dev/null
head -c 20 "$1" >"$d/short"
openssl ts -reply -config "$d/conf" -section tsa -queryfile "$d/short" -inkey "$d/key" -signer "$d/cert" -out "$2/refused" 2>/dev/null || :
rm -f "$1"
# vec32 token, one certificate, no list: for the target `embed`
mkdir -p "$2/../embed"
size() { printf "\\$(printf %03o $(($1 / 256)))\\$(printf %03o $(($1 % 256)))"; }
openssl x509 -in "$d/cert" -outform DER -out "$d/der"
{
	printf '\000\000'; size "$(wc -c <"$2/token")"; cat "$2/token"
	printf '\001'; size "$(wc -c <"$d/der")"; cat "$d/der"
	printf '\000'
} >"$2/../embed/one"
