# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# python3: dictionaries, lists, strings, classes, exceptions, JSON and regular expressions.
work() { python3 "$here/inputs/work.py"; }
