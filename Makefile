# Everything a newcomer or a CI job runs. Each target is one or two commands;
# what they do is in the programs that they call.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-simd guest lint deny tools test-guest test-neon
export PATH := $(CURDIR)/.cache/test-tools/bin:$(PATH)

# What the disk of the tests holds. Kept apart from the disk that `make guest` makes.
# REPLACE_DISK=yes lets `make guest` replace a disk that a guest has written to.
TEST_PACKAGES := python3 sqlite3 perl gcc libc6-dev stress-ng

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target text; do printf 'make %-11s %s\n' "$$target" "$$text"; done

# Ctrl-C is how a demo ends, with status 130.
demo: ## run the embedded guest; metrics on http://127.0.0.1:8440/metrics, Ctrl-C ends it
	@[ -e target/release/riscope ] || echo 'building riscope first: about three minutes on two cores'
	@cargo run --release -p riscope -- demo || [ $$? -eq 130 ]

test: tools test-guest lint test-neon ## install what the tests need, then formatting, lints and every test
	cargo nextest run --workspace
	cargo test --workspace --doc

bench: tools test-guest ## measure, also against QEMU; benches/README.md explains
	cargo bench --workspace

bench-simd: ## measure simd-mem: criterion, then the report of this CPU in simd-mem/report
	cargo bench -p simd-mem --bench simd_mem
	cargo bench -p simd-mem --bench report -- $(CURDIR)/simd-mem/report

guest: ## Debian's riscv64 kernel and an initramfs; PACKAGES="python3 gcc .." makes a disk too
	deploy/guest/build $(PACKAGES)

lint: ## formatting and clippy, warnings as errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

deny: ## licences, sources and advisories of every dependency (wants cargo-deny)
	cargo deny check

tools: ## what the tests need on this machine, into .cache/test-tools and, as root, by apt
	deploy/test-tools/install

test-guest: ## the kernel, initramfs and disks that the tests boot
	DISK=test-disk.ext4 deploy/guest/build $(TEST_PACKAGES)
	DISK=test-systemd.ext4 deploy/guest/build systemd-sysv

test-neon: tools ## simd-mem's tests as an AArch64 program, under QEMU; takes a compiler from Debian
	deploy/test-tools/aarch64
