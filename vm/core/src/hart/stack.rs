//! Call stack of a hart, found by the frame pointers of its code.
//!
//! Code that keeps a frame pointer has it in `s0`; the return address is below it, and the frame
//! pointer of the caller below that (RISC-V ELF psABI, "Frame Pointer Convention"):
//!
//! ```text
//!  s0 ──► ┌───────────────────┐ end of the caller's part of the stack
//!   - 8   │ return address    │   of a leaf: the caller's frame pointer
//!   - 16  │ caller's s0       │
//! ```
//!
//! Code without frame pointers uses `s0` for anything, so nothing is believed: a frame is aligned,
//! lies above the previous one and not far from it, and a return address is behind a call. The walk
//! ends at the first frame that is not like that. Linux enters C code with the `s0` of what it has
//! interrupted, so that the frames of the kernel lead to those of the program; the program's `pc` is in
//! `struct pt_regs` at the end of the last frame of the kernel, whose saved `s0` must be the same.

use crate::mmu::Peek;

/// Greatest number of addresses of a stack, the first included.
pub const MAX_FRAMES: usize = 64;

/// Greatest distance of two frames in bytes: eight mebibytes, the usual limit of a program's stack.
const MAX_FRAME_BYTES: u64 = 8 << 20;

/// Offsets of `epc`, `sp` and `s0` in `struct pt_regs` of Linux (`arch/riscv/include/asm/ptrace.h`).
const PT_REGS_EPC: u64 = 0;
const PT_REGS_SP: u64 = 2 * 8;
const PT_REGS_S0: u64 = 8 * 8;

/// Reason why a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackEnd {
    /// At what is no frame, which is the outermost one or code without frame pointers.
    NoFrame,
    /// At memory that cannot be read.
    Unreadable,
    /// At [`MAX_FRAMES`].
    TooDeep,
}

/// Addresses of a call stack, innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStack {
    /// `pc`, and then the addresses behind the calls that led there; [`is_user_address`] tells the
    /// part of the program from that of the kernel.
    pub addresses: Vec<u64>,
    /// Why there are no more.
    pub end: StackEnd,
    /// The address in `ra`, if it is behind a call, in the same half of the address space as `pc`, and
    /// not the second of `addresses`. If it is in another function than `pc`, that one has called this
    /// one, which has no frame: it has none of its own, or not yet. Otherwise, it is where a function
    /// returned that this one has called.
    pub link: Option<u64>,
}

/// Registers from which a walk starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackStart {
    pub(super) pc: u64,
    pub(super) ra: u64,
    pub(super) sp: u64,
    pub(super) fp: u64,
}

/// Whether Linux has user memory at `address`: in the lower half of the address space.
#[must_use]
pub fn is_user_address(address: u64) -> bool {
    address >> 63 == 0
}

/// Walks the stack of a hart that has these registers in an address space.
pub(super) fn walk(start: StackStart, peek: &Peek<'_>) -> CallStack {
    let mut addresses = vec![start.pc];
    let end = follow(start, peek, &mut addresses);
    let is_new = is_user_address(start.ra) == is_user_address(start.pc) && addresses.get(1) != Some(&start.ra);
    let link = Some(start.ra).filter(|ra| is_new && is_behind_call(peek, *ra));
    CallStack { addresses, end, link }
}

fn follow(start: StackStart, peek: &Peek<'_>, addresses: &mut Vec<u64>) -> StackEnd {
    let mut fp = start.fp;
    if !is_frame(start.sp, fp) {
        return StackEnd::NoFrame;
    }
    while addresses.len() < MAX_FRAMES {
        let (Some(ra), Some(caller)) = (word(peek, fp, 8), word(peek, fp, 16)) else { return StackEnd::Unreadable };
        if let Some(program) = interrupted_program(peek, fp, caller) {
            addresses.push(program.pc);
            if !is_frame(program.sp, caller) {
                return StackEnd::NoFrame;
            }
            fp = caller;
            continue;
        }
        let is_leaf = addresses.len() == 1 && is_frame(fp + 8, ra);
        let (address, next) = if is_leaf { (start.ra, ra) } else { (ra, caller) };
        if !is_behind_call(peek, address) {
            return StackEnd::NoFrame;
        }
        addresses.push(address);
        if !is_frame(fp + 8, next) {
            return StackEnd::NoFrame;
        }
        fp = next;
    }
    StackEnd::TooDeep
}

fn word(peek: &Peek<'_>, fp: u64, below: u64) -> Option<u64> {
    peek.read_u64(fp.checked_sub(below)?)
}

/// Whether `fp` can be a frame pointer of a stack that is used down to `lowest`.
fn is_frame(lowest: u64, fp: u64) -> bool {
    // Below the last doubleword of the address space, so that eight can be added.
    fp.is_multiple_of(8) && (16..u64::MAX - 8).contains(&fp) && fp >= lowest && fp - lowest <= MAX_FRAME_BYTES
}

/// Registers of a program that a trap has interrupted.
struct Interrupted {
    pc: u64,
    sp: u64,
}

/// The program that a trap has interrupted, if the kernel's outermost frame ends at `fp` and the
/// program's frame pointer was `caller`.
fn interrupted_program(peek: &Peek<'_>, fp: u64, caller: u64) -> Option<Interrupted> {
    if is_user_address(fp) || !is_user_address(caller) {
        return None;
    }
    let saved = |offset: u64| peek.read_u64(fp.checked_add(offset)?);
    let (pc, sp) = (saved(PT_REGS_EPC)?, saved(PT_REGS_SP)?);
    (saved(PT_REGS_S0)? == caller && is_user_address(pc) && pc != 0).then_some(Interrupted { pc, sp })
}

/// Whether the instruction before `address` is a call, a jump that links `ra` or `t0`.
fn is_behind_call(peek: &Peek<'_>, address: u64) -> bool {
    let mut bytes = [0; 4];
    if !address.is_multiple_of(2) || address < 4 {
        return false;
    }
    let has_all = peek.read(address - 4, &mut bytes) == 4;
    if !has_all && peek.read(address - 2, &mut bytes[2..]) != 2 {
        return false;
    }
    let full = u32::from_le_bytes(bytes);
    let links = matches!(full >> 7 & 31, 1 | 5);
    let is_call = matches!(full & 0x7f, 0x6f | 0x67) && links;
    let half = full >> 16;
    let is_compressed_call = half & 0xf07f == 0x9002 && half & 0xf80 != 0;
    has_all && is_call || is_compressed_call
}

#[cfg(test)]
mod tests {
    use vm_memory::{Bytes, GuestAddress};

    use super::*;
    use crate::addr::GuestPhys;
    use crate::mem::GuestRam;

    const RAM: u64 = 0x8000_0000;
    const CODE: u64 = RAM + 0x100;
    const STACK: u64 = RAM + 0x8000;

    /// RAM with calls before each multiple of 16 of the code.
    fn ram() -> GuestRam {
        let ram = GuestRam::new(GuestPhys(RAM), 0x1_0000).unwrap();
        for index in 0..200 {
            let call: u32 = if index % 2 == 0 { 0x0000_00ef } else { 0x9502 << 16 };
            ram.memory().write_obj(call, GuestAddress(CODE + index * 16 - 4)).unwrap();
        }
        ram
    }

    fn write(ram: &GuestRam, at: u64, value: u64) {
        ram.memory().write_obj(value, GuestAddress(at)).unwrap();
    }

    /// A frame that ends at `fp`.
    fn frame(ram: &GuestRam, fp: u64, ra: u64, caller: u64) {
        write(ram, fp - 8, ra);
        write(ram, fp - 16, caller);
    }

    fn walked(ram: &GuestRam, ra: u64, fp: u64) -> CallStack {
        walk(StackStart { pc: CODE + 2, ra, sp: STACK, fp }, &Peek::new(ram, 0))
    }

    #[test]
    fn frames_are_followed_to_the_outermost() {
        let ram = ram();
        frame(&ram, STACK + 0x20, CODE + 0x10, STACK + 0x40);
        frame(&ram, STACK + 0x40, CODE + 0x20, STACK + 0x80);
        frame(&ram, STACK + 0x80, 0, 0);
        let stack = walked(&ram, 0, STACK + 0x20);
        assert_eq!(stack.addresses, [CODE + 2, CODE + 0x10, CODE + 0x20]);
        assert_eq!(stack.end, StackEnd::NoFrame);
    }

    #[test]
    fn a_leaf_has_its_return_address_in_a_register() {
        let ram = ram();
        write(&ram, STACK + 0x18, STACK + 0x40);
        frame(&ram, STACK + 0x40, CODE + 0x20, 0);
        let stack = walked(&ram, CODE + 0x30, STACK + 0x20);
        assert_eq!((&stack.addresses[..], stack.link), (&[CODE + 2, CODE + 0x30, CODE + 0x20][..], None));
    }

    #[test]
    fn the_link_register_is_told_if_it_is_behind_a_call() {
        let ram = ram();
        frame(&ram, STACK + 0x20, CODE + 0x10, 0);
        let link = |ra: u64| walked(&ram, ra, STACK + 0x20).link;
        assert_eq!(
            [link(CODE + 0x30), link(CODE + 0x10), link(CODE + 0x32), link(1 << 63)],
            [Some(CODE + 0x30), None, None, None]
        );
        assert_eq!(walked(&ram, CODE + 0x30, 0).link, Some(CODE + 0x30), "without any frame");
    }

    #[test]
    fn what_is_no_frame_is_not_believed() {
        let ram = ram();
        for (ra, caller) in [(CODE + 0x12, STACK + 0x40), (CODE + 0x11, STACK + 0x40), (STACK, STACK), (1, 2)] {
            frame(&ram, STACK + 0x20, ra, caller);
            assert_eq!(walked(&ram, 0, STACK + 0x20).addresses, [CODE + 2], "{ra:#x}");
        }
        for fp in [0, 1, STACK + 1, STACK - 16, STACK + MAX_FRAME_BYTES + 8, !7] {
            assert_eq!(walked(&ram, 0, fp).addresses, [CODE + 2], "{fp:#x}");
        }
        frame(&ram, STACK + 0x20, CODE + 0x10, STACK + 0x10);
        assert_eq!(walked(&ram, 0, STACK + 0x20).addresses, [CODE + 2, CODE + 0x10], "the next is below");
    }

    #[test]
    fn a_walk_has_an_end() {
        let ram = ram();
        for index in 0..200 {
            let fp = STACK + 0x20 + index * 32;
            frame(&ram, fp, CODE + 0x10, fp + 32);
        }
        let stack = walked(&ram, 0, STACK + 0x20);
        assert_eq!((stack.addresses.len(), stack.end), (MAX_FRAMES, StackEnd::TooDeep));
        // A frame that is its own caller.
        frame(&ram, STACK + 0x20, CODE + 0x10, STACK + 0x20);
        assert!(walked(&ram, 0, STACK + 0x20).addresses.len() <= MAX_FRAMES);
        assert_eq!(walked(&ram, 0, RAM + 0x1_0010).end, StackEnd::Unreadable);
    }

    #[test]
    fn a_program_is_found_behind_the_frames_of_the_kernel() {
        // Sv39: the upper half's last gigabyte is RAM, and so is the lower half's third.
        const KERNEL: u64 = 0xffff_ffff_c000_0000;
        let ram = ram();
        write(&ram, RAM + 0x3000 + 511 * 8, RAM >> 2 | 0xcf);
        write(&ram, RAM + 0x3000 + 2 * 8, RAM >> 2 | 0xcf);
        let kernel = |address: u64| address - RAM + KERNEL;
        let (inner, outer, program) = (STACK + 0x20, STACK + 0x60, STACK + 0x1000);
        frame(&ram, inner, kernel(CODE + 0x10), kernel(outer));
        // The kernel's trap handler has called without a frame of its own.
        frame(&ram, outer, kernel(CODE + 0x25), program);
        write(&ram, outer, CODE + 0x52);
        write(&ram, outer + PT_REGS_SP, program - 0x40);
        write(&ram, outer + PT_REGS_S0, program);
        frame(&ram, program, CODE + 0x40, 0);
        let peek = Peek::new(&ram, 8 << 60 | (RAM + 0x3000) >> 12);
        let start = StackStart { pc: kernel(CODE + 2), ra: 0, sp: kernel(STACK), fp: kernel(inner) };
        let stack = walk(start, &peek);
        assert_eq!(stack.addresses, [kernel(CODE + 2), kernel(CODE + 0x10), CODE + 0x52, CODE + 0x40]);
        write(&ram, outer + PT_REGS_S0, program + 8);
        assert_eq!(walk(start, &peek).addresses.len(), 2, "another s0 was saved");
    }
}
