#!/usr/bin/env bash
# Builds every fuzz target with the address sanitizer and runs each for a short while from its
# committed corpus. FUZZ_SECONDS (default 20) is the time for each target.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Sanitizers are not stable yet; this makes a stable compiler take their flags.
export RUSTC_BOOTSTRAP=1
target_dir=${CARGO_TARGET_DIR:-$PWD/target}

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "--- installing cargo-fuzz, once"
    RUSTC_BOOTSTRAP=0 CARGO_TARGET_DIR=$target_dir/tools cargo install --locked --quiet cargo-fuzz || true
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "--- SKIPPED: cargo-fuzz cannot be had; nothing was fuzzed"
    exit 0
fi

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
    cargo fuzz run "$target" "$scratch/$target" "$corpus" -- \
        -max_total_time="${FUZZ_SECONDS:-20}" -timeout=10 -rss_limit_mb=1024 \
        -max_len=70000 -print_final_stats=1 2>&1 |
        grep -E 'stat::number_of_executed_units|ERROR|panicked|SUMMARY|Failing input' || true
    # `cargo fuzz` is the first of the pipe: its own exit code is what counts.
    [[ ${PIPESTATUS[0]} -eq 0 ]]
done
