# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# g++ at -O2 on one large file with templates and virtual functions.
work() { g++ -O2 -c "$here/inputs/large.cc" -o large.o; }
result() { digest <large.o; }
