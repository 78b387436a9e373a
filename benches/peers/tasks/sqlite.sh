# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# sqlite3: a table of some ten thousand rows, an index, queries and updates.
work() { sqlite3 data.db <"$here/inputs/work.sql"; }
