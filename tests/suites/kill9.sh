#!/usr/bin/env bash
# Kills either daemon a hundred times while messages stream both ways: each message must arrive
# once, in order. Then kills a host of mailboxes as often: what it said it has must be there.
# KILLS (default 100) is how often; MSGD_TEST_SEED repeats the moments of a run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

said=$(mktemp)
trap 'rm -f "$said"' EXIT
MSGD_TEST_KILLS=${KILLS:-100} cargo test --test it --quiet -- --exact --nocapture \
    kill9::each_message_arrives_once_and_in_order_whoever_is_killed \
    mailbox_host::what_a_host_said_it_has_survives_any_kill 2>&1 | tee "$said"
grep -q '^test result: ok. 2 passed' "$said" || { echo "FAILED: not both tests ran" >&2; exit 1; }
