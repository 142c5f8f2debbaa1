#!/bin/sh
# A PostgreSQL server of one's own, for tests: in the empty directory given, listening on a socket there only, with the
# user `ostiary` and no password. Says `ready` when it is; ends, and removes the directory, when its standard input is
# closed, so that nothing is left behind however the test ended.
set -eu
dir=$1
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ]; then
    echo "there is no PostgreSQL: install the package postgresql, or run \`cargo xtask setup\`" >&2
    exit 1
fi
as=
if [ "$(id -u)" = 0 ]; then
    # It refuses to run as root.
    as="setpriv --reuid=postgres --regid=postgres --init-groups"
    chown postgres "$dir"
fi
cd "$dir"
$as "$bin/initdb" --pgdata=data --username=ostiary --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >initdb.log 2>&1 ||
    { cat initdb.log >&2; exit 1; }
$as "$bin/postgres" -D data -k "$dir" -c listen_addresses= -c max_connections=300 -c log_line_prefix='%d ' >server.log 2>&1 &
end() {
    $as "$bin/pg_ctl" -D data -m immediate stop >/dev/null 2>&1 || true
    cd /
    rm -rf "$dir"
}
trap end EXIT
# A signal to the whole group of a test ends this, too, and must not leave the server behind.
trap 'exit 1' HUP INT TERM
tries=0
until "$bin/pg_isready" --quiet --host="$dir"; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { cat server.log >&2; exit 1; }
    sleep 0.1
done
echo ready
cat >/dev/null
