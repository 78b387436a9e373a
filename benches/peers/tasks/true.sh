# shellcheck shell=bash # sourced by guest/run
# 150 times /bin/true from a shell.
work() {
    local n
    for ((n = 0; n < 150; n++)); do /bin/true || return; done
}
