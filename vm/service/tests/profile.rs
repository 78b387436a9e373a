//! End-to-end tests of profiles: of bare-metal programs, of Debian's kernel and its programs, and of a
//! machine that is asked by HTTP; read by `go tool pprof` and others.

mod support;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use support::PATIENCE;
use support::assembly::assemble;
use support::guest::{assert_no_complaint, copy_of, disk, exec, linux};
use support::http::{address_in, get, try_get};
use support::process::{Process, riscope, run};
use support::scratch::Scratch;

/// Millions of rounds of a function, called by one that keeps a frame pointer; then the test device ends
/// the machine.
const HOT: &str = "
    .globl _start
_start:
    la sp, _start + 0x10000
    call busy_caller
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
wait:
    j wait
    .type busy_caller, @function
busy_caller:
    addi sp, sp, -16
    sd ra, 8(sp)
    sd s0, 0(sp)
    addi s0, sp, 16
    li a0, 1000
1:  call spin_rounds
    addi a0, a0, -1
    bnez a0, 1b
    ld ra, 8(sp)
    ld s0, 0(sp)
    addi sp, sp, 16
    ret
    .size busy_caller, . - busy_caller
    .type spin_rounds, @function
spin_rounds:
    addi sp, sp, -16
    sd ra, 8(sp)
    sd s0, 0(sp)
    addi s0, sp, 16
    li a1, 1000000
1:  addi a1, a1, -1
    bnez a1, 1b
    ld ra, 8(sp)
    ld s0, 0(sp)
    addi sp, sp, 16
    ret
    .size spin_rounds, . - spin_rounds
";

/// What the interpreter and the kernel are busy with in turns.
const PYTHON: &str = "python3 -c '
with open(\"/dev/zero\", \"rb\", 0) as zero:
    for _ in range(60):
        sum(i * i for i in range(40000))
        for _ in range(40): zero.read(1 << 20)
'";

/// The output of `go tool pprof`.
fn pprof<S: AsRef<std::ffi::OsStr>>(scratch: &Scratch, arguments: impl IntoIterator<Item = S>) -> String {
    let mut command = Command::new("go");
    command.args(["tool", "pprof"]).args(arguments).env("HOME", scratch.path()).env("PPROF_TMPDIR", scratch.path());
    let output = command.output().unwrap_or_else(|error| panic!("{error}: install Debian's package `golang-go`"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The file of a test as an argument.
fn argument(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Converts a profile by the name of `to`, and reads it.
fn shown(profile: &Path, to: &Path) -> String {
    run(["profile", "show", argument(profile), "-o", argument(to)]).assert_code(0);
    fs::read_to_string(to).expect("it was written")
}

/// A demo that runs until it is ended, and its address.
fn demo() -> (Process, SocketAddr) {
    let process = Process::start(riscope(["demo", "--phases", "integer", "--listen", ":0"]));
    let address = process.stderr.wait_for(PATIENCE, address_in);
    let address = address.unwrap_or_else(|| panic!("no address: {}", process.stderr.text()));
    (process, address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_names_functions_and_their_callers_in_every_engine_and_format() {
        for engine in ["interpreter", "baseline", "tiered"] {
            let scratch = Scratch::new();
            let program = assemble(&scratch, "hot", HOT);
            let profile = scratch.join("hot.pb.gz");
            run([
                "run",
                "--bios",
                argument(&program),
                "--engine",
                engine,
                "--profile",
                argument(&profile),
                "--profile-rate",
                "1000",
            ])
            .assert_code(0);
            let top = pprof(&scratch, ["-top", argument(&profile)]);
            let first = top.lines().find(|line| line.contains("spin_rounds")).expect("the hot function");
            assert!(first.trim_start().contains('%'), "{top}");
            let folded = shown(&profile, &scratch.join("hot.folded"));
            assert!(folded.contains("busy_caller;spin_rounds "), "{engine}: {folded}");
            let text = shown(&profile, &scratch.join("hot.txt"));
            let hottest = text.lines().find(|line| line.contains('%') && !line.contains("flat")).expect("a row");
            assert!(hottest.contains("spin_rounds"), "{text}");
            let svg = shown(&profile, &scratch.join("hot.svg"));
            assert!(svg.starts_with("<svg") && svg.contains("<title>spin_rounds ("), "{svg}");
            let json: serde_json::Value = shown(&profile, &scratch.join("hot.json")).parse().expect("JSON");
            assert_eq!(json["profiles"][0]["type"], "sampled");
        }
    }

    #[test]
    fn a_program_without_symbols_has_addresses_and_that_is_said() {
        let scratch = Scratch::new();
        let (program, raw) = (assemble(&scratch, "hot", HOT), scratch.join("hot.bin"));
        let mut objcopy = Command::new("riscv64-linux-gnu-objcopy");
        let made = objcopy.args(["-O", "binary"]).arg(&program).arg(&raw).status();
        assert!(made.expect("objcopy starts").success());
        let text = scratch.join("raw.txt");
        run(["run", "--bios", argument(&raw), "--profile", argument(&text)]).assert_code(0);
        let bare = fs::read_to_string(&text).expect("it was written");
        assert!(bare.contains("no kernel symbols") && bare.contains("0x800000"), "{bare}");
        // A file may have them.
        let options = ["--profile", argument(&text), "--symbols", argument(&program)];
        run(["run", "--bios", argument(&raw)].iter().chain(&options)).assert_code(0);
        let named = fs::read_to_string(&text).expect("it was written");
        assert!(named.contains("spin_rounds") && !named.contains("0x800000"), "{named}");
    }

    #[test]
    fn a_profile_of_debian_names_hot_functions_of_the_kernel_and_of_python() {
        let scratch = Scratch::new();
        let disk = copy_of(&disk(), scratch.join("disk"));
        let profile = scratch.join("debian.pb.gz");
        let mut arguments = linux(&format!("root=/dev/vda {}", exec(PYTHON)));
        let options = ["--disk", argument(&disk), "--memory", "1G", "--profile", argument(&profile)];
        arguments.extend(options.map(str::to_owned));
        let outcome = run(arguments);
        outcome.assert_code(0);
        assert_no_complaint(&outcome.stdout);
        let top = pprof(&scratch, ["-top", "-nodecount=40", argument(&profile)]);
        assert!(top.contains("_PyEval_EvalFrameDefault"), "{top}");
        assert!(top.contains("clear_user"), "{top}");
        let text = shown(&profile, &scratch.join("debian.txt"));
        assert!(text.contains("kernel symbols found in guest memory"), "{text}");
        let folded = shown(&profile, &scratch.join("debian.folded"));
        assert!(folded.lines().any(|line| line.contains(';') && line.contains("clear_user")), "{folded}");
        let svg = shown(&profile, &scratch.join("debian.svg"));
        assert!(svg.contains("<title>_PyEval_EvalFrameDefault ("), "the flame graph shows it");
        let same = run(["profile", "diff", argument(&profile), argument(&profile)]);
        assert!(same.assert_code(0).stdout.contains("+0.00  _PyEval_EvalFrameDefault"), "{}", same.log());
    }

    #[test]
    fn go_tool_pprof_and_riscope_profile_fetch_a_profile_of_a_running_machine() {
        let (process, address) = demo();
        let scratch = Scratch::new();
        let top = pprof(&scratch, ["-top".to_owned(), format!("http://{address}/debug/pprof/guest?seconds=1")]);
        assert!(top.contains("flat%") && top.contains("Type: cpu"), "{top}");
        let (before, after) = (scratch.join("before.pb.gz"), scratch.join("after.folded"));
        let url = format!("http://{address}");
        for file in [&before, &after] {
            run(["profile", "fetch", &url, "--seconds", "1", "--output", argument(file)]).assert_code(0);
        }
        let difference = scratch.join("difference.svg");
        let diff = ["profile", "diff", argument(&before), argument(&after), "-o", argument(&difference)];
        run(diff).assert_code(0);
        assert!(fs::read_to_string(&difference).expect("it was written").contains("compared"));
        process.signal(Signal::INT);
        process.finish().assert_code(130);
    }

    #[test]
    fn there_is_one_profile_at_a_time_and_a_client_that_goes_away_ends_its_own() {
        let (process, address) = demo();
        let path = "/debug/pprof/guest?seconds=300";
        let mut first = TcpStream::connect(address).expect("a connection");
        std::io::Write::write_all(&mut first, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
            .expect("it takes requests");
        let short = "/debug/pprof/guest?seconds=1&format=folded";
        let refused = std::iter::repeat_with(|| get(address, short)).find(|answer| answer.status != 200);
        let refused = refused.expect("the first is running in the end");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")));
        assert!(refused.body.contains("being taken already"), "{}", refused.body);
        drop(first);
        let taken = std::iter::repeat_with(|| try_get(address, short, "*/*").expect("an answer"))
            .find(|answer| answer.status != 503)
            .expect("the first has ended");
        assert_eq!((taken.status, taken.header("content-type")), (200, Some("text/plain; charset=utf-8")));
        assert!(taken.body.lines().all(|line| line.rsplit_once(' ').is_some()), "{}", taken.body);
        for wrong in ["seconds=0", "seconds=999", "format=pdf", "rate=5000", "x=1"] {
            assert_eq!(get(address, &format!("/debug/pprof/guest?{wrong}")).status, 400, "{wrong}");
        }
        process.signal(Signal::INT);
        process.finish().assert_code(130);
    }

    #[test]
    fn what_cannot_be_is_told_in_one_line() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "hot", HOT);
        let (program, elsewhere) = (argument(&program), scratch.join("gone").join("p.svg"));
        let junk = scratch.write("junk.folded", "no profile\n");
        let out = scratch.join("p.pb.gz");
        for (arguments, wanted) in [
            (vec!["run", "--bios", program, "--profile", "p.pdf"], "says no format"),
            (vec!["run", "--bios", program, "--profile", argument(&elsewhere)], "cannot write the profile"),
            (vec!["run", "--bios", program, "--symbols", "/nonexistent"], "check --symbols"),
            (vec!["run", "--bios", program, "--symbols", argument(&junk)], "has no symbols"),
            (vec!["run", "--bios", program, "--profile-rate", "0"], "1 to 1000"),
            (vec!["profile", "show", "/nonexistent"], "cannot read"),
            (vec!["profile", "show", argument(&junk)], "no profile that can be read"),
            (vec!["profile", "fetch", "http://127.0.0.1:9", "-o", argument(&out)], "no profile from"),
            (vec!["profile", "fetch", "nonsense"], "no profile from"),
        ] {
            let outcome = run(&arguments);
            outcome.assert_code(2);
            assert!(outcome.stderr.contains(wanted), "{arguments:?}: {}", outcome.stderr);
            assert_eq!(outcome.stderr.lines().count(), 1, "{arguments:?}: {}", outcome.stderr);
        }
    }
}
