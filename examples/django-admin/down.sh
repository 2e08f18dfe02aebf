#!/usr/bin/env bash
# Stops the Django site that up.sh started under the same DJANGO_STATE. What it keeps stays.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state="${DJANGO_STATE:-$here/.state}"
pidfile="$state/gunicorn.pid"
[ -f "$pidfile" ] || exit 0
pid=$(cat "$pidfile")

# A pid may have been given to somebody else since: only a gunicorn is ours to stop.
if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q gunicorn; then
  kill -TERM "$pid"
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
fi
rm -f "$pidfile" "$state/gunicorn.log"
