//! Collector: turns samples into a profile, with names, as they come.
//!
//! A sample is named at once, as its process may be gone a moment later.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use riscope_core::hart::{PrivilegeMode, ProfileSample, StackEnd, is_user_address};
use riscope_core::mem::GuestRam;
use riscope_core::mmu::Peek;

use super::model::{Frame, Labels, Profile, Stack};
use super::symbols::{KernelSymbols, Programs, SymbolFile};

/// Greatest number of functions and of stacks; what is beyond is counted as lost.
const MAX_FRAMES: usize = 1 << 18;
const MAX_STACKS: usize = 1 << 17;

/// Module of kernel code, of firmware and other code without page tables, and of user code that is in
/// no program.
const KERNEL: &str = "[kernel]";
const FIRMWARE: &str = "[firmware]";
const UNKNOWN: &str = "[unknown]";

/// Collects samples of one machine.
#[derive(Debug)]
pub struct Collector {
    kernel: KernelSymbols,
    programs: Programs,
    frames: Vec<Frame>,
    by_frame: HashMap<Frame, usize>,
    stacks: HashMap<Stack, u64>,
    period: Duration,
    started: SystemTime,
    /// Samples whose stack was cut off, and those without room.
    cut_off: u64,
    lost: u64,
    /// Memory of the machine that the names are of.
    memory: usize,
}

impl Collector {
    /// A collector for samples that are `period` apart, named by the symbols of `files` and those in
    /// guest memory.
    #[must_use]
    pub fn new(period: Duration, files: Arc<[SymbolFile]>) -> Self {
        Self {
            kernel: KernelSymbols::new(Arc::clone(&files)),
            programs: Programs::new(files),
            frames: Vec::new(),
            by_frame: HashMap::new(),
            stacks: HashMap::new(),
            period,
            started: SystemTime::now(),
            cut_off: 0,
            lost: 0,
            memory: 0,
        }
    }

    /// Adds a sample of a machine with this memory, soon after it was taken.
    pub fn add(&mut self, sample: &ProfileSample, ram: &GuestRam) {
        // The memory of another boot is mapped while this one still is, or a new kernel is the same.
        let memory = std::ptr::from_ref(ram).addr();
        if std::mem::replace(&mut self.memory, memory) != memory {
            self.kernel.forget();
        }
        let peek = Peek::new(ram, sample.satp);
        let named = self.frames_of(sample, &peek);
        let Some(frames) = named.into_iter().map(|frame| self.index_of(frame)).collect() else {
            self.lost += 1;
            return;
        };
        let labels = Labels {
            hart: u32::try_from(sample.hart).unwrap_or(u32::MAX),
            mode: mode_name(sample.mode),
            activity: sample.activity.as_str(),
        };
        self.count(Stack { frames, labels });
        self.cut_off += u64::from(sample.stack.end != StackEnd::NoFrame);
    }

    /// Functions of the stack, innermost first.
    fn frames_of(&mut self, sample: &ProfileSample, peek: &Peek<'_>) -> Vec<Frame> {
        // Return addresses are behind the call, perhaps in the next function.
        let mut caller = |address: &u64| self.frame(sample, peek, address.wrapping_sub(1));
        let mut frames: Vec<Frame> = sample.stack.addresses.iter().skip(1).map(&mut caller).collect();
        let link = sample.stack.link.as_ref().map(&mut caller);
        let innermost = self.frame(sample, peek, sample.stack.addresses.first().copied().unwrap_or_default());
        // Only functions with names can be told apart.
        let has_called = |link: &Frame| link.is_named && innermost.is_named && *link != innermost;
        frames.splice(..0, [innermost.clone()].into_iter().chain(link.filter(has_called)));
        frames
    }

    fn count(&mut self, stack: Stack) {
        if let Some(count) = self.stacks.get_mut(&stack) {
            *count += 1;
        } else if self.stacks.len() < MAX_STACKS {
            self.stacks.insert(stack, 1);
        } else {
            self.lost += 1;
        }
    }

    fn index_of(&mut self, frame: Frame) -> Option<usize> {
        if let Some(index) = self.by_frame.get(&frame) {
            return Some(*index);
        }
        let index = self.frames.len();
        (index < MAX_FRAMES).then(|| {
            self.frames.push(frame.clone());
            self.by_frame.insert(frame, index);
            index
        })
    }

    fn frame(&mut self, sample: &ProfileSample, peek: &Peek<'_>, address: u64) -> Frame {
        let is_physical = sample.mode == PrivilegeMode::Machine || sample.satp >> 60 == 0;
        let (module, function, place) = if is_physical {
            (FIRMWARE.into(), self.kernel.physical(address), address)
        } else if !is_user_address(address) {
            (KERNEL.into(), self.kernel.kernel(peek, address), address)
        } else {
            match self.programs.place(peek, sample.satp, address) {
                Some(place) => match place.function {
                    Ok(function) => (place.module, Some(function), address),
                    Err(in_file) => return unnamed_in(place.module, in_file),
                },
                None if sample.mode == PrivilegeMode::Supervisor => {
                    (UNKNOWN.into(), self.kernel.physical(address), address)
                }
                None => (UNKNOWN.into(), None, address),
            }
        };
        match function {
            Some((name, start)) => Frame { name, module, address: start, is_named: true },
            None => Frame { name: format!("{place:#x}").into(), module, address: place, is_named: false },
        }
    }

    /// The profile of a capture that took `duration`, in which `lost` samples did not reach the
    /// collector.
    #[must_use]
    pub fn finish(self, duration: Duration, lost: u64) -> Profile {
        let mut stacks: Vec<(Stack, u64)> = self.stacks.into_iter().collect();
        stacks.sort_by(|(a, times), (b, others)| (others, &a.frames).cmp(&(times, &b.frames)));
        let mut comments = vec![self.kernel.source()];
        let lost = lost.saturating_add(self.lost);
        if lost > 0 {
            comments.push(format!("{lost} samples were lost"));
        }
        if self.cut_off > 0 {
            comments.push(format!("{} stacks were cut off", self.cut_off));
        }
        Profile {
            frames: self.frames,
            stacks,
            period_ns: nanoseconds(self.period),
            duration_ns: nanoseconds(duration),
            start_ns: self.started.duration_since(UNIX_EPOCH).map_or(0, nanoseconds),
            comments,
        }
    }
}

/// Code of a program that no symbol names.
fn unnamed_in(module: Arc<str>, in_file: u64) -> Frame {
    Frame { name: format!("{module}+{in_file:#x}").into(), module, address: in_file, is_named: false }
}

fn mode_name(mode: PrivilegeMode) -> &'static str {
    match mode {
        PrivilegeMode::User => "user",
        PrivilegeMode::Supervisor => "supervisor",
        PrivilegeMode::Machine => "machine",
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use riscope_core::addr::GuestPhys;
    use riscope_core::counters::HartActivity;
    use riscope_core::hart::CallStack;

    use super::*;

    fn sample(mode: PrivilegeMode, satp: u64, addresses: &[u64]) -> ProfileSample {
        let stack = CallStack { addresses: addresses.to_vec(), end: StackEnd::NoFrame, link: None };
        ProfileSample { hart: 1, mode, satp, activity: HartActivity::Code, stack }
    }

    #[test]
    fn addresses_without_symbols_stay_addresses() {
        let ram = GuestRam::new(GuestPhys(0x8000_0000), 1 << 20).unwrap();
        let mut collector = Collector::new(Duration::from_millis(10), Arc::from([]));
        for _ in 0..3 {
            collector.add(&sample(PrivilegeMode::User, 8 << 60, &[0x1000]), &ram);
        }
        collector.add(&sample(PrivilegeMode::Supervisor, 8 << 60, &[0xffff_ffff_8000_1000, 0x1001]), &ram);
        collector.add(&sample(PrivilegeMode::Machine, 0, &[0x8000_0000]), &ram);
        let profile = collector.finish(Duration::from_secs(1), 7);
        assert_eq!((profile.samples(), profile.stacks[0].1), (5, 3));
        let places: Vec<_> = profile.frames.iter().map(|frame| (&*frame.name, &*frame.module)).collect();
        let wanted = [("0x1000", UNKNOWN), ("0xffffffff80001000", KERNEL), ("0x80000000", FIRMWARE)];
        assert_eq!(places, wanted, "the caller is the same place");
        assert!(profile.frames.iter().all(|frame| !frame.is_named));
        assert!(profile.comments.iter().any(|comment| comment.contains("no kernel symbols")), "{:?}", profile.comments);
        assert!(profile.comments.iter().any(|comment| comment.contains("7 samples")), "{:?}", profile.comments);
        let labels = profile.stacks[0].0.labels;
        assert_eq!((labels.hart, labels.mode, labels.activity), (1, "user", "code"));
    }

    #[test]
    fn a_function_without_a_frame_has_the_caller_in_the_link_register() {
        let ram = GuestRam::new(GuestPhys(0x8000_0000), 1 << 20).unwrap();
        let path = std::env::temp_dir().join(format!("riscope-collector-{}", std::process::id()));
        std::fs::write(&path, "80000000 T main\n80000100 T caller\n80000200 T leaf\n80000300 T end\n").unwrap();
        let file = SymbolFile::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut collector = Collector::new(Duration::from_millis(10), Arc::from([file]));
        for (pc, link) in [(0x8000_0204, 0x8000_0110), (0x8000_0104, 0x8000_0110)] {
            let mut sample = sample(PrivilegeMode::Machine, 0, &[pc, 0x8000_0010]);
            sample.stack.link = Some(link);
            collector.add(&sample, &ram);
        }
        let profile = collector.finish(Duration::from_secs(1), 0);
        let mut stacks: Vec<Vec<&str>> =
            profile.stacks.iter().map(|(stack, _)| profile.names(stack).collect()).collect();
        stacks.sort();
        assert_eq!(stacks, [vec!["main", "caller"], vec!["main", "caller", "leaf"]]);
    }
}
