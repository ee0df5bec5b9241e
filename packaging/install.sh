#!/usr/bin/env bash
# Installs msgd for the user who runs it, and for nobody else. Running it again updates.
#
#   packaging/install.sh                build, install, start
#   packaging/install.sh --no-start     build, install
#   packaging/install.sh --uninstall    stop and remove; keys and messages stay
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
man=$data/man/man1
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
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
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

uninstall() {
    if manager_runs; then
        systemctl --user disable --now msgd.service msgd.socket >/dev/null 2>&1 || true
    fi
    rm -f "$bin/msgd" "$bin/msgctl" "$units/msgd.service" "$units/msgd.socket" \
        "$bus/org.msgd.Msgd1.service" "$bash_dir/msgctl" "$zsh_dir/_msgctl" "$fish_dir/msgctl.fish"
    local page
    for page in "$man"/msgd.1 "$man"/msgctl.1 "$man"/msgctl-*.1; do
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
    local page
    for page in "$scratch"/man/*.1; do
        put 644 "$page" "$man/$(basename "$page")"
    done

    if manager_runs; then
        systemctl --user daemon-reload
        if [[ $start == yes ]]; then
            systemctl --user enable --quiet msgd.socket msgd.service
            systemctl --user restart msgd.socket msgd.service
            say "msgd runs. Next: msgctl identity create, then msgctl invite."
        fi
    else
        say "No systemd user manager runs here: start the daemon with $bin/msgd."
    fi
    case :$PATH: in
        *:"$bin":*) ;;
        *) say "Note: $bin is not in PATH." ;;
    esac
}

case $action in
    install) install_all ;;
    uninstall) uninstall ;;
esac
