#!/usr/bin/env bash
# Another implementation of OpenPGP (rPGP) opens what msgd seals, and msgd opens its answers:
# the committed fixtures, then fresh keys and messages of several sizes.
#
# SQ may name Sequoia's `sq`, which then opens and verifies them too: 1.5 or newer, built with
# --no-default-features --features crypto-rust,allow-experimental-crypto,allow-variable-time-crypto
# (needs capnproto and libsqlite3-dev). It shares a library with msgd; rPGP does not.
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

# A critical notation that it does not know makes a signature invalid, as it should.
if [[ -n ${SQ:-} ]]; then
    echo "--- sq opens and verifies"
    opened_by_sq() { # SIGNER MESSAGE
        rm -f "$scratch/opened"
        "$SQ" --home="$scratch/sq" --batch --known-notation ctx@msgd decrypt \
            --recipient-file "$scratch/device.key" --signer-file "$1" \
            --output "$scratch/opened" "$2" >"$scratch/log" 2>&1
    }
    for message in "$scratch"/*.pgp; do
        opened_by_sq "$scratch/author.cert" "$message" || { cat "$scratch/log" >&2; exit 1; }
        cmp "$scratch/opened" "${message%.pgp}.payload"
    done
    message=$scratch/100.pgp
    ! opened_by_sq "$scratch/device.cert" "$message" || { echo "it passed for another's" >&2; exit 1; }
    size=$(stat -c %s "$message")
    for part in {0..16}; do
        at=$(((size - 1) * part / 16))
        cp "$message" "$scratch/changed"
        byte=$(od -An -tu1 -j "$at" -N 1 "$message")
        printf "\\x$(printf %x $((byte ^ 1)))" |
            dd of="$scratch/changed" bs=1 seek="$at" conv=notrunc status=none
        ! opened_by_sq "$scratch/author.cert" "$scratch/changed" ||
            { echo "it opens with byte $at changed" >&2; exit 1; }
    done
fi

echo "--- msgd opens the answers"
run_test what_another_implementation_sealed_opens
