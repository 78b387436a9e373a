# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# gcc at -O1 on one large file.
work() { gcc -O1 -c "$here/inputs/large.c" -o large.o; }
result() { digest <large.o; }
