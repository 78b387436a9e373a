//! Whole machines with small guests, assembled here instruction by instruction, so that
//! the tests need no tool for RISC-V on the host.

mod asm;
mod bare;
#[path = "../../src/boot/elf_file.rs"]
mod elf_file;
mod kernel;
mod lifecycle;
mod support;
