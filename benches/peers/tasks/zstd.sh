# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# zstd of a text at level 9, and back.
work() { zstd -q --single-thread -9 -c "$here/inputs/text" >text.zst && zstd -q -dc text.zst; }
