# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# node: starts, then objects, arrays, maps, closures, JSON and regular expressions.
work() { node "$here/inputs/work.js"; }
