# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# make of a project of many small files, two jobs at a time, and its program.
prepare() { cp -r "$here/inputs/project" .; }
work() { make -C project -s -j2 && project/program; }
