#!/usr/bin/env bash
# Runs the end-to-end benchmark, and beside it an installed Jami, and prints the ratios.
# MSGD_JAMI_BENCH names a program that prints one JSON line with the figures of Jami under the
# names of this benchmark, as numbers or as {"value": number}.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ours=$(cargo bench --quiet --bench end_to_end | tail -n 1)
if [[ -z ${MSGD_JAMI_BENCH:-} || ! -x ${MSGD_JAMI_BENCH:-} ]]; then
    echo "--- SKIPPED: MSGD_JAMI_BENCH names no program; msgd was measured alone"
    printf '%s\n' "$ours"
    exit 0
fi
theirs=$("$MSGD_JAMI_BENCH" | tail -n 1)
python3 - "$ours" "$theirs" <<'PYTHON'
import json
import sys

ours, theirs = map(json.loads, sys.argv[1:])


def number(value):
    value = value.get("value") if isinstance(value, dict) else value
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


print(f"{'figure':28}{'msgd':>12}{'Jami':>12}{'Jami/msgd':>12}")
for name in ours:
    mine, other = number(ours[name]), number(theirs.get(name))
    if mine and other is not None:
        print(f"{name:28}{mine:12.3f}{other:12.3f}{other / mine:12.1f}")
print(json.dumps({"msgd": ours, "jami": theirs}))
PYTHON
