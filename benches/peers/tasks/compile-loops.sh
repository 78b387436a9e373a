# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# compile-loops FLAG..: compiles the loops and writes them as an archive to the third disk.
work() {
    local source
    for source in "$here"/loops/*.c; do
        gcc "$@" -o "$(basename "$source" .c)" "$source" -lm || return
    done
    rm -f out err
    tar -cf /dev/vdc ./*
}
result() { echo compiled; }
