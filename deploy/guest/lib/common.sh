# shellcheck shell=bash disable=SC2154 # shares the variables of ../build
# Messages, host tools, the lock and the stamps that deploy/guest/build uses, and
# deploy/test-tools/aarch64 some of them.

say() {
    printf '%s: %s\n' "${speaker:-guest}" "$*" >&2
}

die() {
    say "error: $*"
    exit 1
}

# One build at a time works on a directory. The kernel drops the lock with the
# process, so that an interrupted build leaves nothing to clean up.
take_lock() {
    need flock util-linux
    exec 9>"$guest_dir/.lock"
    if ! flock -n 9; then
        say "another build uses $guest_dir; waiting for it"
        flock 9
    fi
    # What a killed build could not remove itself.
    rm -rf "$guest_dir"/work.??????
}

# need COMMAND PACKAGE: installs PACKAGE when COMMAND is missing and we may.
need() {
    command -v "$1" >/dev/null && return
    install_on_host "$1" "$2"
    command -v "$1" >/dev/null || die "$1 is still missing after installing $2"
}

install_on_host() {
    command -v apt-get >/dev/null ||
        die "$1 is missing: install the package $2 (this tool wants a Debian or Ubuntu host)"
    [ "$(id -u)" -eq 0 ] || die "$1 is missing: run: sudo apt-get install $2"
    say "installing $2 on this host, for $1"
    { apt-get install -y -q "$2" || { apt-get update -q && apt-get install -y -q "$2"; }; } \
        >"$guest_dir/host-install.log" 2>&1 ||
        die "cannot install $2: see $guest_dir/host-install.log"
}

# retry COMMAND..: five attempts, 1 + 2 + 4 + 8 seconds between them.
retry() {
    local attempt delay=1
    for attempt in 1 2 3 4 5; do
        "$@" && return
        [ "$attempt" -eq 5 ] && return 1
        say "attempt $attempt failed; trying again in $delay s"
        sleep "$delay"
        delay=$((delay * 2))
    done
}

# A stamp holds what an output was made from. It is written last, so that an
# output without its stamp is rebuilt.
#
# recipe WORD..: digest of this tool's files and the given words.
recipe() {
    {
        (cd "$here" && find build lib files -type f -print0 | sort -z | xargs -0 sha256sum)
        printf '%s\n' "$suite" "${MIRROR:-}" "$@"
    } | sha256sum | cut -d' ' -f1
}

# is_current STAMP RECIPE OUTPUT..: may the outputs be kept as they are?
is_current() {
    local stamp=$1 wanted=$2 output
    shift 2
    [ "$update" = no ] && [ -f "$stamp" ] || return 1
    [ "$(head -n 1 "$stamp")" = "$wanted" ] || return 1
    for output in "$@"; do
        [ -f "$output" ] || return 1
    done
}

# is_same STAMP NEW-STAMP OUTPUT..: was it made from exactly these packages?
is_same() {
    local stamp=$1 new=$2 output
    shift 2
    cmp -s "$stamp" "$new" || return 1
    for output in "$@"; do
        [ -f "$output" ] || return 1
    done
}

# install_shared TO: what initramfs and disk share.
install_shared() {
    local name
    install -m 644 "$here/files/riscope.sh" "$1/riscope.sh"
    install -m 755 "$here/files/resize" "$1/resize"
    install -m 755 "$here/files/end" "$1/poweroff"
    for name in halt reboot; do
        ln -s poweroff "$1/$name"
    done
}

human_size() {
    numfmt --to=iec --suffix=B "$(stat -c %s "$1")"
}
