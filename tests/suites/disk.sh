#!/usr/bin/env bash
# Disks that are full, read-only or damaged, and a clock two days off: nothing that was accepted is
# lost, and each fault is told in a sentence. Needs root, for small file systems of its own.
# MSGD_BIN_DIR (default target/debug) holds the two binaries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=$(realpath "${MSGD_BIN_DIR:-${CARGO_TARGET_DIR:-target}/debug}")

if [[ $(id -u) != 0 ]]; then
    echo "--- SKIPPED: only root can mount small disks"
    exit 0
fi
# Mounts vanish with the namespace.
if [[ ${1-} != inside ]]; then
    exec unshare -m --propagation private "$BASH" "$PWD/tests/suites/disk.sh" inside
fi

scratch=$(mktemp -d)
# The shell's children, and the daemons below them.
declare -A running=() daemons=()
finish() {
    for name in "${!daemons[@]}"; do kill "${daemons[$name]}" 2>/dev/null || true; done
    wait
    umount "$scratch/a" "$scratch/m" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$scratch"/*.log >&2
    exit 1
}
environment() {
    local run=$scratch/run-$1
    # Two may make it at once.
    [[ -d $run ]] || mkdir -m 700 "$run" 2>/dev/null || [[ -d $run ]]
    env -i PATH="$PATH" HOME="$scratch/$1" XDG_RUNTIME_DIR="$run" MSGD_RESERVE_MIB=4 MSGD_DHT=off "${@:2}"
}
ctl() { environment "$1" timeout 60 "$bin/msgctl" "${@:2}"; }
# start NAME [WRAPPER...]
start() {
    (environment "$1" "${@:2}" "$bin/msgd" --listen 127.0.0.1:0 --no-dbus >>"$scratch/$1.log" 2>&1) &
    running[$1]=$!
    for _ in {1..600}; do
        if daemons[$1]=$(ctl "$1" status --json 2>/dev/null | grep -o '"pid":[0-9]*'); then
            daemons[$1]=${daemons[$1]#*:}
            return
        fi
        unset "daemons[$1]"
        kill -0 "${running[$1]}" 2>/dev/null || fail "$1 did not start"
        sleep 0.05
    done
    fail "$1 does not answer"
}
stop() {
    kill "${daemons[$1]}"
    wait "${running[$1]}" || fail "$1 did not stop cleanly"
    unset "running[$1]" "daemons[$1]"
}
# refuses CODE NAME SENTENCE [OPTION...]: the daemon does not start, and says why.
refuses() {
    local expected=$1 code=0
    shift
    environment "$1" timeout 60 "$bin/msgd" --listen 127.0.0.1:0 --no-dbus "${@:3}" \
        >"$scratch/refusal.log" 2>&1 || code=$?
    [[ $code == "$expected" ]] || fail "exit code $code, not $expected"
    grep -Eqi "$2" "$scratch/refusal.log" || fail "it does not say: $2"
    sed 's/^/    /' "$scratch/refusal.log"
}

mkdir "$scratch/a" "$scratch/b" "$scratch/m" "$scratch/kept"
mount -t tmpfs -o size=32m,mode=700 tmpfs "$scratch/a"
store=$scratch/a/.local/share/msgd/default

echo "--- two meet, one of them on a disk of 32 MiB"
start a
start b
for name in a b; do
    ctl "$name" vault create --insecure-store >/dev/null 2>&1
    ctl "$name" identity create "Owner-$name" >/dev/null
done
link=$(ctl a invite --auto-accept --quiet)
ctl b contact add "$link" >/dev/null 2>&1
for _ in {1..600}; do
    if ctl a contact show Owner-b >/dev/null 2>&1 && ctl b contact show Owner-a >/dev/null 2>&1; then
        break
    fi
    sleep 0.05
done
ctl b send Owner-a "Before the disk is full." --wait delivered --quiet >/dev/null

echo "--- full: sending is refused in words, with code 11"
free_kib=$(df --output=avail -k "$scratch/a" | tail -n 1)
head -c "$(((free_kib - 4096 - 512) * 1024))" /dev/zero >"$scratch/a/filling"
text=$(head -c 6000 /dev/zero | tr '\0' 'x')
code=0
ids=()
for number in {1..400}; do
    id=$(ctl a send Owner-b "$number $text" --quiet 2>"$scratch/refusal.log") || { code=$?; break; }
    ids+=("$id")
done
sed 's/^/    /' "$scratch/refusal.log"
[[ $code == 11 ]] || fail "exit code $code after ${#ids[@]} messages, not 11"
grep -Eqi 'disk|space' "$scratch/refusal.log" || fail "it does not speak of the disk"
((${#ids[@]} > 0)) || fail "nothing was accepted before"
ctl a read Owner-b >/dev/null || fail "a full disk cannot be read"
echo "    ${#ids[@]} messages were accepted"

echo "--- freed: it goes on, and after a restart all is there"
rm "$scratch/a/filling"
ctl a send Owner-b "After the disk was full." --wait delivered --quiet >/dev/null
stop a
start a
for id in "${ids[@]}"; do
    ctl a msg info "$id" >/dev/null || fail "message $id is lost"
done
shown=$(ctl a read Owner-b)
[[ $shown == *"After the disk was full."* ]] || fail "the last message is lost"
stop a

echo "--- a mailbox host on a full disk: code 11, so that the service manager tries again"
mount -t tmpfs -o size=32m,mode=700 tmpfs "$scratch/m"
head -c $((29 * 1024 * 1024)) /dev/zero >"$scratch/m/filling"
refuses 11 m 'disk|space' --role mailbox
rm "$scratch/m/filling"
start m env MSGD_ROLE=mailbox
ctl m mailbox stat >/dev/null || fail "it does not host when there is space again"
stop m

echo "--- read-only"
mount -o remount,ro "$scratch/a"
refuses 10 a 'read-only|permission|write'
mount -o remount,rw "$scratch/a"

echo "--- a damaged database"
cp -a "$store" "$scratch/kept/"
db=$store/store/sled/db
size=$(stat -c %s "$db")
for part in 1 2 3 4 5 6 7; do
    head -c 4096 /dev/urandom |
        dd of="$db" bs=1 seek=$((size * part / 8)) conv=notrunc status=none
done
refuses 10 a 'damaged|corrupt|broken'
rm -rf "$store"
cp -a "$scratch/kept/default" "$store"

echo "--- killed, then damaged: it refuses"
start a
kill -9 "${daemons[a]}"
wait "${running[a]}" 2>/dev/null || true
unset "running[a]" "daemons[a]"
for part in 1 2 3 4 5 6 7; do
    head -c 4096 /dev/urandom |
        dd of="$db" bs=1 seek=$((size * part / 8)) conv=notrunc status=none
done
refuses 10 a 'damaged|corrupt|broken'
rm -rf "$store"
cp -a "$scratch/kept/default" "$store"

echo "--- a truncated keyring"
truncate -s -20 "$store/keyring.v1"
refuses 10 a 'keyring.*cut off'
rm -rf "$store"
cp -a "$scratch/kept/default" "$store"

echo "--- a keyring that is gone: no new one takes its place"
mv "$store/keyring.v1" "$scratch/"
refuses 10 a 'keyring.v1 is missing'
mv "$scratch/keyring.v1" "$store/"

echo "--- a newer schema"
echo 99 >"$store/store/schema"
refuses 10 a 'schema 99'
cp "$scratch/kept/default/store/schema" "$store/store/"

if command -v faketime >/dev/null; then
    for shift in -2d +2d; do
        echo "--- a clock $shift off"
        start a env DONT_FAKE_MONOTONIC=1 faketime -f "$shift"
        ctl a send Owner-b "From $shift." --wait delivered --quiet >/dev/null || fail "not delivered"
        ctl b send Owner-a "To $shift." --wait delivered --quiet >/dev/null || fail "not answered"
        stop a
    done
else
    echo "--- SKIPPED: a wrong clock, which needs faketime"
fi
stop b
echo "--- all held"
