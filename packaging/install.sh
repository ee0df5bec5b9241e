#!/usr/bin/env bash
# Installs msgd for the user who runs it, and for nobody else. Running it again updates.
#
#   packaging/install.sh                build, install, start
#   packaging/install.sh --no-start     build, install
#   packaging/install.sh --uninstall    stop and remove; keys and messages stay
#
# It ends with an invite to hand out, or with the commands that are still missing. What it may
# do by itself: IDENTITY=NAME makes your identity, and a passphrase in
# $CREDENTIALS_DIRECTORY/msgd-passphrase makes or unlocks the vault.
#
# Environment: PREFIX (default ~/.local), CARGO (default cargo), XDG_* as usual.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=${PREFIX:-$HOME/.local}
config=${XDG_CONFIG_HOME:-$HOME/.config}
data=${XDG_DATA_HOME:-$HOME/.local/share}

bin=$prefix/bin
units=$config/systemd/user
bus=$data/dbus-1/services
man=$data/man
bash_dir=$data/bash-completion/completions
zsh_dir=$data/zsh/site-functions
fish_dir=$config/fish/completions

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

start=yes
action=install
for arg in "$@"; do
    case $arg in
        --uninstall) action=uninstall ;;
        --no-start) start=no ;;
        -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) die "unknown argument $arg (see --help)" ;;
    esac
done

# A daemon of root's own serves nobody, and files of root's in a home stay in its way.
[[ $(id -u) -ne 0 || -n ${MSGD_INSTALL_AS_ROOT:-} ]] ||
    die "run this as the user who will use msgd, without sudo"

manager_runs() {
    command -v systemctl >/dev/null && systemctl --user show-environment >/dev/null 2>&1
}

# Replaces a file at once: a running program keeps its old one.
put() { # MODE SOURCE TARGET
    mkdir -p "$(dirname "$3")"
    install -m "$1" "$2" "$3.new"
    mv -f "$3.new" "$3"
    say "  $3"
}

# The new msgctl, for the daemon that the units start.
tell() { env -u MSGD_PROFILE -u MSGD_SOCKET "$bin/msgctl" "$@"; }

uninstall() {
    if manager_runs; then
        systemctl --user disable --now msgd.service msgd.socket >/dev/null 2>&1 || true
    elif [[ -x $bin/msgctl ]]; then
        tell stop >/dev/null 2>&1 || true
    fi
    rm -f "$bin/msgd" "$bin/msgctl" "$units/msgd.service" "$units/msgd.socket" \
        "$bus/org.msgd.Msgd1.service" "$bash_dir/msgctl" "$zsh_dir/_msgctl" "$fish_dir/msgctl.fish"
    local page
    for page in "$man"/man1/msgd{,-*}.1 "$man"/man1/msgctl{,-*}.1 "$man"/man7/msgctl-*.7; do
        rm -f "$page"
    done
    if manager_runs; then
        systemctl --user daemon-reload
    fi
    say "msgd is removed. Keys and messages stay in $data/msgd, settings in $config/msgd."
}

install_all() {
    local scratch
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of now is the one to remove
    trap "rm -rf '$scratch'" EXIT

    say "Building (the first time takes some minutes) ..."
    "${CARGO:-cargo}" build --release --locked --manifest-path "$here/Cargo.toml" --bins
    local built=${CARGO_TARGET_DIR:-$here/target}/release

    say "Installing:"
    put 755 "$built/msgd" "$bin/msgd"
    put 755 "$built/msgctl" "$bin/msgctl"

    # `|` cannot be part of the substitution's text unless a path holds it; refuse that.
    [[ $bin != *'|'* && $bin != *[[:space:]]* ]] || die "cannot write a unit for the path $bin"
    local file
    for file in msgd.service msgd.socket; do
        sed "s|/usr/bin/msgd|$bin/msgd|" "$here/systemd/$file" >"$scratch/$file"
        put 644 "$scratch/$file" "$units/$file"
    done
    file=$here/packaging/dbus/org.msgd.Msgd1.service
    if [[ -e $file ]]; then
        sed "s|/usr/bin/msgd|$bin/msgd|" "$file" >"$scratch/bus"
        put 644 "$scratch/bus" "$bus/org.msgd.Msgd1.service"
    fi

    local shell target
    for shell in bash zsh fish; do
        case $shell in
            bash) target=$bash_dir/msgctl ;;
            zsh) target=$zsh_dir/_msgctl ;;
            fish) target=$fish_dir/msgctl.fish ;;
        esac
        "$built/msgctl" completion "$shell" >"$scratch/completion"
        put 644 "$scratch/completion" "$target"
    done
    mkdir "$scratch/man"
    "$built/msgctl" man "$scratch/man"
    "$built/msgd" man "$scratch/man"
    local page
    for page in "$scratch"/man/*.[0-9]; do
        put 644 "$page" "$man/man${page##*.}/$(basename "$page")"
    done

    if manager_runs; then
        systemctl --user daemon-reload
        if [[ $start == yes ]]; then
            systemctl --user enable --quiet msgd.socket msgd.service
            systemctl --user restart msgd.socket msgd.service
        fi
    fi
    case :$PATH: in
        *:"$bin":*) ;;
        *) say "Note: $bin is not in PATH." ;;
    esac
    finish
}

# Prints "VAULT IDENTITIES CONTACTS" of the daemon, if it runs.
standing() {
    # Asking would start one through its socket, which --no-start forbids.
    if [[ $start == no ]] && manager_runs && ! systemctl --user --quiet is-active msgd.service; then
        return 1
    fi
    tell status --format '{vault} {identities} {contacts}' 2>/dev/null
}

# Goes as far towards an invite as nobody has to be asked for, then says what is left to do.
finish() {
    local state vault identities contacts
    local run=msgd ctl=msgctl credential=${CREDENTIALS_DIRECTORY:-}/msgd-passphrase
    [[ $(command -v msgctl) == "$bin/msgctl" ]] || run=$bin/msgd ctl=$bin/msgctl
    local create="$ctl vault create" unlock="$ctl vault unlock"
    local name="$ctl identity create YOUR-NAME" invite="$ctl invite"

    if ! state=$(standing); then
        if manager_runs; then
            run="systemctl --user enable --now msgd.socket msgd.service"
        else
            run="$run   (here no systemd user manager does it; it stays in the foreground)"
        fi
        next "$run" "$create" "$name" "$invite"
        return
    fi
    read -r vault identities contacts <<<"$state"
    if [[ -n ${CREDENTIALS_DIRECTORY:-} && -r $credential ]]; then
        case $vault in
            missing) vault=$(tell vault create </dev/null) ;;
            sealed | locked) vault=$(tell vault unlock </dev/null) ;;
        esac
        read -r vault identities contacts <<<"$(standing)"
    fi
    case $vault in
        missing) next "$create" "$name" "$invite"; return ;;
        sealed | locked) next "$unlock" "$invite"; return ;;
    esac
    if [[ $identities -eq 0 ]]; then
        if [[ -z ${IDENTITY:-} ]]; then
            next "$name" "$invite"
            return
        fi
        tell identity create "$IDENTITY" >/dev/null
        identities=1
    fi
    # Each invite is a way in for whoever gets the link: an update makes none.
    if [[ $identities -ne 1 || $contacts -ne 0 ]]; then
        say "msgd runs. An invite for somebody: $invite"
        return
    fi
    say "msgd runs. Hand this to the first person you want to write to:"
    tell invite
}

next() { # COMMAND...
    say "Next:"
    printf '  %s\n' "$@"
}

case $action in
    install) install_all ;;
    uninstall) uninstall ;;
esac
