#!/bin/sh
# The tests start a private RabbitMQ and a private PostgreSQL, and build a library that shifts the clock. Where programs
# for it are missing and this is root on Debian, install them, without letting the packages start servers of their own.
# Anywhere else the tests say what they skip.
set -eu

missing=
command -v rabbitmq-server >/dev/null 2>&1 || [ -x /usr/sbin/rabbitmq-server ] || missing="$missing rabbitmq-server"
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || [ ! -f /etc/debian_version ]; then
  exit 0
fi

# Debian asks this program whether a package may start its service; 101 forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

mkdir -p build
echo "Installing for the tests:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 - a list of packages
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >build/apt.log 2>&1 </dev/null; then
  tail -n 3 build/apt.log >&2
  echo "Could not install$missing: the tests that need them will say so (build/apt.log has the reason)." >&2
fi
