# shellcheck shell=bash disable=SC2154 # shares the variables of ../build
# The disk: which packages it takes, fetching them, and the ext4 image.
# The unpacking itself is the program lib/rootfs, because it runs under fakeroot.

# Beside what Debian calls essential: mount, the busybox that our init uses, and what
# one misses first at a shell.
base_packages=('?essential' mount busybox-static procps less)
# What systemd recommends and needs for a login on the serial line.
systemd_packages=(login udev dbus libpam-systemd)

# disk_key PACKAGE..: what the disk is made from.
disk_key() {
    recipe disk "$disk_size" "$@"
}

# protect_disk PACKAGE..: refuses when building would replace a disk that holds work.
protect_disk() {
    local disk=$guest_dir/$disk_name
    [ "$replace_disk" = no ] && [ -e "$disk" ] || return 0
    ! is_current "$disk.stamp" "$(disk_key "$@")" "$disk" || return 0
    ! is_untouched "$disk" || return 0
    die "$disk has been written to since it was made, and is kept.
  To replace it and lose what is on it: make guest PACKAGES=\"$*\" REPLACE_DISK=yes
  To make another disk beside it:       make guest PACKAGES=\"$*\" DISK=other.ext4"
}

# superblock DISK: the digest of its ext4 superblock. Mounting the file system to write,
# and whatever changes it otherwise, changes that.
superblock() {
    dd if="$1" bs=1024 skip=1 count=1 status=none | sha256sum | cut -d' ' -f1
}

# is_untouched DISK: as it was made? Without a record, it was not when it was ever mounted
# (bytes 52 and 53 of the superblock count that) or is no ext4 file system (56 and 57).
is_untouched() {
    if [ -f "$1.made" ]; then
        [ "$(superblock "$1")" = "$(cat "$1.made")" ]
    else
        [ "$(od -An -tx1 -j 1076 -N 6 "$1")" = ' 00 00 ff ff 53 ef' ]
    fi
}

build_disk() {
    local disk=$guest_dir/$disk_name stamp=$guest_dir/$disk_name.stamp key
    key=$(disk_key "$@")
    if is_current "$stamp" "$key" "$disk"; then
        say "$disk_name is up to date in $guest_dir"
        return
    fi
    need mke2fs e2fsprogs
    need xz xz-utils
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        need fakeroot fakeroot
        as_root=(fakeroot --)
    fi
    apt_prepare
    resolve "$@"
    if grep -q '^systemd-sysv_' "$work/resolved"; then
        resolve "$@" "${systemd_packages[@]}"
    fi
    { echo "$key" && cat "$work/resolved"; } >"$work/disk.stamp"
    if is_same "$stamp" "$work/disk.stamp" "$disk"; then
        say "$disk_name holds the newest packages"
        return
    fi
    fetch_resolved
    "${as_root[@]}" "$here/lib/rootfs" "$work/root" "$work/archives" "$work/disk" "$disk_size" "$mirror" "$suite" ||
        die "cannot build the disk; the messages above say why"
    # It may have been written to since the build began.
    protect_disk "$@"
    rm -f "$stamp"
    superblock "$work/disk" >"$disk.made"
    mv "$work/disk" "$disk"
    say "ready: $disk ($(human_size "$disk"), $(wc -l <"$work/resolved") packages)"
    mv "$work/disk.stamp" "$stamp"
}

# resolve PACKAGE..: writes to $work/resolved a line "FILE SIZE SHA256:HASH" for
# each package and what it depends on. Nothing counts as installed.
resolve() {
    mkdir -p "$work/nothing/partial"
    if ! apt-get -c "$apt_dir/apt.conf" -o "Dir::Cache::archives=$work/nothing" \
        install --print-uris -qq -y "${base_packages[@]}" "$@" \
        >"$work/uris" 2>"$work/resolve.log"; then
        sed -n '/^E: /p; /Depends:/p' "$work/uris" "$work/resolve.log" >&2
        die "cannot resolve: $* (Debian $suite, riscv64): correct PACKAGES"
    fi
    sed -n "s/^'[^']*' //p" "$work/uris" | sort >"$work/resolved"
}

summary() {
    awk '{bytes += $2} END {printf "%d packages, %.0f MiB", NR, bytes / 1048576}' "$1"
}

# Downloads, and lists the files in $work/archives.
fetch_resolved() {
    local file hash
    while read -r file _ hash; do
        printf '%s %s\n' "${hash#SHA256:}" "$archives/$file"
    done <"$work/resolved" >"$work/disk.sums"
    say "making $disk_name of $(summary "$work/resolved"): fetches what is not here yet; unpacking takes about a minute"
    fetch "$work/disk.sums"
    cut -d' ' -f2- "$work/disk.sums" >"$work/archives"
}
