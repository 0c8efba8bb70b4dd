#!/bin/sh
# Makes sure that there is a Chromium for the demo's tests: installs Debian's with apt where it may.
set -eu

if [ -n "${CHROMIUM:-}" ]; then exit 0; fi
for name in chromium chromium-browser google-chrome; do
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
  echo 'Installing Chromium with apt for the tests of the demo'
  log=$(mktemp)
  # shellcheck disable=SC2086 # two words or none
  if $as_root apt-get update >"$log" 2>&1 &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
  fi
  tail -n 5 "$log" >&2
  rm -f "$log"
fi

echo 'The tests of the demo need Chromium: install it, or set CHROMIUM to the path of one.' >&2
exit 1
