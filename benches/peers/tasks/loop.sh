# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# loop PROGRAM ROUNDS: one of the loops, compiled beforehand.
work() { "$here/loops/$1" "$2"; }
result() { cat out; }
