//! Symbols of a guest, from files and from its memory.
//!
//! | file | holds |
//! |---|---|
//! | `table.rs` | symbols by address |
//! | `file.rs` | symbols of a file: ELF, or `System.map` |
//! | `kallsyms.rs` | the kernel's own table of symbols, found in its memory |
//! | `kernel.rs` | names of kernel and firmware code |
//! | `elf_memory.rs` | a program or library in memory, and its dynamic symbols |
//! | `programs.rs` | programs and libraries by address space and address |

mod elf_memory;
mod file;
mod kallsyms;
mod kernel;
mod programs;
mod table;

pub use file::{SymbolFile, SymbolFileError};
pub(super) use kernel::KernelSymbols;
pub(super) use programs::Programs;
