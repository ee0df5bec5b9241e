#!/usr/bin/env bash
# Another implementation of OpenPGP (rPGP) opens what msgd seals, and msgd opens its answers:
# the committed fixtures, then fresh keys and messages of several sizes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target_dir=${CARGO_TARGET_DIR:-$PWD/target}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A folder of its own: the two packages pin different releases of the post-quantum crates.
cargo_interop() { CARGO_TARGET_DIR=$target_dir/interop cargo "$@"; }

# A name that matches no test would pass; one must have run.
run_test() {
    MSGD_INTEROP_DIR=$scratch cargo test --quiet --lib -- --exact "crypto::interop::$1" |
        tee "$scratch/log"
    grep -q '1 passed' "$scratch/log"
}

echo "--- msgd seals"
run_test a_folder_for_another_implementation_is_written_and_opens_here

echo "--- rPGP opens and answers"
(cd tests/interop && cargo_interop build --locked --quiet)
"$target_dir/interop/debug/msgd-interop" tests/fixtures/keys "$scratch"

echo "--- msgd opens the answers"
run_test what_another_implementation_sealed_opens
