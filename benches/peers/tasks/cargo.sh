# shellcheck shell=bash disable=SC2154 # sourced by guest/run
# cargo build of a crate without dependencies, and its program.
prepare() { cp -r "$here/inputs/crate" .; }
work() { cargo build --quiet --offline --manifest-path crate/Cargo.toml && crate/target/debug/peers; }
