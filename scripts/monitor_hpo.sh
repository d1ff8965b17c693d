#!/bin/sh
# How a search stands, and the end of its log: ./scripts/monitor_hpo.sh LOG FOLDER; also under `watch -n 30`.
set -eu
if [ "$#" -ne 2 ]; then
    echo "usage: $0 LOG FOLDER   (LOG: what gogooku3 sweep printed; FOLDER: its --out)" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")/.." && pwd)
if [ -x "$here/.venv/bin/gogooku3" ]; then gogooku3="$here/.venv/bin/gogooku3"; else gogooku3=gogooku3; fi
"$gogooku3" monitor "$2" --once
echo
if [ -f "$1" ]; then tail -n 5 "$1"; else echo "there is no log $1"; fi
