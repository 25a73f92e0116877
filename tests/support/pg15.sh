#!/bin/sh
# Runs the tests on a PostgreSQL 15 of their own, the oldest that is supported: `npm run test:pg15`, with Vitest's
# arguments behind `--`. Exit code 77: there is none here and none can be installed; one line says why.
set -eu
cd "$(dirname "$0")/../.."
PATH="$PWD/node_modules/.bin:$PATH"
bin=/usr/lib/postgresql/15/bin

left_out() {
  echo "The tests on PostgreSQL 15 were left out: $1." >&2
  exit 77
}

if [ ! -x "$bin/postgres" ]; then
  if [ ! -f /etc/debian_version ] || [ "$(id -u)" != 0 ]; then
    left_out "there is no $bin, and only root on a Debian system can install it"
  fi
  apt-get update -qq >&2
  apt-cache show postgresql-15 >/dev/null 2>&1 || left_out 'this release of Debian has no package postgresql-15'
  # Privileges are checked by pgTAP where this release has it.
  tap=$(apt-cache show postgresql-15-pgtap >/dev/null 2>&1 && echo postgresql-15-pgtap || true)
  # The binaries alone: Debian would also make a server of its own and start it.
  settings=/etc/postgresql-common/createcluster.d
  mkdir -p "$settings"
  echo 'create_main_cluster = false' >"$settings/family-solutions-plus.conf"
  trap 'rm -f "$settings/family-solutions-plus.conf"' EXIT
  output=$(DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-15 $tap 2>&1) || {
    echo "$output" >&2
    exit 1
  }
  rm "$settings/family-solutions-plus.conf"
  trap - EXIT
fi

home=$(mktemp -d -t fsp-pg15-XXXXXX)
tests=
# PostgreSQL refuses to run as root. From its own folder, because the account may not be let into this one.
server() {
  if [ "$(id -u)" = 0 ]; then
    (cd "$home" && runuser -u postgres -- "$@")
  else
    (cd "$home" && "$@")
  fi
}
finish() {
  [ -z "$tests" ] || kill "$tests" 2>/dev/null || true
  [ ! -f "$home/data/postmaster.pid" ] || server "$bin/pg_ctl" stop -D "$home/data" -m immediate -s || true
  rm -rf "$home"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
(umask 077 && echo "$secret" >"$home/secret")
[ "$(id -u)" != 0 ] || chown -R postgres "$home"
export LC_ALL=C
server "$bin/initdb" -D "$home/data" -U postgres -A scram-sha-256 --pwfile="$home/secret" -E UTF8 --locale=C >/dev/null
# As the embedded server is set.
cat >>"$home/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
max_wal_size = 4GB
jit = off
fsync = off
SETTINGS
if ! server "$bin/pg_ctl" start -D "$home/data" -l "$home/log" -w -t 60 -s; then
  cat "$home/log" >&2
  exit 1
fi

# What docs/operators.md asks for. CREATEDB is the tests' alone: many files make databases of their own.
PGPASSWORD=$secret "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres -d postgres <<SQL
create role fsp_test_owner login createrole createdb nosuperuser password '$secret';
create database fsp_test owner fsp_test_owner;
SQL

export TEST_DATABASE_URL="postgres://fsp_test_owner:$secret@127.0.0.1:$port/fsp_test"
export TEST_SUPERUSER_URL="postgres://postgres:$secret@127.0.0.1:$port/postgres"
# What the database itself does: every row of every login, writes, grants, every command, what linters ask, the record, the three told
# stories. What is decided before it is asked would only be run again.
if [ "$#" = 0 ]; then
  set -- tests/access/rows.test.ts tests/access/writes.test.ts tests/access/grants.test.ts tests/access/kept-from.test.ts \
    tests/change/every-command.test.ts tests/db/lints.test.ts tests/disclosure/record.test.ts tests/stories
fi
vitest run --exclude tests/main.test.ts --exclude 'tests/docs/**' --exclude 'tests/portal/**' --exclude 'tests/suites/**' "$@" &
tests=$!
code=0
wait "$tests" || code=$?
tests=
exit "$code"
