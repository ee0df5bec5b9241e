#!/usr/bin/env bash
# Runs the built daemon's demo: its last line must count every message as delivered, and nothing
# may be left behind. MSGD names the binary (default: the debug build).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

msgd=${MSGD:-${CARGO_TARGET_DIR:-target}/debug/msgd}
[[ -x $msgd ]] || { echo "no binary at $msgd: cargo build first, or set MSGD" >&2; exit 1; }
scratch=$(mktemp -d /tmp/msgd-suite-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "FAILED: $*" >&2; cat "$scratch/said" >&2; exit 1; }

TMPDIR=$scratch timeout 180 "$msgd" demo >"$scratch/said" 2>&1 || fail "exit code $?"
last=$(tail -n 1 "$scratch/said")
[[ $last =~ ([0-9]+)\ of\ ([0-9]+)\ messages\ delivered ]] || fail "the last line counts nothing: $last"
[[ ${BASH_REMATCH[1]} -eq ${BASH_REMATCH[2]} && ${BASH_REMATCH[1]} -gt 0 ]] || fail "$last"
[[ -z $(find "$scratch" -mindepth 1 ! -name said) ]] || fail "a scratch folder was left"
echo "demo: $last"
