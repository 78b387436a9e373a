# shellcheck shell=bash
build_disk() { die "not yet"; }
