//! Names of generated code for Linux `perf`.
//!
//! | file | holds |
//! |---|---|
//! | `map.rs` | perf map: address, size and name, a line per piece of code |
//! | `jitdump.rs` | jitdump: the same with time and code, for `perf inject --jit` |
//!
//! Both are written when code is published, one `write` a piece, so that they are complete even if
//! the process is killed. Without a [`PerfLog`], publication costs one test of an option.

mod jitdump;
mod map;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use riscope_core::addr::GuestPhys;
use riscope_core::event::Tier;

use jitdump::JitDump;
use map::PerfMap;

/// Name of the guest code at a virtual address, such as `memcpy+0x12`, if it is known.
pub type NameOfCode = Box<dyn Fn(u64) -> Option<String> + Send + Sync>;

/// A piece of generated code, as it was published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    /// Host address.
    pub(crate) start: *const u8,
    /// The code as it was generated.
    pub(crate) bytes: &'a [u8],
    /// Whether it is the part of a translation that rarely runs.
    pub(crate) cold: bool,
    pub(crate) tier: Tier,
    /// Virtual address of the guest code at which a hart first executed it.
    pub(crate) pc: u64,
    /// Its physical address.
    pub(crate) phys: GuestPhys,
}

/// Log of generated code for `perf`, shared by the machines of a process.
pub struct PerfLog {
    name: NameOfCode,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    map: Option<PerfMap>,
    jitdump: Option<JitDump>,
    /// First failure to write; nothing is written after it.
    failure: Option<io::Error>,
}

impl fmt::Debug for PerfLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerfLog").field("state", &self.state).finish_non_exhaustive()
    }
}

impl PerfLog {
    /// A log that writes nothing yet and asks `name` for guest symbols.
    pub fn new(name: NameOfCode) -> Self {
        Self { name, state: Mutex::default() }
    }

    /// Also writes the perf map `perf-PID.map` in `folder`; `perf` reads it in `/tmp`.
    ///
    /// # Errors
    /// If the file cannot be created. One of that name is replaced, unless it belongs to
    /// another user.
    pub fn with_map(mut self, folder: &Path) -> io::Result<Self> {
        let file = create(&folder.join(format!("perf-{}.map", std::process::id())))?;
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).map = Some(PerfMap::new(file));
        Ok(self)
    }

    /// Also writes the jitdump `jit-PID.dump`, the name that `perf inject` expects, in `folder`.
    ///
    /// # Errors
    /// As for [`PerfLog::with_map`]; also if the host does not map the file.
    pub fn with_jitdump(mut self, folder: &Path) -> io::Result<Self> {
        let file = create(&folder.join(format!("jit-{}.dump", std::process::id())))?;
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).jitdump = Some(JitDump::new(file)?);
        Ok(self)
    }

    /// The first failure to write, once. Code published after it is not in the files.
    pub fn failure(&self) -> Option<io::Error> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).failure.take()
    }

    /// Logs the parts of a translation.
    pub(crate) fn published(&self, pieces: &[Piece<'_>]) {
        for piece in pieces.iter().filter(|piece| !piece.bytes.is_empty()) {
            self.write(piece.start, piece.bytes, &self.name_of(piece));
        }
    }

    /// Logs code that is no translation.
    pub(crate) fn static_code(&self, start: *const u8, bytes: &[u8], name: &str) {
        self.write(start, bytes, name);
    }

    fn write(&self, start: *const u8, bytes: &[u8], name: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { map, jitdump, failure } = &mut *state;
        let map_result = map.as_mut().map_or(Ok(()), |map| map.add(start, bytes.len(), name));
        let dump_result = jitdump.as_mut().map_or(Ok(()), |dump| dump.add(start, bytes, name));
        if let Err(error) = map_result.and(dump_result) {
            (*map, *jitdump) = (None, None);
            *failure = Some(error);
        }
    }

    /// `guest:memcpy+0x12 [baseline 0xffffffff80001012 phys 0x80201012]`
    fn name_of(&self, piece: &Piece<'_>) -> String {
        let (tier, part) = (piece.tier.as_str(), if piece.cold { " cold" } else { "" });
        let (pc, phys) = (piece.pc, piece.phys.0);
        match (self.name)(pc) {
            Some(symbol) => format!("guest:{symbol} [{tier}{part} {pc:#x} phys {phys:#x}]"),
            None => format!("guest:{pc:#x} [{tier}{part} phys {phys:#x}]"),
        }
    }
}

/// Creates a file that only this user can read, in place of an older one. Follows no link.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests;
