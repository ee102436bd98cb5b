# Starts a PostgreSQL server in a folder and stops it when nobody has used it for a while.
# Arguments: folder of the binaries, working folder, idle seconds, fsync (on|off), "remove" to remove the working folder too.
# Then options of PostgreSQL's own, such as those for TLS, if any.
# Every user holds a shared lock on users.lock; the kernel lets go of it however the user ends.
bin=$1 dir=$2 idle=$3 fsync=$4 after=$5 more=${6:-}
cd "$dir" || exit 1
exec 8<alive.lock
flock -n 8 || exit 1
[ -f data/postmaster.pid ] && "$bin/pg_ctl" -D data -m immediate stop >/dev/null 2>&1 8<&-
rm -rf data ready failed
{
  "$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions &&
    "$bin/pg_ctl" -D data -w -l server.log start -o "-k '$dir' -h '' -F -c fsync=$fsync -c synchronous_commit=$fsync \
      -c full_page_writes=$fsync -c max_connections=400 -c shared_buffers=64MB -c autovacuum=off -c max_wal_size=256MB $more"
} >start.log 2>&1 8<&- || { touch failed; exit 1; }
touch ready
quiet=0
while sleep 1; do
  if flock -n -x users.lock true; then quiet=$((quiet + 1)); else quiet=0; fi
  [ "$quiet" -ge "$idle" ] || continue
  # Nobody may join while we leave: whoever holds start.lock waits, then starts anew.
  exec 9<start.lock
  flock -n 9 && flock -n -x users.lock true && break
  exec 9<&-
  quiet=0
done
"$bin/pg_ctl" -D data -m immediate stop >/dev/null 2>&1
rm -rf data ready
[ "$after" = remove ] && rm -rf "$dir"
exit 0
