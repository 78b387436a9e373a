//! Waiting for file descriptors, even non-blocking ones: any process that shares stdin or
//! stdout can change their mode at any time.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, write};

/// Delay if the host cannot poll.
const PAUSE: Duration = Duration::from_millis(10);
/// Most bytes that [`write_patiently`] writes at a time. A pipe that is ready has room for them.
const PIECE: usize = 4096;

/// Waits until `descriptor` is ready for `what`, or in an error state that the next access
/// reports.
pub(crate) fn wait_until_ready(descriptor: &impl AsFd, what: PollFlags) {
    match poll(&mut [PollFd::new(descriptor, what)], None) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(_) => std::thread::sleep(PAUSE),
    }
}

/// Whether `descriptor` becomes ready for `what` within `limit`.
pub(crate) fn is_ready(descriptor: &impl AsFd, what: PollFlags, limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).ok();
    poll(&mut [PollFd::new(descriptor, what)], limit.as_ref()).is_ok_and(|ready| ready > 0)
}

/// Writes all of `bytes`, however long the reader takes.
///
/// # Errors
/// The host's, for example a closed pipe or a full disk. The rest of `bytes` is dropped.
pub(crate) fn write_all(sink: &impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(sink, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            // Another process may have made the descriptor non-blocking.
            Err(Errno::AGAIN) => wait_until_ready(sink, PollFlags::OUT),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Another descriptor of the same pipe or terminal, which does not block. The mode of
/// `descriptor`, which other processes may share, stays as it is. `None` for other files, and if
/// the host refuses.
pub(crate) fn unblocked(descriptor: &impl AsFd) -> Option<OwnedFd> {
    let descriptor = descriptor.as_fd();
    let found = FileType::from_raw_mode(fstat(descriptor).ok()?.st_mode);
    // A file that is opened again would be written from its start.
    if !matches!(found, FileType::Fifo | FileType::CharacterDevice) {
        return None;
    }
    let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    open(path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).ok()
}

/// Writes all of `bytes`, whole lines at a time while `turn` is held, but not while it waits for
/// the reader.
///
/// # Errors
/// [`Errno::TIMEDOUT`] if the reader takes nothing for as long as `patience`; otherwise the
/// host's. The rest of `bytes` is dropped.
pub(crate) fn write_patiently<T>(
    sink: &impl AsFd,
    turn: impl Fn() -> T,
    mut bytes: &[u8],
    patience: Duration,
) -> Result<(), Errno> {
    let mut last_progress = Instant::now();
    while !bytes.is_empty() {
        let written = {
            let _turn = turn();
            if is_ready(sink, PollFlags::OUT, Duration::ZERO) { write(sink, piece(bytes)) } else { Err(Errno::AGAIN) }
        };
        match written {
            Ok(count) => {
                bytes = &bytes[count..];
                last_progress = Instant::now();
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let left = patience.saturating_sub(last_progress.elapsed());
                if left.is_zero() {
                    return Err(Errno::TIMEDOUT);
                }
                // A terminal may be ready and yet have no room for a character.
                std::thread::sleep(PAUSE.min(left));
                is_ready(sink, PollFlags::OUT, left);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The first lines of `bytes` that are not longer than [`PIECE`], or the start of a longer line.
fn piece(bytes: &[u8]) -> &[u8] {
    let most = &bytes[..bytes.len().min(PIECE)];
    most.iter().rposition(|&byte| byte == b'\n').map_or(most, |end| &most[..=end])
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::sync::Mutex;
    use std::thread;

    use rustix::pipe::pipe;

    use super::*;

    /// Lines that no pipe has room for.
    fn many_lines() -> Vec<u8> {
        (0..20_000).flat_map(|number| format!("line {number}\n").into_bytes()).collect()
    }

    /// Waits until a pipe is full.
    fn wait_until_full(sink: &OwnedFd) {
        while is_ready(sink, PollFlags::OUT, Duration::ZERO) {
            thread::yield_now();
        }
    }

    #[test]
    fn nobody_else_waits_for_a_reader_that_takes_its_time() {
        let (source, sink) = pipe().expect("a pipe");
        let sink = unblocked(&sink).expect("it can be opened again");
        let (turn, lines) = (Mutex::new(()), many_lines());
        thread::scope(|scope| {
            let writer = scope.spawn(|| write_patiently(&sink, || turn.lock(), &lines, Duration::from_secs(600)));
            wait_until_full(&sink);
            // Blocks for ever if the writer has it while it waits.
            drop(turn.lock());
            let mut read = vec![0; lines.len()];
            File::from(source).read_exact(&mut read).expect("everything comes");
            assert!(read == lines);
            assert_eq!(writer.join().expect("it does not panic"), Ok(()));
        });
    }

    #[test]
    fn a_reader_that_reads_nothing_is_given_up_after_whole_lines() {
        let (source, sink) = pipe().expect("a pipe");
        for sink in [unblocked(&sink).expect("it can be opened again"), sink] {
            let written = write_patiently(&sink, || (), &many_lines(), Duration::from_millis(20));
            assert_eq!(written, Err(Errno::TIMEDOUT));
        }
        let mut text = String::new();
        File::from(source).read_to_string(&mut text).expect("both ends of writing are closed");
        assert!(text.starts_with("line 0\n") && text.ends_with('\n') && text.len() >= PIECE, "{}", text.len());
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error_and_a_long_line_is_cut() {
        let (source, sink) = pipe().expect("a pipe");
        drop(source);
        let written = write_patiently(&sink, || (), b"line\n", Duration::from_secs(600));
        assert_eq!(written, Err(Errno::PIPE));
        assert_eq!(piece(&[b'x'; 2 * PIECE]).len(), PIECE);
        assert_eq!(piece(b"a\nb"), b"a\n");
        assert!(unblocked(&File::open("/proc/self/exe").expect("it is there")).is_none(), "a file");
    }
}
