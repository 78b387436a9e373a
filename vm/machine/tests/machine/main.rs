//! Whole machines with small guests, assembled here instruction by instruction, so that
//! the tests need no tool for RISC-V on the host.

#[cfg(test)]
mod asm;
#[cfg(test)]
mod bare;
#[cfg(test)]
#[path = "../../src/boot/elf_file.rs"]
mod elf_file;
#[cfg(test)]
mod kernel;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod support;
#[cfg(test)]
mod watch;
