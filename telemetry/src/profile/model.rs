//! Profile: call stacks of functions, with how often each was sampled.

use std::collections::HashMap;
use std::sync::Arc;

/// Function of a stack, or an address without a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Name of the function; of code without a symbol, its place, such as `libc.so.6+0x1234`.
    pub name: Arc<str>,
    /// Program, library or kernel that it is part of, such as `[kernel]`.
    pub module: Arc<str>,
    /// Address of the function, or of the code if it has no symbol.
    pub address: u64,
    /// Whether a symbol names it.
    pub is_named: bool,
}

/// What else a sample says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    /// Index of the hart.
    pub hart: u32,
    /// Privilege mode: `user`, `supervisor` or `machine`.
    pub mode: &'static str,
    /// What the hart's thread did
    /// ([`HartActivity`](riscope_core::counters::HartActivity)).
    pub activity: &'static str,
}

/// Stack with its labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stack {
    /// Positions in [`Profile::frames`], innermost first.
    pub frames: Vec<usize>,
    /// Labels of the sample.
    pub labels: Labels,
}

/// Profile of a guest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Functions, each once.
    pub frames: Vec<Frame>,
    /// Stacks, each once, with the number of their samples.
    pub stacks: Vec<(Stack, u64)>,
    /// Time between two samples of a hart, in nanoseconds.
    pub period_ns: u64,
    /// Length of the capture in nanoseconds.
    pub duration_ns: u64,
    /// Start in nanoseconds since 1970.
    pub start_ns: u64,
    /// Facts about it for its reader, a sentence each.
    pub comments: Vec<String>,
}

impl Profile {
    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.stacks.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Names of a stack's functions, outermost first.
    pub(super) fn names<'a>(&'a self, stack: &'a Stack) -> impl Iterator<Item = &'a str> {
        stack.frames.iter().rev().filter_map(|index| self.frames.get(*index)).map(|frame| &*frame.name)
    }

    /// Samples of each function: in itself, and with what it calls. Functions of the same name are one.
    #[must_use]
    pub fn totals(&self) -> HashMap<&str, (u64, u64)> {
        let mut totals = HashMap::<&str, (u64, u64)>::new();
        for (stack, count) in &self.stacks {
            let mut seen: Vec<&str> = self.names(stack).collect();
            if let Some(innermost) = seen.last() {
                totals.entry(innermost).or_default().0 += count;
            }
            seen.sort_unstable();
            seen.dedup();
            for name in seen {
                totals.entry(name).or_default().1 += count;
            }
        }
        totals
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A profile of these stacks, written as `outermost;..;innermost`.
    pub(crate) fn profile(stacks: &[(&str, u64)]) -> Profile {
        let mut profile = Profile { period_ns: 10_000_000, duration_ns: 1_000_000_000, ..Profile::default() };
        for (stack, count) in stacks {
            let mut frames = Vec::new();
            for name in stack.rsplit(';') {
                let known = profile.frames.iter().position(|frame| &*frame.name == name);
                frames.push(known.unwrap_or_else(|| {
                    let address = 0x1000 + profile.frames.len() as u64;
                    let (name, module) = (name.into(), "[kernel]".into());
                    profile.frames.push(Frame { name, module, address, is_named: true });
                    profile.frames.len() - 1
                }));
            }
            let labels = Labels { hart: 0, mode: "supervisor", activity: "code" };
            profile.stacks.push((Stack { frames, labels }, *count));
        }
        profile
    }
}

#[cfg(test)]
mod tests {
    use super::testing::profile;

    #[test]
    fn a_recursive_function_counts_once_for_each_sample() {
        let profile = profile(&[("main;f;f", 3), ("main;g", 2), ("main", 1)]);
        let totals = profile.totals();
        assert_eq!(profile.samples(), 6);
        assert_eq!((totals["main"], totals["f"], totals["g"]), ((1, 6), (3, 3), (2, 2)));
    }
}
