#!/usr/bin/env bash
# Without root and sudo, set-up prints the one line that is missing, and stops.
. "$(dirname "$0")/lib.sh"
fake=$work/bin
mkdir "$fake"
# A machine where Debian says that one package is missing, and nobody is root.
cat >"$fake/dpkg-query" <<'F'
#!/bin/sh
for last; do :; done
[ "$last" = libgrpc-dev ] && exit 1
echo installed
F
printf '#!/bin/sh\necho 1000\n' >"$fake/id"
printf '#!/bin/sh\nexit 1\n' >"$fake/sudo"
chmod +x "$fake"/*
says "set-up names the apt line" 1 'apt-get install -y --no-install-recommends libgrpc-dev$' \
    env PATH="$fake:$PATH" "$here/scripts/setup"
says "make demo stops there" 2 'apt-get install' env PATH="$fake:$PATH" make -C "$here" demo
says "make test stops there" 2 'apt-get install' env PATH="$fake:$PATH" make -C "$here" test
ok "with everything there it says nothing" sh -c "'$here/scripts/setup' && [ -z \"\$('$here/scripts/setup')\" ]"
