#!/usr/bin/env bash
# packaging/install.sh in a scratch home without systemd: what it puts where, what it says to do
# next, that it ends with an invite where nobody has to be asked, and that nothing of it stays.
# BIN is the folder of msgd and msgctl; by default they are built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [[ -z ${BIN:-} ]]; then
    # With what `cargo test` has built already: `cargo build` wants other features of some crates.
    cargo test --locked --test it --no-run --quiet
    BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug
fi
x=$(mktemp -d)
pid=
ending() {
    local code=$?
    if [[ $code -ne 0 ]]; then tail -n 20 "$x"/*.log >&2 || true; fi
    [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
    rm -rf "$x"
    exit "$code"
}
trap ending EXIT

step() { printf -- '--- %s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

# In the place of a release build, what is built already.
cat >"$x/cargo" <<'SH'
#!/bin/sh
mkdir -p "$CARGO_TARGET_DIR" && ln -sfn "$BIN" "$CARGO_TARGET_DIR/release"
SH
chmod 755 "$x/cargo"
mkdir -p "$x/home" "$x/run" "$x/credentials"
chmod 700 "$x/run"
home() {
    env -i PATH="$x/home/.local/bin:/usr/bin:/bin" HOME="$x/home" XDG_RUNTIME_DIR="$x/run" MSGD_DHT=off "$@"
}
install_msgd() { # VARIABLE=VALUE... FLAG...
    local settings=()
    while [[ ${1:-} == *=* ]]; do settings+=("$1"); shift; done
    home BIN="$BIN" CARGO="$x/cargo" CARGO_TARGET_DIR="$x/target" MSGD_INSTALL_AS_ROOT=1 \
        "${settings[@]}" bash packaging/install.sh "$@"
}

step "everything is put in its place"
install_msgd --no-start >"$x/first.log"
for file in .local/bin/{msgd,msgctl} .config/systemd/user/msgd.{service,socket} \
    .local/share/dbus-1/services/org.msgd.Msgd1.service \
    .local/share/bash-completion/completions/msgctl .local/share/zsh/site-functions/_msgctl \
    .config/fish/completions/msgctl.fish \
    .local/share/man/man1/{msgd,msgd-run,msgctl,msgctl-send}.1 .local/share/man/man7/msgctl-json.7; do
    [[ -s $x/home/$file ]] || fail "no $file"
    grep -qF "$file" "$x/first.log" || fail "$file was not told"
done
! grep -q /usr/bin/msgd "$x/home/.config/systemd/user/msgd.service" || fail "the unit starts another msgd"

step "without a daemon it says what comes next"
for command in msgd 'msgctl vault create' 'msgctl identity create' 'msgctl invite'; do
    sed '1,/^Next:/d' "$x/first.log" | grep -q "^  $command" || fail "does not say: $command"
done

step "with a daemon it says what is left, and asks nobody"
home msgd --listen 127.0.0.1:0 --no-dbus >"$x/daemon.log" 2>&1 &
pid=$!
end=$((SECONDS + 20))
until home msgctl status >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || fail "the daemon does not answer"
    sleep 0.05
done
install_msgd </dev/null >"$x/second.log"
sed '1,/^Next:/d' "$x/second.log" | head -n 1 | grep -qx '  msgctl vault create' || fail "not what is left"

step "with a passphrase and a name at hand it ends with an invite"
echo 'correct horse battery' >"$x/credentials/msgd-passphrase"
install_msgd CREDENTIALS_DIRECTORY="$x/credentials" IDENTITY=Ann </dev/null >"$x/third.log" 2>&1
grep -q 'msgd:i1' "$x/third.log" || fail "no invite"
home msgctl identity show | grep -q Ann || fail "no identity"

step "it takes away what it put, and leaves keys and messages"
install_msgd --uninstall >"$x/last.log"
wait "$pid"
pid=
left=$(find "$x/home" ! -type d ! -path "$x/home/.local/share/msgd/*")
[[ -z $left ]] || fail "left over: $left"
[[ -n $(ls -A "$x/home/.local/share/msgd/default") ]] || fail "the keys are gone"
step "done"
