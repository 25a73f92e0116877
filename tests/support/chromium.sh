#!/bin/sh
# Makes sure a Chromium is present for the browser tests and prints its path.
set -eu

for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1; then
    command -v "$candidate"
    exit 0
  fi
done

if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends chromium >/dev/null 2>&1
  command -v chromium
  exit 0
fi

cat >&2 <<'MESSAGE'
The browser tests need Chromium. Install it with your system's packages
(on Debian, as root: apt-get install chromium), or set CHROMIUM to the path of one.
MESSAGE
exit 1
