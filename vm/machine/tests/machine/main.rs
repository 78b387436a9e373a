//! Tests of whole machines with small guests, assembled here, so that the host needs no
//! RISC-V tools.

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
mod profile;
#[cfg(test)]
mod sampling;
#[cfg(test)]
mod support;
#[cfg(test)]
mod watch;
