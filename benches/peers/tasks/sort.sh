# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# sort of the words of a text, alphabetically and by number.
prepare() { tr ' ' '\n' <"$here/inputs/text" | head -n 120000 | awk '{print $1, NR * 7919 % 100003}' >words; }
work() { LC_ALL=C.UTF-8 sort words && sort -n -k 2 words; }
