//! `--perf-map` and `--jitdump`: names of generated code for Linux `perf`.

use std::path::Path;
use std::sync::Arc;

use riscope_jit::PerfLog;
use riscope_machine::ImageSource;
use riscope_machine::boot::Symbols;

use crate::cli::{AboutArguments, EngineChoice};
use crate::error::CommandError;
use crate::message::say;

/// Folder in which `perf` reads perf maps.
const MAPS: &str = "/tmp";

/// Starts the files that `about` asks for, with the symbols of `programs`, boot files for a machine
/// with `memory` bytes.
///
/// # Errors
/// [`CommandError::PerfEngine`] if the engine generates no code, [`CommandError::Perf`] if a file
/// cannot be created.
pub(crate) fn perf_log<'a>(
    about: &AboutArguments,
    engine: EngineChoice,
    programs: impl IntoIterator<Item = &'a ImageSource>,
    memory: u64,
) -> Result<Option<Arc<PerfLog>>, CommandError> {
    if !about.perf_map && about.jitdump.is_none() {
        return Ok(None);
    }
    if engine == EngineChoice::Interpreter {
        return Err(CommandError::PerfEngine);
    }
    let symbols: Vec<Symbols> = programs.into_iter().filter_map(|program| symbols_of(program, memory)).collect();
    let mut log = PerfLog::new(Box::new(move |pc| symbols.iter().find_map(|symbols| symbols.name_of(pc))));
    let cannot = |option, folder: &Path| {
        let folder = folder.to_owned();
        move |source| CommandError::Perf { option, folder, source }
    };
    if about.perf_map {
        log = log.with_map(MAPS.as_ref()).map_err(cannot("--perf-map", MAPS.as_ref()))?;
    }
    if let Some(folder) = &about.jitdump {
        log = log.with_jitdump(folder).map_err(cannot("--jitdump", folder))?;
    }
    Ok(Some(Arc::new(log)))
}

/// Symbols of a program, if it is an ELF file that has any. Errors are left to its boot.
pub(crate) fn symbols_of(program: &ImageSource, memory: u64) -> Option<Symbols> {
    let bytes = program.read_unpacked(memory).ok()?;
    Symbols::of_elf(&bytes).ok().filter(|symbols| !symbols.is_empty())
}

/// Says if a file could not be written. To be called when the machine has ended.
pub(crate) fn report(log: Option<&PerfLog>) {
    if let Some(error) = log.and_then(PerfLog::failure) {
        say(&format_args!("the perf map or jitdump is incomplete: {error}"));
    }
}
