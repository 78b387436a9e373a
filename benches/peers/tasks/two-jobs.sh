# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# The same job twice at once.
work() {
    local first
    python3 "$here/inputs/work.py" >first &
    first=$!
    python3 "$here/inputs/work.py" >second && wait $first && cat first second
}
