#!/bin/sh
# Makes sure that there is a program that tests need: installs Debian's with apt where it may.
# Usage: install-by-apt.sh PACKAGE WHO-NEEDS-IT COMMAND...    (any of the commands will do)
set -eu

package=$1
who=$2
shift 2

for name in "$@"; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done

if [ "$(id -u)" = 0 ]; then
  as_root=''
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  as_root='sudo -n'
else
  as_root='none'
fi

if [ "$as_root" != none ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing $package with apt for $who"
  log=$(mktemp)
  # Two packages may be wanted at once, and apt does not wait for another.
  exec 9>"${TMPDIR:-/tmp}/tidings-install-$(id -u).lock"
  flock 9
  # shellcheck disable=SC2086 # two words or none
  if $as_root apt-get update >"$log" 2>&1 &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
  fi
  tail -n 5 "$log" >&2
  rm -f "$log"
fi

echo "Missing for $who: install $package ($1), or run as root where there is apt" >&2
exit 1
