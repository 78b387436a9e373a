# shellcheck shell=dash
# Shared by the initramfs's /init and the disk's /sbin/riscope-init: reads the
# kernel command line, runs what it asks for, reports and powers off.
# Runs in busybox's shell as process 1.

# Splits the kernel command line into words: spaces separate, double quotes
# group and are dropped. Calls parameter() with each word.
read_command_line() {
    local rest word='' chunk
    read -r rest </proc/cmdline
    while [ -n "$rest" ]; do
        chunk=${rest%%[ \"]*}
        word=$word$chunk
        rest=${rest#"$chunk"}
        case $rest in
        \"*)
            rest=${rest#\"}
            chunk=${rest%%\"*}
            word=$word$chunk
            rest=${rest#"$chunk"}
            rest=${rest#\"}
            ;;
        *)
            rest=${rest#" "}
            parameter "$word"
            word=
            ;;
        esac
    done
    [ -z "$word" ] || parameter "$word"
}

# percent_decode TEXT: sets $decoded, with %XX (two hexadecimal digits) replaced
# by that byte. Any other % stands for itself.
percent_decode() {
    local rest=$1 chunk tail byte
    decoded=
    while :; do
        chunk=${rest%%%[0-9A-Fa-f][0-9A-Fa-f]*}
        decoded=$decoded$chunk
        [ "$chunk" != "$rest" ] || return 0
        rest=${rest#"$chunk%"}
        tail=${rest#??}
        # The guard keeps a decoded newline, which $( ) would drop.
        byte=$(printf '\\0%03o.' "0x${rest%"$tail"}")
        byte=$(printf '%b' "$byte")
        decoded=$decoded${byte%.}
        rest=$tail
    done
}

# run_session COMMAND SCRIPT: runs COMMAND, else the file SCRIPT, else an
# interactive shell, on a controlling terminal so that Ctrl-C and job control
# work. Returns its exit status.
run_session() {
    offer_ends
    cd "${HOME:-/}" || cd /
    if [ -n "$1" ]; then
        lead_session "$SHELL" -c "$1"
    elif [ -f "$2" ]; then
        lead_session "$SHELL" "$2"
    else
        echo 'riscope: exit or Ctrl-D powers the machine off'
        lead_session "$SHELL" -l
    fi
}

# lead_session PROGRAM..: runs it in a session of its own. When the session's first
# process ends, the kernel hangs up the terminal and throws away what it has not
# sent yet. So that process is a shell which first waits for the output.
lead_session() {
    # shellcheck disable=SC2016 # for that shell to expand
    busybox setsid busybox cttyhack "$SHELL" -c '"$@"; status=$?; busybox stty opost; exit "$status"' session "$@"
}

# offer_ends: poweroff, halt and reboot for whoever types them. Busybox's signal
# process 1, but a shell that waits for its child does not hear that.
offer_ends() {
    local name
    busybox mkdir -p /run/riscope
    busybox cat >/run/riscope/poweroff <<'END'
#!/bin/sh
# Makes process 1 go on by ending everything else, and tells it what was asked for.
[ $# -eq 0 ] || exec busybox "${0##*/}" "$@"
echo "${0##*/}" >/run/riscope/end
busybox stty opost </dev/console
kill -9 -1
END
    busybox chmod 755 /run/riscope/poweroff
    busybox ln -sf poweroff /run/riscope/halt
    busybox ln -sf poweroff /run/riscope/reboot
    PATH=/run/riscope:$PATH
    # Busybox's shell prefers its own, but not to an alias of an interactive one.
    for name in poweroff halt reboot; do
        echo "alias $name=/run/riscope/$name"
    done >/run/riscope/aliases
    export ENV=/run/riscope/aliases
}

# finish STATUS: reports, brings the root file system to rest, powers off or does
# what else was asked for.
finish() {
    local status=$1 end=poweroff
    if [ -f /run/riscope/end ]; then
        read -r end </run/riscope/end
        status=0
    fi
    printf '\nriscope-exit: %d\n' "$status"
    # Setting a terminal's mode waits until its output has been sent.
    busybox stty opost </dev/console 2>/dev/null
    kill -9 -1 2>/dev/null
    busybox sync
    busybox umount -a -r 2>/dev/null
    if [ "$end" = reboot ]; then
        busybox reboot -f
    fi
    busybox poweroff -f
}

# fail MESSAGE: for what makes it impossible to go on.
fail() {
    echo "riscope: $1"
    finish 255
}
