# shellcheck shell=bash disable=SC2154 # shares the variables of ../build
# The kernel and the initramfs.

# Modules to take, by the virtio device that makes /init load them: "bus" at
# once, the others when a device with that number is there. Loading them all
# would take longer than the rest of the boot. What the kernel has built in is
# skipped, and with a question mark what it lacks, too.
boot_modules='
bus     virtio_mmio pvpanic-mmio?
0x0001  virtio_net
0x0002  virtio_blk ext4
0x0003  virtio_console
0x0004  virtio_rng
0x0005  virtio_balloon
0x0009  9p 9pnet_virtio
0x0012  virtio_input evdev
'

build_boot_files() {
    local stamp=$guest_dir/boot.stamp key
    key=$(recipe boot)
    if is_current "$stamp" "$key" "$guest_dir/Image" "$guest_dir/initrd.gz"; then
        say "kernel and initramfs are up to date in $guest_dir"
        return
    fi
    say "making a kernel and an initramfs: fetches some 115 MB, then takes half a minute"
    need cpio cpio
    need xz xz-utils
    need depmod kmod
    apt_prepare
    local kernel name version hash
    kernel=$(kernel_package)
    { candidate "$kernel" && candidate busybox-static; } >"$work/boot.packages"
    { echo "$key" && cat "$work/boot.packages"; } >"$work/boot.stamp"
    if is_same "$stamp" "$work/boot.stamp" "$guest_dir/Image" "$guest_dir/initrd.gz"; then
        say "kernel and initramfs are the newest"
        return
    fi
    while read -r name version hash; do
        printf '%s %s\n' "$hash" "$(archive_of "$name" "$version")"
    done <"$work/boot.packages" >"$work/boot.sums"
    fetch "$work/boot.sums"
    rm -f "$stamp"
    {
        read -r _ name && make_kernel "$name"
        read -r _ name && make_initramfs "$name"
    } <"$work/boot.sums"
    mv "$work/boot.stamp" "$stamp"
    say "ready: $guest_dir/Image ($(human_size "$guest_dir/Image"), $kernel)"
    say "ready: $guest_dir/initrd.gz ($(human_size "$guest_dir/initrd.gz"))"
}

# The versioned package that linux-image-riscv64 stands for.
kernel_package() {
    apt-cache -c "$apt_dir/apt.conf" depends linux-image-riscv64 2>/dev/null |
        awk '/Depends: linux-image-[0-9]/{print $2; found=1; exit} END{exit !found}' ||
        die "Debian $suite has no kernel for riscv64"
}

# make_kernel ARCHIVE
make_kernel() {
    local tree=$work/kernel image
    say "unpacking $(basename "$1")"
    mkdir "$tree"
    dpkg-deb --fsys-tarfile "$1" |
        tar -x -C "$tree" --wildcards './boot/vmlinu*' '*lib/modules/*'
    image=$(find "$tree/boot" -name 'vmlinu*' -type f | sed -n 1p)
    # Offset 0x38 of a RISC-V Image header holds this magic number.
    [ "$(dd if="$image" bs=1 skip=56 count=3 2>/dev/null)" = RSC ] ||
        die "$(basename "$1") holds no RISC-V Image; SUITE=trixie is known to work"
    mv "$image" "$guest_dir/Image"
}

# make_initramfs ARCHIVE: from the package with busybox.
make_initramfs() {
    local root=$work/initramfs
    say "packing the initramfs"
    mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,root,etc,mnt,modules,lib/riscope}
    dpkg-deb --fsys-tarfile "$1" |
        tar -x -C "$root/bin" --transform='s,.*/,,' --wildcards './usr/bin/busybox'
    ln -s busybox "$root/bin/sh"
    ln -s bin "$root/sbin"
    install -m 755 "$here/files/init" "$root/init"
    install -m 755 "$here/files/dhcp-event" "$root/lib/riscope/dhcp-event"
    install_shared "$root/lib/riscope"
    install -m 644 "$here/files/shrc" "$root/lib/riscope/shrc"
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
    collect_modules "$root/modules"
    pack_cpio "$root" "$work/initrd.gz"
    mv "$work/initrd.gz" "$guest_dir/initrd.gz"
}

# collect_modules TO: a directory per device, holding its modules and what they
# depend on, unpacked, in the order of their names.
collect_modules() {
    local tree=$work/kernel release device modules module
    # modprobe and depmod look below /lib, the package has merged it into /usr.
    [ -e "$tree/lib" ] || ln -s usr/lib "$tree/lib"
    release=$(basename "$(find "$tree/lib/modules/" -mindepth 1 -maxdepth 1 -type d | sed -n 1p)")
    depmod -b "$tree" "$release" || die "depmod failed on the modules of $release"
    while read -r device modules; do
        [ -n "$device" ] || continue
        mkdir "$1/$device"
        for module in $modules; do
            modprobe -d "$tree" -S "$release" --show-depends "${module%\?}" 2>"$work/modprobe.log" ||
                [[ $module == *\? ]] || die "the kernel $release lacks $module: $(cat "$work/modprobe.log")"
        done >"$work/modules"
        copy_modules "$1/$device" <"$work/modules"
    done <<<"$boot_modules"
}

# copy_modules TO: reads modprobe's list, "insmod FILE" or "builtin NAME".
copy_modules() {
    local kind path name count=0
    while read -r kind path _; do
        [ "$kind" = insmod ] || continue
        name=$(basename "${path%.xz}")
        ! compgen -G "$1/*-$name" >/dev/null || continue
        name=$(printf '%s/%02d-%s' "$1" "$count" "$name")
        case $path in
        *.ko.xz) xz -dc "$path" >"$name" ;;
        *.ko) cp "$path" "$name" ;;
        *) die "cannot unpack the module $path" ;;
        esac
        count=$((count + 1))
    done
}

# pack_cpio TREE OUTPUT: a gzip'd newc archive, the same for the same content.
pack_cpio() {
    (
        cd "$1"
        find . -mindepth 1 -exec touch -h -d @0 {} +
        find . -mindepth 1 -print0 | sort -z |
            cpio --null --create --format=newc --reproducible --owner=0:0 --quiet
    ) | gzip -9n >"$2"
}
