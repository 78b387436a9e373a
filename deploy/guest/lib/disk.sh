# shellcheck shell=bash disable=SC2154 # shares the variables of ../build
# The disk: which packages it takes, fetching them, and the ext4 image.
# The unpacking itself is the program lib/rootfs, because it runs under fakeroot.

# Beside what Debian calls essential: mount, and the busybox that our init uses.
base_packages=('?essential' mount busybox-static)

build_disk() {
    local disk=$guest_dir/$disk_name stamp=$guest_dir/$disk_name.stamp key
    key=$(recipe disk "$disk_size" "$@")
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
    { echo "$key" && cat "$work/resolved"; } >"$work/disk.stamp"
    if is_same "$stamp" "$work/disk.stamp" "$disk"; then
        say "$disk_name holds the newest packages"
        return
    fi
    fetch_resolved
    "${as_root[@]}" "$here/lib/rootfs" "$work/root" "$work/archives" "$work/disk" "$disk_size" ||
        die "cannot build the disk; the messages above say why"
    rm -f "$stamp"
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
    say "$(summary "$work/resolved"); fetching what is not here yet"
    fetch "$work/disk.sums"
    cut -d' ' -f2- "$work/disk.sums" >"$work/archives"
}
