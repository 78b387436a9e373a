//! The files, read as `perf` reads them.

use std::path::PathBuf;

use super::*;

/// A folder of the test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("riscope-perf-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, prefix: &str, suffix: &str) -> PathBuf {
        self.0.join(format!("{prefix}-{}.{suffix}", std::process::id()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn named(pc: u64) -> Option<String> {
    (pc == 0x1000).then(|| "start+0x0".to_owned())
}

fn pieces() -> [Piece<'static>; 3] {
    let piece = |start: usize, bytes, cold, pc| {
        let start = std::ptr::without_provenance(start);
        Piece { start, bytes, cold, tier: Tier::Baseline, pc, phys: GuestPhys(0x8000_1000) }
    };
    [piece(0x7000, &[1, 2, 3], false, 0x1000), piece(0x9000, &[4], true, 0x1000), piece(0x7010, &[], true, 0x2000)]
}

const HOT: &str = "guest:start+0x0 [baseline 0x1000 phys 0x80001000]";
const COLD: &str = "guest:start+0x0 [baseline cold 0x1000 phys 0x80001000]";

#[test]
fn a_map_has_a_line_for_each_part_with_tier_address_and_symbol() {
    let folder = Folder::new("map");
    // What an earlier process with this number has left.
    fs::write(folder.file("perf", "map"), "0 1 old\n").expect("it can be written");
    let log = PerfLog::new(Box::new(named)).with_map(&folder.0).expect("a map");
    log.published(&pieces());
    log.published(&[Piece { bytes: &[5], pc: 0x2000, ..pieces()[0] }]);
    let text = fs::read_to_string(folder.file("perf", "map")).expect("it is there");
    let expected = format!("7000 3 {HOT}\n9000 1 {COLD}\n7000 1 guest:0x2000 [baseline phys 0x80001000]\n");
    assert_eq!(text, expected);
    assert!(log.failure().is_none());
}

/// A record of a dump: the address, the code and its name.
type Record = (u64, Vec<u8>, String);

/// Reads a dump; fails if it is not what the specification describes.
fn read_dump(bytes: &[u8]) -> Vec<Record> {
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four"));
    let long = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight"));
    assert_eq!((word(0), word(4), word(8), word(20)), (0x4a69_5444, 1, 40, std::process::id()));
    let (mut at, mut time, mut records) = (40, long(24), Vec::new());
    while at < bytes.len() {
        let size = word(at + 4) as usize;
        assert_eq!((word(at), word(at + 16)), (0, std::process::id()), "a load of this process");
        assert!(long(at + 8) >= time, "times do not go back");
        time = long(at + 8);
        assert_eq!(long(at + 24), long(at + 32), "it runs where it is");
        assert_eq!(long(at + 48), records.len() as u64, "each record has its own index");
        let code_size = usize::try_from(long(at + 40)).expect("small");
        let (head, code) = bytes[at..at + size].split_at(size - code_size);
        let name = std::str::from_utf8(&head[56..]).expect("text").strip_suffix('\0').expect("it ends with a zero");
        records.push((long(at + 32), code.to_vec(), name.to_owned()));
        at += size;
    }
    records
}

#[test]
fn a_dump_has_a_record_with_the_code_of_each_part() {
    let folder = Folder::new("dump");
    let log = PerfLog::new(Box::new(named)).with_jitdump(&folder.0).expect("a dump");
    log.published(&pieces());
    log.static_code(std::ptr::without_provenance(0x10), &[9, 9], "riscope thunks");
    let path = folder.file("jit", "dump");
    let records = read_dump(&fs::read(&path).expect("it is there"));
    let expected = [
        (0x7000, vec![1, 2, 3], HOT.to_owned()),
        (0x9000, vec![4], COLD.to_owned()),
        (0x10, vec![9, 9], "riscope thunks".to_owned()),
    ];
    assert_eq!(records, expected);
    // By which `perf record` notices it.
    let path = path.canonicalize().expect("it is there");
    let maps = fs::read_to_string("/proc/self/maps").expect("it can be read");
    let marker = maps.lines().find(|line| line.ends_with(path.to_str().expect("text")));
    assert!(marker.is_some_and(|line| line.contains(" r-xp ")), "{maps}");
}

#[test]
fn a_failure_is_told_once_and_ends_the_log() {
    let file = File::options().write(true).open("/dev/full").expect("Linux has it");
    let log = PerfLog::new(Box::new(named));
    log.state.lock().expect("no panic").map = Some(PerfMap::new(file));
    log.published(&pieces());
    assert_eq!(log.failure().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
    log.published(&pieces());
    assert!(log.failure().is_none());
}

#[test]
fn a_link_in_the_way_is_replaced_and_not_followed() {
    let folder = Folder::new("link");
    let victim = folder.0.join("victim");
    fs::write(&victim, "precious").expect("it can be written");
    std::os::unix::fs::symlink(&victim, folder.file("perf", "map")).expect("a link");
    let log = PerfLog::new(Box::new(named)).with_map(&folder.0).expect("a map");
    log.published(&pieces());
    assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious");
}
