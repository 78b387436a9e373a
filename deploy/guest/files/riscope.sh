# shellcheck shell=dash disable=SC2154 # $library is where this file is
# Shared by the initramfs's /init and the disk's /sbin/riscope-init: reads the
# kernel command line, runs what it asks for, reports how that ended and powers off.
# Runs in busybox's shell as process 1.

# Where "end" leaves what it was asked for, and finds the session's first process.
state=/run/riscope

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

# The kernel's own TERM says nothing about a serial line. TERM=.. on the kernel
# command line does.
choose_terminal() {
    case ${TERM:-linux} in
    linux) export TERM=vt100 ;;
    *) export TERM ;;
    esac
}

# run_session COMMAND SCRIPT: runs COMMAND, else the file SCRIPT, else an
# interactive shell, on a controlling terminal so that Ctrl-C and job control
# work. Returns its exit status.
run_session() {
    busybox mkdir -p "$state"
    obey_signals
    press_to_power_off
    cd "${HOME:-/}" || cd /
    if [ -n "$1" ]; then
        lead_session "$SHELL" -c "$1"
    elif [ -f "$2" ]; then
        lead_session "$SHELL" "$2"
    else
        greet
        lead_session "$SHELL" -l
    fi
}

greet() {
    local interface
    for interface in /sys/class/net/*; do
        case $interface in
        */lo) ;;
        *)
            echo 'riscope: exit or Ctrl-D powers the machine off'
            return
            ;;
        esac
    done
    echo 'riscope: exit or Ctrl-D powers the machine off; there is no network device'
}

# The signals by which busybox's poweroff, halt and reboot ask process 1, and the
# kernel on Ctrl-Alt-Del. The shell sees them when its session has ended: what
# ends the session as well is the program "end".
obey_signals() {
    trap 'echo halt >"$state/end"' USR1
    trap 'echo poweroff >"$state/end"' USR2
    trap 'echo reboot >"$state/end"' TERM INT
}

# The board's power button is an input device. A press powers off in order.
press_to_power_off() {
    local action=$state/acpi/PWRF/00000080
    [ -e /dev/input/event0 ] || return 0
    busybox mkdir -p "${action%/*}"
    printf '#!/bin/sh\nexec %s/poweroff\n' "$library" >"$action"
    busybox chmod 755 "$action"
    # It listens when it has written its process id.
    busybox acpid -f -c "$state/acpi" -l "$state/acpid.log" -p "$state/acpid.pid" \
        </dev/null >/dev/null 2>&1 &
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ ! -e "$state/acpid.pid" ] || return 0
        busybox sleep 0.05
    done
}

# lead_session PROGRAM..: runs it in a session of its own. When the session's first
# process ends, the kernel hangs up the terminal and throws away what it has not
# sent yet. So that process is a shell which first waits for the output. What the
# shell here would say of how it ended is dropped; the session has the console.
lead_session() {
    # shellcheck disable=SC2016 # for that shell to expand
    busybox setsid busybox cttyhack "$SHELL" -c \
        'echo $$ >"$0"; "$@"; status=$?; busybox stty opost; exit "$status"' "$state/leader" "$@" 2>/dev/null
}

# find_others: sets $others to the processes beside this shell, zombies and the
# kernel's own threads. In this shell itself: a shell beside it would be one of them.
find_others() {
    local directory
    others=
    for directory in /proc/[0-9]*; do
        [ "$directory" = "/proc/$$" ] || [ ! -e "$directory/exe" ] || others="$others ${directory#/proc/}"
    done
    [ -n "$others" ]
}

# has_terminal PROCESS: the fifth field behind the name is its controlling terminal.
has_terminal() {
    local line
    read -r line <"/proc/$1/stat" || return
    # shellcheck disable=SC2086 # a list of words
    set -- ${line##*) }
    [ "${5:-0}" -ne 0 ]
} 2>/dev/null

# Asks every process to end, waits for them at most five seconds, then ends them.
end_processes() {
    local process tenths=0
    find_others || return 0
    kill -TERM -1
    # A shell ignores that, but not the loss of its terminal.
    for process in $others; do
        ! has_terminal "$process" || kill -HUP "$process" 2>/dev/null
    done
    while [ "$tenths" -lt 50 ]; do
        find_others || return 0
        busybox sleep 0.1
        tenths=$((tenths + 1))
    done
    kill -KILL -1
}

# finish STATUS: ends what still runs, reports, brings the root file system to rest,
# and powers off or does what else was asked for. A STATUS other than 0 becomes
# the exit status of riscope, by way of the board's test device.
finish() {
    local status=$1 device end=poweroff
    if [ -f "$state/end" ]; then
        read -r end <"$state/end"
        status=0
    fi
    # A command that is given again after a reboot would reboot for ever.
    [ -z "${exec-}" ] || end=poweroff
    end_processes
    # The end of the session has hung up what was open. The console opens anew.
    exec >/dev/console 2>&1
    printf '\nriscope-exit: %d\n' "$status"
    # Setting a terminal's mode waits until its output has been sent.
    busybox stty opost </dev/console 2>/dev/null
    device=$(test_device)
    busybox sync
    busybox umount -a -r 2>/dev/null
    if [ "$end" = reboot ]; then
        busybox reboot -f
    fi
    if [ "$status" -ne 0 ] && [ -n "$device" ]; then
        busybox devmem "$device" 32 $((status << 16 | 0x3333))
    fi
    busybox poweroff -f
}

# The physical address of the test device (sifive,test1), from the device tree.
test_device() {
    local node
    for node in /sys/firmware/devicetree/base/soc/test@*; do
        [ ! -e "$node" ] || echo "0x${node##*@}"
    done
}

# fail MESSAGE: for what makes it impossible to go on.
fail() {
    echo "riscope: $1"
    finish 255
}
