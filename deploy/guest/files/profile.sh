# shellcheck shell=bash
# For bash as login shell on a serial line, which cannot carry the terminal's size: each
# prompt asks the terminal for it (CSI 18 t). The answer (CSI 8 ; ROWS ; COLUMNS t) is a
# key that readline knows, so that nothing waits, and nothing that is typed is lost.

__riscope_ask() {
    # Not while something is typed ahead: the answer would come to the next command.
    # And not for ever, when no terminal answers.
    if [ "$__riscope_unanswered" -lt 3 ] && ! read -r -t 0; then
        __riscope_unanswered=$((__riscope_unanswered + 1))
        printf '\033[18t'
    fi
}

__riscope_answer() {
    local rows columns
    # shellcheck disable=SC2034 # t is where to stop
    IFS=';' read -r -s -t 1 -d t rows columns || return 0
    __riscope_unanswered=0
    case $rows,$columns in
    "$__riscope_size" | *[!0-9,]* | ,* | *,) return 0 ;;
    esac
    __riscope_size=$rows,$columns
    stty rows "$rows" columns "$columns"
    # For readline, at once.
    LINES=$rows COLUMNS=$columns
}

if [ -n "${BASH_VERSION-}" ] && [[ $- == *i* ]]; then
    case $(tty) in
    /dev/ttyS*)
        __riscope_unanswered=0 __riscope_size=
        for __riscope_keymap in emacs vi-insert vi-command; do
            bind -m "$__riscope_keymap" -x '"\e[8;": __riscope_answer'
        done
        unset __riscope_keymap
        PROMPT_COMMAND="__riscope_ask${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
        ;;
    esac
fi
