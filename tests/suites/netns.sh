#!/usr/bin/env bash
# Daemons in network namespaces: on a network without a way out, behind home routers of three
# kinds, over IPv6 alone, on bad lines, on the move. Each time a numbered stream must arrive once
# and in order, and whoever listens on the way must learn nothing. Prints a table.
#
#   tests/suites/netns.sh [PART_OF_A_NAME...]    all scenarios, or those so called
#
# BIN is the folder of msgd and msgctl (default: target/release, else target/debug). Needs root,
# ip, nft and python3. NETNS_KEEP=FOLDER keeps logs and captures, NETNS_LOG is how
# much is logged.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

skip() { echo "--- SKIPPED: $*"; exit 0; }
[[ $(id -u) == 0 ]] || skip "only root can make network namespaces"
for tool in ip nft python3 unshare; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done

target_dir=${CARGO_TARGET_DIR:-$PWD/target}
bin_dir=${BIN:-${MSGD_BIN_DIR:-}}
for candidate in "$target_dir/release" "$target_dir/debug"; do
    if [[ -z $bin_dir && -x $candidate/msgd && -x $candidate/msgctl ]]; then
        bin_dir=$candidate
    fi
done
if [[ -z $bin_dir ]]; then
    echo "build msgd and msgctl first, or set BIN" >&2
    exit 1
fi
bin_dir=$(realpath "$bin_dir")
keep=${NETNS_KEEP:+$(realpath -m "$NETNS_KEEP")}
[[ -z $keep ]] || mkdir -p "$keep"

# Everything is made inside namespaces of processes, mounts and networks that nobody else sees: when
# the first process in there ends, however it ends, the kernel ends the others and removes all.
# What is written goes to memory, which is gone then as well.
inside='
    mount -t tmpfs -o mode=755 tmpfs /run
    mkdir /run/netns
    scratch=/run/scratch
    mkdir -m 700 $scratch
    export TMPDIR=$scratch
    ip link set lo up
    ulimit -n "$(ulimit -Hn)"
    exec python3 -B tests/netns/main.py "$@"
'
unshare -m -n -p --fork --kill-child --mount-proc --propagation private \
    env NETNS_KEEP="$keep" "$BASH" -euc "$inside" netns "$bin_dir" "$@" &
child=$!
# It ignores what would end it gently.
trap 'kill -KILL "$child" 2>/dev/null; exit 130' INT TERM
wait "$child"
