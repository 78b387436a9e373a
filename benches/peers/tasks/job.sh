# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# One job, while the other hart is idle.
work() { python3 "$here/inputs/work.py"; }
