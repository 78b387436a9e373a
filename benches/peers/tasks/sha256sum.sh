# shellcheck shell=bash # sourced by guest/run
# sha256sum of 20 MB.
work() { head -c 20000000 /dev/zero | sha256sum; }
