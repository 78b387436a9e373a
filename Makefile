# Entry points for users and CI. Each target is one or two commands; the programs
# that they call do the work.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo web test bench bench-peers bench-guest bench-simd guest lint deny tools test-guest test-neon
export PATH := $(CURDIR)/.cache/test-tools/bin:$(PATH)

# Packages of the test disk, which is separate from the disk of `make guest`.
# REPLACE_DISK=yes lets `make guest` replace a disk that a guest has written to.
TEST_PACKAGES := python3 sqlite3 perl gcc libc6-dev stress-ng

# Packages of the disk of bench-peers, which takes 1.6 GB.
BENCH_PACKAGES := gcc g++ libc6-dev make python3 perl sqlite3 xz-utils zstd openssl nodejs default-jdk-headless cargo rustc

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target text; do printf 'make %-11s %s\n' "$$target" "$$text"; done

# A demo ends by Ctrl-C, with status 130.
demo: ## run the embedded guest; page on http://127.0.0.1:8440/, Ctrl-C ends it
	@[ -e target/release/riscope ] || echo 'building riscope first: about three minutes on two cores'
	@cargo run --release -p riscope -- demo || [ $$? -eq 130 ]

# The built files are checked in, so that cargo alone builds riscope; a test compares them.
web: ## build the page from vm/service/web, after a change there (requires node and npm)
	npm ci --prefix vm/service/web --ignore-scripts
	npm run build --prefix vm/service/web

test: tools test-guest lint test-neon ## install the test dependencies, check formatting and lints, run every test
	cargo nextest run --workspace
	cargo test --workspace --doc

bench: tools test-guest ## run the benchmarks, including those against QEMU; see benches/README.md
	cargo bench --workspace

bench-peers: tools bench-guest ## compare riscope, QEMU and the host on real work and loops; ARGS=--help shows the options
	cargo build --release -p riscope
	cargo run --release -p riscope-benches --bin bench-peers -- $(ARGS)

bench-guest: ## build the kernel, initramfs and the disk of bench-peers
	DISK=bench-disk.ext4 deploy/guest/build $(BENCH_PACKAGES)

bench-simd: ## benchmark simd-mem: criterion, then the report of this CPU in simd-mem/report
	cargo bench -p simd-mem --bench simd_mem
	cargo bench -p simd-mem --bench report -- $(CURDIR)/simd-mem/report

guest: ## build Debian's riscv64 kernel and an initramfs; with PACKAGES="python3 gcc .." also a disk
	deploy/guest/build $(PACKAGES)

lint: ## check formatting and run clippy, with warnings as errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

deny: ## check licences, sources and advisories of all dependencies (requires cargo-deny)
	cargo deny check

tools: ## install the test dependencies into .cache/test-tools and, as root, by apt
	deploy/test-tools/install

test-guest: ## build the kernel, initramfs and disks of the tests
	DISK=test-disk.ext4 deploy/guest/build $(TEST_PACKAGES)
	DISK=test-systemd.ext4 deploy/guest/build systemd-sysv

test-neon: tools ## run simd-mem's tests for AArch64 under QEMU, with a compiler from Debian
	deploy/test-tools/aarch64
