#!/usr/bin/env bash
# Installs, seeds and starts the example's Django site, and prints where it listens.
#   DJANGO_STATE   where everything is kept           (default: .state beside this file)
#   DJANGO_PORT    the port on 127.0.0.1; 0 for any   (default: 8101)
#   PYTHON         the Python to build on, 3.10 or later
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export DJANGO_STATE="${DJANGO_STATE:-$here/.state}" PYTHONDONTWRITEBYTECODE=1
port="${DJANGO_PORT:-8101}"
venv="${DJANGO_VENV:-$DJANGO_STATE/venv}"
mkdir -p "$DJANGO_STATE"

if [ ! -e "$venv/installed" ]; then
  echo "installing Django into $venv" >&2
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" -m pip -q --disable-pip-version-check install \
    'django==5.2.*' 'gunicorn==23.*' 'whitenoise==6.*'
  touch "$venv/installed"
fi

"$here/down.sh"
cd "$here/site"
"$venv/bin/python" manage.py migrate -v 0
"$venv/bin/python" seed.py

# gunicorn goes to the background once it listens, and writes its own pid. Started as a module, it
# survives that the checkout is moved; scripts in a venv do not.
"$venv/bin/python" -m gunicorn --daemon --pid "$DJANGO_STATE/gunicorn.pid" --bind "127.0.0.1:$port" \
  --workers 2 --worker-class gthread --threads 4 --keep-alive 20 --chdir "$here/site" \
  --error-logfile "$DJANGO_STATE/gunicorn.log" wsgi

for _ in $(seq 150); do
  line=$(grep -ao 'Listening at: http://[0-9.:]*' "$DJANGO_STATE/gunicorn.log" 2>/dev/null | tail -1 || true)
  address=${line#Listening at: }
  if [ -n "$address" ] && curl -fso /dev/null "$address/admin/login/"; then
    echo "$address"
    exit 0
  fi
  sleep 0.1
done
echo "Django does not answer; see $DJANGO_STATE/gunicorn.log" >&2
exit 1
