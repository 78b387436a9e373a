//! PLIC: routes device interrupts to harts (RISC-V PLIC specification 1.0.0).
//!
//! ```text
//!  0x00_0000 + 4·s          priority of source s, 0 (never) to 7
//!  0x00_1000                pending bits, read-only
//!  0x00_2000 + 0x80·c       enable bits of context c
//!  0x20_0000 + 0x1000·c     threshold of context c
//!  0x20_0004 + 0x1000·c     claim (read), complete (write)
//! ```
//!
//! Context 2·h is M-mode of hart h, 2·h + 1 its S-mode. Every source has a level gateway: a
//! high line raises one pending request, and the next only after the first is completed. A
//! pending request stays when the line falls.

use std::sync::{Arc, Mutex};

use riscope_core::hart::{HartControl, Interrupt};
use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use vm_fdt::{Error, FdtWriter};

use crate::device::Device;
use crate::layout::{PLIC, PLIC_PHANDLE, Slot, cpu_intc_phandle};
use crate::sync::lock;

/// Highest source number; 0 means "no interrupt".
pub const SOURCES: u32 = 95;

/// 32-bit words of a set of sources.
const WORDS: usize = 3;
/// Mask of a priority or threshold.
const PRIORITY_MASK: u32 = 7;

const PENDING: u64 = 0x1000;
const ENABLE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;

/// Set of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SourceSet([u32; WORDS]);

impl SourceSet {
    fn contains(self, source: u32) -> bool {
        self.word(source) & 1 << (source % 32) != 0
    }

    fn set(&mut self, source: u32, member: bool) {
        if let Some(word) = self.0.get_mut(source as usize / 32) {
            let bit = 1 << (source % 32);
            *word = if member { *word | bit } else { *word & !bit };
        }
    }

    fn word(self, source: u32) -> u32 {
        self.0.get(source as usize / 32).copied().unwrap_or(0)
    }

    /// Members that are also in `other`, in ascending order.
    fn common(self, other: Self) -> impl Iterator<Item = u32> {
        (0u32..).zip(self.0.into_iter().zip(other.0)).flat_map(|(index, (a, b))| {
            let mut bits = a & b;
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros())?;
                bits &= bits - 1;
                Some(index * 32 + bit)
            })
        })
    }
}

/// Interrupt context: a hart in one mode.
#[derive(Debug)]
struct Context {
    hart: Arc<HartControl>,
    line: Interrupt,
    enabled: SourceSet,
    threshold: u32,
}

#[derive(Debug)]
struct PlicState {
    /// Priority of each source; entry 0 stays 0.
    priority: [u32; SOURCES as usize + 1],
    /// Lines that are high.
    level: SourceSet,
    /// Pending requests.
    pending: SourceSet,
    /// Requests that are claimed and not completed.
    claimed: SourceSet,
    contexts: Vec<Context>,
}

impl PlicState {
    /// Raises a request for `source` if its line is high and its gateway is idle.
    fn sample(&mut self, source: u32) {
        if self.level.contains(source) && !self.claimed.contains(source) {
            self.pending.set(source, true);
        }
    }

    /// Pending request with the highest priority above `floor`, then the lowest number.
    fn best(&self, context: &Context, floor: u32) -> Option<u32> {
        let mut best = (None, floor);
        for source in self.pending.common(context.enabled) {
            let priority = self.priority[source as usize];
            if priority > best.1 {
                best = (Some(source), priority);
            }
        }
        best.0
    }

    /// Updates the interrupt line of every context.
    fn update_harts(&self) {
        for context in &self.contexts {
            context.hart.set_line(context.line, self.best(context, context.threshold).is_some());
        }
    }

    /// Claims the best request; returns 0 if there is none. The threshold masks only the
    /// notification, not the claim ("Interrupt Claim Process").
    fn claim(&mut self, context: usize) -> u32 {
        let Some(source) = self.best(&self.contexts[context], 0) else { return 0 };
        self.pending.set(source, false);
        self.claimed.set(source, true);
        self.update_harts();
        source
    }

    /// Completes a claim, also of a source that the context has disabled since. The
    /// specification allows ignoring that, but drivers disable a source while serving it,
    /// and QEMU's PLIC completes it.
    fn complete(&mut self, source: u32) {
        if self.claimed.contains(source) {
            self.claimed.set(source, false);
            self.sample(source);
            self.update_harts();
        }
    }
}

enum Register {
    Priority(u32),
    Pending(usize),
    Enable { context: usize, word: usize },
    Threshold(usize),
    Claim(usize),
    Reserved,
}

/// Platform-level interrupt controller.
#[derive(Debug)]
pub struct Plic {
    state: Mutex<PlicState>,
    contexts: usize,
}

impl Plic {
    /// A PLIC for these harts, in order of hart ids, with every source disabled.
    pub fn new(harts: &[Arc<HartControl>]) -> Self {
        let lines = [Interrupt::MachineExternal, Interrupt::SupervisorExternal];
        let contexts: Vec<Context> = harts
            .iter()
            .flat_map(|hart| lines.map(|line| (hart, line)))
            .map(|(hart, line)| Context { hart: Arc::clone(hart), line, enabled: SourceSet::default(), threshold: 0 })
            .collect();
        let count = contexts.len();
        let state = PlicState {
            priority: [0; SOURCES as usize + 1],
            level: SourceSet::default(),
            pending: SourceSet::default(),
            claimed: SourceSet::default(),
            contexts,
        };
        Self { state: Mutex::new(state), contexts: count }
    }

    /// Sets the level of the line of `source`; ignores invalid numbers.
    pub fn set_level(&self, source: u32, level: bool) {
        if source == 0 || source > SOURCES {
            return;
        }
        let mut state = lock(&self.state);
        if state.level.contains(source) == level {
            return;
        }
        state.level.set(source, level);
        if level {
            state.sample(source);
            state.update_harts();
        }
    }

    /// Register at `offset`. Registers are 32 bits wide and aligned; the rest of the range
    /// reads as zero.
    fn decode(&self, offset: u64, width: Width) -> Result<Register, MmioFault> {
        if width != Width::Word || !offset.is_multiple_of(4) {
            return Err(MmioFault);
        }
        let index = |base: u64, stride: u64, count: usize| {
            let index = usize::try_from(offset.checked_sub(base)? / stride).ok()?;
            (index < count).then_some(index)
        };
        if let Some(source) = index(0, 4, SOURCES as usize + 1) {
            return Ok(Register::Priority(u32::try_from(source).map_err(|_| MmioFault)?));
        }
        if let Some(word) = index(PENDING, 4, WORDS) {
            return Ok(Register::Pending(word));
        }
        if let Some(context) = index(ENABLE, ENABLE_STRIDE, self.contexts) {
            let word = usize::try_from((offset - ENABLE) % ENABLE_STRIDE / 4).map_err(|_| MmioFault)?;
            return Ok(if word < WORDS { Register::Enable { context, word } } else { Register::Reserved });
        }
        Ok(match (index(CONTEXT, CONTEXT_STRIDE, self.contexts), offset % CONTEXT_STRIDE) {
            (Some(context), 0) => Register::Threshold(context),
            (Some(context), 4) => Register::Claim(context),
            _ => Register::Reserved,
        })
    }
}

impl MmioDevice for Plic {
    fn read(&self, offset: u64, width: Width) -> Result<u64, MmioFault> {
        let register = self.decode(offset, width)?;
        let mut state = lock(&self.state);
        Ok(u64::from(match register {
            Register::Priority(source) => state.priority[source as usize],
            Register::Pending(word) => state.pending.0[word],
            Register::Enable { context, word } => state.contexts[context].enabled.0[word],
            Register::Threshold(context) => state.contexts[context].threshold,
            Register::Claim(context) => state.claim(context),
            Register::Reserved => 0,
        }))
    }

    #[expect(clippy::cast_possible_truncation, reason = "registers are 32 bits wide")]
    fn write(&self, offset: u64, width: Width, value: u64) -> Result<(), MmioFault> {
        let register = self.decode(offset, width)?;
        let value = value as u32;
        let mut state = lock(&self.state);
        match register {
            Register::Priority(0) | Register::Pending(_) | Register::Reserved => return Ok(()),
            Register::Priority(source) => state.priority[source as usize] = value & PRIORITY_MASK,
            // Source 0 does not exist.
            Register::Enable { context, word: 0 } => state.contexts[context].enabled.0[0] = value & !1,
            Register::Enable { context, word } => state.contexts[context].enabled.0[word] = value,
            Register::Threshold(context) => state.contexts[context].threshold = value & PRIORITY_MASK,
            Register::Claim(_) => {
                state.complete(value);
                return Ok(());
            }
        }
        state.update_harts();
        Ok(())
    }
}

impl Device for Plic {
    fn slot(&self) -> Slot {
        PLIC
    }

    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let node = fdt.begin_node(&PLIC.node_name("plic"))?;
        fdt.property_string_list("compatible", vec!["sifive,plic-1.0.0".into(), "riscv,plic0".into()])?;
        PLIC.write_properties(fdt)?;
        fdt.property_null("interrupt-controller")?;
        fdt.property_u32("#interrupt-cells", 1)?;
        fdt.property_u32("#address-cells", 0)?;
        fdt.property_u32("riscv,ndev", SOURCES)?;
        let lines: Vec<u32> =
            (0..self.contexts / 2).map(cpu_intc_phandle).flat_map(|intc| [intc, 11, intc, 9]).collect();
        fdt.property_array_u32("interrupts-extended", &lines)?;
        fdt.property_phandle(PLIC_PHANDLE)?;
        fdt.end_node(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEI: u64 = Interrupt::SupervisorExternal.mask();
    const MEI: u64 = Interrupt::MachineExternal.mask();
    /// S-mode of hart 0.
    const THRESHOLD: u64 = 0x20_1000;
    const CLAIM: u64 = 0x20_1004;

    fn plic() -> (Plic, Vec<Arc<HartControl>>) {
        let harts: Vec<Arc<HartControl>> = (0..2).map(|_| Arc::default()).collect();
        (Plic::new(&harts), harts)
    }

    fn write(plic: &Plic, offset: u64, value: u64) {
        plic.write(offset, Width::Word, value).unwrap();
    }

    fn read(plic: &Plic, offset: u64) -> u64 {
        plic.read(offset, Width::Word).unwrap()
    }

    /// Sources 1 and 10 with priority 1, both enabled for S-mode of hart 0.
    fn armed() -> (Plic, Vec<Arc<HartControl>>) {
        let (plic, harts) = plic();
        write(&plic, 4, 1);
        write(&plic, 40, 1);
        write(&plic, 0x2080, 1 << 1 | 1 << 10);
        (plic, harts)
    }

    #[test]
    fn a_line_reaches_the_enabled_context_only() {
        let (plic, harts) = armed();
        plic.set_level(10, true);
        assert_eq!(harts[0].lines(), SEI);
        assert_eq!(harts[1].lines(), 0);
        write(&plic, 0x2100, 1 << 10);
        assert_eq!(harts[1].lines(), MEI);
    }

    #[test]
    fn a_level_source_asks_again_only_after_completion() {
        let (plic, harts) = armed();
        plic.set_level(10, true);
        assert_eq!(read(&plic, CLAIM), 10);
        assert_eq!(harts[0].lines(), 0);
        assert_eq!(read(&plic, CLAIM), 0, "claimed already");
        plic.set_level(10, false);
        plic.set_level(10, true);
        assert_eq!(harts[0].lines(), 0, "the gateway is closed");
        write(&plic, CLAIM, 10);
        assert_eq!(harts[0].lines(), SEI, "the line is still high");
        assert_eq!(read(&plic, CLAIM), 10);
        plic.set_level(10, false);
        write(&plic, CLAIM, 10);
        assert_eq!(harts[0].lines(), 0);
    }

    #[test]
    fn a_pending_request_outlives_its_line() {
        let (plic, harts) = armed();
        plic.set_level(1, true);
        plic.set_level(1, false);
        assert_eq!(harts[0].lines(), SEI);
        assert_eq!(read(&plic, PENDING), 1 << 1);
        assert_eq!(read(&plic, CLAIM), 1);
        write(&plic, CLAIM, 1);
        assert_eq!(harts[0].lines(), 0);
    }

    #[test]
    fn higher_priority_wins_then_the_lower_number() {
        let (plic, _) = armed();
        plic.set_level(10, true);
        plic.set_level(1, true);
        assert_eq!(read(&plic, CLAIM), 1);
        write(&plic, CLAIM, 1);
        write(&plic, 40, 7);
        assert_eq!(read(&plic, CLAIM), 10);
        assert_eq!(read(&plic, CLAIM), 1);
    }

    #[test]
    fn the_threshold_masks_the_line_and_priority_zero_never_interrupts() {
        let (plic, harts) = armed();
        plic.set_level(10, true);
        write(&plic, THRESHOLD, 1);
        assert_eq!(harts[0].lines(), 0);
        write(&plic, THRESHOLD, 0xffff_fff8);
        assert_eq!(harts[0].lines(), SEI, "only three bits count");
        write(&plic, 40, 0);
        assert_eq!(harts[0].lines(), 0);
        assert_eq!(read(&plic, CLAIM), 0);
    }

    #[test]
    fn completion_of_an_unclaimed_source_is_ignored() {
        let (plic, harts) = armed();
        plic.set_level(10, true);
        write(&plic, CLAIM, 10);
        write(&plic, CLAIM, 0xffff_ffff);
        assert_eq!(harts[0].lines(), SEI, "nothing was claimed");
        assert_eq!(read(&plic, CLAIM), 10);
    }

    #[test]
    fn a_source_that_was_disabled_meanwhile_is_completed() {
        let (plic, harts) = armed();
        plic.set_level(10, true);
        assert_eq!(read(&plic, CLAIM), 10);
        write(&plic, 0x2080, 0);
        write(&plic, CLAIM, 10);
        assert_eq!(harts[0].lines(), 0);
        write(&plic, 0x2080, 1 << 10);
        assert_eq!(harts[0].lines(), SEI, "the line is still high");
    }

    #[test]
    fn source_zero_cannot_be_enabled_or_prioritised() {
        let (plic, _) = plic();
        write(&plic, 0, 7);
        write(&plic, 0x2000, 0xffff_ffff);
        assert_eq!(read(&plic, 0), 0);
        assert_eq!(read(&plic, 0x2000), 0xffff_fffe);
        plic.set_level(0, true);
        plic.set_level(SOURCES + 1, true);
        plic.set_level(u32::MAX, true);
        assert_eq!(read(&plic, PENDING), 0);
    }
}
