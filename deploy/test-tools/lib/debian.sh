# shellcheck shell=bash
# A private apt for programs that run on this host: it reads one release of Debian,
# which may be newer than the host's, and keeps its state in a directory of its own.
# Nothing is installed; packages are unpacked into a tree. The mirror is the one that
# this host uses already. The caller has sourced deploy/guest/lib/common.sh and apt.sh.

# debian_prepare PLACE SUITE ARCHITECTURE..: writes PLACE/apt/apt.conf and reads the
# index. The first architecture is the host's.
debian_prepare() {
    local place=$1 suite=$2
    shift 2
    find_keyring
    find_mirror
    write_apt_conf "$place/apt" "$place/debs" "$@"
    write_apt_source "$place/apt" "$suite" "$@"
    # Named on the command line it is read last: after the host's own configuration.
    apt-get -c "$place/apt/apt.conf" update -q -o APT::Update::Error-Mode=any
}

# debian_fetch PLACE PACKAGE..: downloads them and all that they depend on into PLACE/debs.
debian_fetch() {
    local place=$1
    shift
    apt-get -c "$place/apt/apt.conf" install -q -y --download-only "$@"
}

# debian_unpack PLACE: unpacks PLACE/debs into PLACE/root and drops what is not needed any more.
debian_unpack() {
    local package
    rm -rf "$1/root"
    mkdir -p "$1/root"
    for package in "$1"/debs/*.deb; do
        dpkg-deb -x "$package" "$1/root" || return
    done
    rm -rf "$1/debs" "$1/apt"
}

# first_of ROOT PATTERN..: the first file below ROOT that matches, relative to it.
first_of() {
    local pattern
    for pattern in "${@:2}"; do
        (cd "$1" && compgen -G "$pattern") || true
    done | sed -n 1p
}

# debian_wrapper PLACE TOOL ARGUMENT..: writes PLACE/TOOL, which starts TOOL of PLACE/root
# with the loader and the libraries it was built for, the ARGUMENTs first. In an ARGUMENT
# a leading @ stands for PLACE/root. The tree may be moved.
debian_wrapper() {
    local place=$1 tool=$2 program loader argument
    shift 2
    program=$(first_of "$place/root" "usr/bin/$tool" "usr/sbin/$tool")
    [ -n "$program" ] || return
    # There is none for a program that is linked statically.
    loader=$(first_of "$place/root" 'usr/lib/*/ld-linux*.so.*')
    {
        # shellcheck disable=SC2016 # for the wrapper
        printf '#!/bin/bash\nroot=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/root\nexec'
        # shellcheck disable=SC2016
        [ -z "$loader" ] || printf ' "$root/%s" --library-path "$root/%s" --argv0 %s \\\n   ' \
            "$loader" "$(dirname "$loader")" "$tool"
        # shellcheck disable=SC2016
        printf ' "$root/%s"' "$program"
        for argument in "$@"; do
            printf ' "%s"' "${argument/#@/\$root}"
        done
        # shellcheck disable=SC2016
        printf ' "$@"\n'
    } >"$place/$tool.new"
    chmod +x "$place/$tool.new"
    mv "$place/$tool.new" "$place/$tool"
}
