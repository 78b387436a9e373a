# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# perl: hashes and regular expressions over a text.
work() { perl "$here/inputs/work.pl" "$here/inputs/text"; }
