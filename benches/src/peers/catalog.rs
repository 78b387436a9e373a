//! What is measured: classes with their targets, and the tasks of each.

use super::class::Class;

/// One thing to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Name, unique within its class; that of the loop program if it is one.
    pub name: &'static str,
    /// What a run does.
    pub work: Work,
    /// What it is, in some words.
    pub about: &'static str,
}

/// How a task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// From the kernel's entry to init, without a disk.
    Boot,
    /// A script in `tasks/`, on the disk with Debian.
    Script {
        /// Tasks with the same word share a machine, so that rounds interleave in short pieces.
        group: &'static str,
        /// A second run in the same machine is measured as well, as `NAME-again`.
        again: bool,
        /// Uses more than one hart.
        parallel: bool,
    },
    /// A program in `loops/`, which is also built for the host.
    Loop {
        /// Its argument: rounds of its work.
        rounds: u32,
    },
}

const fn script(name: &'static str, group: &'static str, about: &'static str) -> Task {
    Task { name, work: Work::Script { group, again: false, parallel: false }, about }
}

const fn again(task: Task) -> Task {
    match task.work {
        Work::Script { group, parallel, .. } => Task { work: Work::Script { group, again: true, parallel }, ..task },
        _ => task,
    }
}

const fn parallel(task: Task) -> Task {
    match task.work {
        Work::Script { group, again, .. } => Task { work: Work::Script { group, again, parallel: true }, ..task },
        _ => task,
    }
}

const fn repeat(name: &'static str, rounds: u32, about: &'static str) -> Task {
    Task { name, work: Work::Loop { rounds }, about }
}

/// Real work: what people emulate riscv64 for.
const REAL: &[Task] = &[
    again(script("gcc", "builds", "gcc -O1 of one file of 24 functions")),
    again(script("g++", "builds", "g++ -O2 of one file with templates")),
    parallel(script("make", "builds", "make -j2 of a project of 24 small C files")),
    script("cargo", "builds", "cargo build of a small crate"),
    script("packages", "tools", "dpkg unpacks and configures six packages"),
    again(script("python-start", "languages", "python3 starts and imports its library")),
    script("python", "languages", "python3: objects, dictionaries, JSON, regular expressions"),
    script("perl", "languages", "perl: hashes and regular expressions"),
    again(parallel(script("node", "languages", "node: objects, maps, JSON, regular expressions"))),
    script("true", "languages", "150 times /bin/true from a shell"),
    parallel(script("javac", "tools", "javac of one class")),
    again(script("java-start", "tools", "java -version")),
    script("sqlite", "tools", "sqlite3: rows, index, join, updates"),
    script("xz", "tools", "xz of 1.5 MB of text, and back"),
    script("zstd", "tools", "zstd -9 of 2 MB of text, and back"),
    script("openssl", "tools", "AES, SHA-3, ChaCha20, SHA-512, primality"),
    script("sha256sum", "tools", "sha256sum of 20 MB"),
    script("sort", "tools", "sort of 120,000 lines, twice"),
];

/// The second does twice the work of the first; see [`Class::SCALING`].
const JOBS: &[Task] =
    &[script(JOB, "jobs", "a python program, alone"), script(TWO_JOBS, "jobs", "the same, twice at once")];
/// Names of the two tasks of [`Class::Jobs`].
pub(super) const JOB: &str = "job";
pub(super) const TWO_JOBS: &str = "two-jobs";

const INTEGER: &[Task] = &[
    repeat("sha512", 25, "hash of 64-bit rotations and additions"),
    repeat("aes", 200, "AES by tables"),
    repeat("norx", 200, "permutation of 64-bit rotations and logic"),
    repeat("bigint", 90, "Montgomery multiplication of 1,024 bits"),
    repeat("crc", 200, "CRC by table and by bit"),
    repeat("primes", 80, "trial division and sieve"),
    repeat("qsort", 25, "qsort and quicksort"),
    repeat("bytecode", 10, "interpreter of a stack machine"),
    repeat("lz", 40, "compression by back references"),
    repeat("records", 40, "structures, strings, calls, as in Dhrystone"),
];

const KERNEL: &[Task] = &[
    repeat("syscall", 50, "getppid"),
    repeat("fault", 3, "page faults of 4 KiB pages"),
    repeat("hugefault", 8, "page faults of 2 MiB pages"),
    repeat("switch", 5, "context switches through pipes"),
    repeat("fork", 10, "fork and exit"),
    repeat("exec", 12, "fork and exec"),
    repeat("spawn", 14, "posix_spawn"),
];

const BOOT: &[Task] = &[Task { name: "boot", work: Work::Boot, about: "kernel entry to init" }];

const FLOAT: &[Task] = &[
    repeat("nbody", 40, "motion of five bodies"),
    repeat("matmul", 20, "products of matrices"),
    repeat("mandelbrot", 25, "Mandelbrot's set"),
];

const MEMORY: &[Task] =
    &[repeat("copy", 10, "memcpy and memset of 64 bytes to 1 MiB"), repeat("chase", 8, "pointers in random order")];

const CALLS: &[Task] = &[
    repeat("fib", 400, "recursion"),
    repeat("indirect", 60, "calls through tables"),
    repeat("mutual", 220, "mutual recursion of a parser"),
];

const WORST: &[Task] = &[
    repeat("pages", 3, "512 MiB of single pages touched at random"),
    repeat("rewrite", 50, "code that is rewritten all the time"),
    repeat("ring", 8, "64 processes that take turns"),
    repeat("spread", 20, "code over 16,384 pages, each run a few times"),
];

/// The tasks of a class, in the order of their runs.
pub fn tasks(class: Class) -> impl Iterator<Item = &'static Task> {
    let all = match class {
        Class::Real | Class::Pinned | Class::TwoHarts => REAL,
        Class::Jobs => JOBS,
        Class::Integer => INTEGER,
        Class::Kernel => KERNEL,
        Class::Boot => BOOT,
        Class::Float => FLOAT,
        Class::Memory => MEMORY,
        Class::Calls => CALLS,
        Class::Worst => WORST,
    };
    let is_parallel = |task: &&Task| matches!(task.work, Work::Script { parallel: true, .. });
    all.iter().filter(move |task| class != Class::TwoHarts || is_parallel(task))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::peers::SOURCES;

    /// File stems in a folder of the sources.
    fn stems(folder: &str, extension: &str) -> BTreeSet<String> {
        let entries = std::fs::read_dir(Path::new(SOURCES).join(folder)).expect("the folder exists");
        let paths = entries.map(|entry| entry.expect("it can be listed").path());
        paths
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .map(|path| path.file_stem().expect("it has a name").to_string_lossy().into_owned())
            .collect()
    }

    fn names(wanted: impl Fn(&Work) -> bool) -> Vec<String> {
        let all = Class::ALL.into_iter().filter(|class| !matches!(class, Class::Pinned | Class::TwoHarts));
        all.flat_map(tasks).filter(|task| wanted(&task.work)).map(|task| task.name.to_owned()).collect()
    }

    #[test]
    fn every_loop_program_is_a_task_of_one_class() {
        let names = names(|work| matches!(work, Work::Loop { .. }));
        assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), stems("loops", "c"));
        assert_eq!(names.len(), stems("loops", "c").len(), "none is in two classes");
    }

    #[test]
    fn every_script_is_a_task() {
        let mut names: BTreeSet<String> = names(|work| matches!(work, Work::Script { .. })).into_iter().collect();
        names.extend(["loop", "compile-loops"].map(str::to_owned));
        assert_eq!(names, stems("tasks", "sh"));
    }

    #[test]
    fn the_document_describes_every_task() {
        let document = std::fs::read_to_string(Path::new(SOURCES).join("../README.md")).expect("there is a document");
        for task in Class::ALL.into_iter().flat_map(tasks) {
            let row = format!("| `{}` | {} |\n", task.name, task.about);
            assert!(document.contains(&row), "benches/README.md lacks {row}");
        }
    }

    #[test]
    fn two_harts_get_what_uses_them() {
        let names: Vec<&str> = tasks(Class::TwoHarts).map(|task| task.name).collect();
        assert_eq!(names, ["make", "node", "javac"]);
    }
}
