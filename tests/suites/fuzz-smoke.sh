#!/usr/bin/env bash
# Builds every fuzz target with the address sanitizer and runs each for a short while from its
# committed corpus. FUZZ_SECONDS (default 20) is the time for each target.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target_dir=${CARGO_TARGET_DIR:-$PWD/target}

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "--- installing cargo-fuzz, once"
    CARGO_TARGET_DIR=$target_dir/tools cargo install --locked --quiet cargo-fuzz || true
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "--- SKIPPED: cargo-fuzz cannot be had; nothing was fuzzed"
    exit 0
fi

# Sanitizers are not stable yet; this makes a stable compiler take their flags.
export RUSTC_BOOTSTRAP=1
# A folder of its own: sanitizer flags would otherwise rebuild the tree for everybody else.
export CARGO_TARGET_DIR=$target_dir/fuzz
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cargo fuzz build
for target in $(cargo fuzz list); do
    echo "--- $target"
    corpus=fuzz/corpus/$target
    if [[ ! -d $corpus ]]; then
        echo "$target has no corpus" >&2
        exit 1
    fi
    # New inputs go to the first folder, so the committed corpus stays as it is.
    mkdir "$scratch/$target"
    if ! cargo fuzz run "$target" "$scratch/$target" "$corpus" -- \
        -max_total_time="${FUZZ_SECONDS:-20}" -timeout=10 -rss_limit_mb=1024 \
        -max_len=70000 -print_final_stats=1 >"$scratch/log" 2>&1; then
        tail -n 60 "$scratch/log"
        exit 1
    fi
    grep 'stat::number_of_executed_units' "$scratch/log"
done
