#!/usr/bin/env bash
# Strangers attack a running daemon's port while its contact keeps writing to it.
# MSGD_BIN_DIR names the folder of the binaries (default: target/release, else target/debug).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! command -v python3 >/dev/null; then
    echo "--- SKIPPED: python3 is not installed; nothing was attacked"
    exit 0
fi
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
bin_dir=${MSGD_BIN_DIR:-}
for candidate in "$target_dir/release" "$target_dir/debug"; do
    if [[ -z $bin_dir && -x $candidate/msgd && -x $candidate/msgctl ]]; then
        bin_dir=$candidate
    fi
done
if [[ -z $bin_dir ]]; then
    echo "build msgd and msgctl first, or set MSGD_BIN_DIR" >&2
    exit 1
fi
# One descriptor for each connection that is held open.
ulimit -n "$(ulimit -Hn)"
exec python3 tests/suites/hostile/hostile.py "$bin_dir"
