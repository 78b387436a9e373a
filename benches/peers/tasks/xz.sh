# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# xz of a text, and back.
work() { head -c 1500000 "$here/inputs/text" | xz -T1 -6 >text.xz && xz -T1 -dc text.xz; }
