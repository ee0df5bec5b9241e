#!/usr/bin/env bash
# Runs the end-to-end benchmark, and beside it an installed Jami, and prints the ratios.
#
# MSGD_JAMI_BENCH names a program that drives two Jami daemons over D-Bus and prints one JSON line
# with a member for each phase (cold_start, contact, first_message, idle, latency, burst, offline,
# crash); MSGD_JAMI_ARGS are its arguments. MSGD_BIN_DIR says which binaries of ours to measure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ours=$(cargo bench --quiet --bench end_to_end | tail -n 1)
if [[ -z ${MSGD_JAMI_BENCH:-} || ! -e ${MSGD_JAMI_BENCH:-} ]]; then
    echo "--- SKIPPED: MSGD_JAMI_BENCH names no program; msgd was measured alone"
    printf '%s\n' "$ours"
    exit 0
fi
# Its D-Bus module comes with the system's interpreter.
# shellcheck disable=SC2086  # arguments are words
theirs=$(/usr/bin/python3 "$MSGD_JAMI_BENCH" ${MSGD_JAMI_ARGS:-} | tail -n 1)
python3 - "$ours" "$theirs" <<'PYTHON'
import json
import sys

ours, theirs = map(json.loads, sys.argv[1:])
# Our figure, where theirs stands, and what makes one unit of the other.
SAME = {
    "cold_start_empty": (("cold_start", "a", "spawn_to_ready_s"), 1_000),
    "contact": (("contact", "total_s"), 1_000),
    "first_message": (("first_message", "s"), 1_000),
    "latency_p50": (("latency", "one_way", "p50_ms"), 1),
    "latency_p90": (("latency", "one_way", "p90_ms"), 1),
    "latency_p99": (("latency", "one_way", "p99_ms"), 1),
    "burst_last": (("burst", "last_s"), 1_000),
    "burst_cpu_a": (("burst", "cpu_s_a"), 1_000),
    "burst_cpu_b": (("burst", "cpu_s_b"), 1_000),
    "idle_cpu": (("idle", "a", "cpu_pct"), 1),
    "idle_wakeups": (("idle", "a", "wakeups_per_s"), 1),
    "idle_wire": (("idle", "a", "net_bytes_per_min"), 1),
    "pss": (("idle", "a", "pss_mib"), 1),
    "rss": (("idle", "a", "rss_mib"), 1),
    "offline_from_spawn": (("offline", "all_s"), 1_000),
    "crash_from_spawn": (("crash", "all_s"), 1_000),
}


def at(value, path):
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, (int, float)) else None


print(f"{'figure':28}{'msgd':>12}{'Jami':>12}  {'unit':7}{'Jami/msgd':>10}")
for name, (path, unit) in SAME.items():
    mine, other = at(ours, (name, "value")), at(theirs, path)
    if mine is None:
        continue
    # A phase that ran without this figure did not get there; one that did not run says nothing.
    missing = "never" if path[0] in theirs else "not run"
    shown = missing if other is None else f"{other * unit:.1f}"
    ratio = f"{other * unit / mine:.1f}" if mine and other is not None else "-"
    print(f"{name:28}{mine:12.1f}{shown:>12}  {ours[name]['unit']:7}{ratio:>10}")
print(json.dumps({"msgd": ours, "jami": theirs}))
PYTHON
