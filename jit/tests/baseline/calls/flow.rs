//! Returns that go elsewhere than behind the last call, depth, and code that is not translated
//! yet.

use riscope_core::hart::PrivilegeMode;

use super::{DEPTH, RA, ROUNDS, SCRATCH, SP, STACK, T0, copy, pop_and_return, push, recursion, ret};
use crate::bench::{DATA, PAGE, Pair, at, csr};
use crate::common::assembler::Assembler;
use crate::system::{
    CALLED, FUNCTION, HANDLER, MAIN, OTHER_FUNCTION, TABLES, adder, machines, map, pad, run_in_pieces, space, work,
    work_on_all,
};

const MACHINE: PrivilegeMode = PrivilegeMode::Machine;

/// Many functions, and many calls.
const FUNCTIONS: u64 = 0x1_0000;
const SITES: u64 = 0x1_8000;

/// A call: its name, its offset in the page, and how it is made.
type Call = (&'static str, usize, fn(&mut Assembler));

/// A program with a stack that has the addresses of the functions in `x24` and `x25`.
fn start() -> Assembler {
    let mut asm = Assembler::default();
    asm.constant(SP, STACK);
    asm.constant(24, at(FUNCTION));
    asm.constant(25, at(OTHER_FUNCTION));
    asm.constant(26, at(DATA));
    asm
}

/// Runs a program that calls such functions.
#[track_caller]
fn run(main: Assembler, function: Assembler, other: Assembler, what: &str) -> Pair {
    let mut pair = machines(MACHINE, main, Assembler::default());
    pair.write(FUNCTION, &function.finish());
    pair.write(OTHER_FUNCTION, &other.finish());
    run_in_pieces(&mut pair, 0, what);
    pair
}

#[test]
fn recursion_may_be_deeper_than_the_calls_that_are_kept() {
    let mut asm = start();
    let again = asm.here();
    asm.imm("addi", ROUNDS, ROUNDS, 693);
    asm.imm("andi", DEPTH, ROUNDS, 0x3ff);
    asm.imm("jalr", RA, 24, 0);
    work_on_all(&mut asm);
    asm.jump(0, again);
    let mut pair = run(asm, recursion(|_| ()), Assembler::default(), "recursion");
    assert!(pair.translated.hart().x(ROUNDS as usize) > 693 * 6, "rounds of depth 693, 362, 31, 724, 393, 62");
}

#[test]
fn calls_that_never_return_take_little_of_the_hosts_stack() {
    /// Less than all calls of a quantum would take.
    const STACK_BYTES: usize = 128 << 10;
    let mut asm = start();
    let again = asm.here();
    asm.jump(RA, again);
    let mut pair = machines(MACHINE, asm, Assembler::default());
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let run = thread.spawn_scoped(scope, || run_in_pieces(&mut pair, 0, "endless calls")).expect("a thread");
        run.join().expect("the engines agree");
    });
}

#[test]
fn a_long_jump_leaves_several_levels_at_once() {
    let mut asm = start();
    let (again, jumped) = (asm.here(), asm.label());
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.imm("jalr", RA, 24, 0);
    asm.branch("bne", 28, 0, jumped);
    asm.imm("jalr", RA, 25, 0);
    work_on_all(&mut asm);
    asm.jump(0, again);
    asm.bind(jumped);
    work(&mut asm, &[0, 4, 8, 12]);
    asm.imm("addi", 29, 29, 1);
    asm.jump(0, again);
    let mut set = Assembler::default();
    set.store("sd", RA, 26, 0);
    set.store("sd", SP, 26, 8);
    set.constant(28, 0);
    ret(&mut set);
    // Five levels; the last one goes back to the main line in a quarter of the rounds.
    let mut levels = Assembler::default();
    for n in 0..5 {
        let deeper = levels.label();
        push(&mut levels);
        work(&mut levels, &[n, n + 4]);
        levels.jump(RA, deeper);
        work(&mut levels, &[n + 5]);
        pop_and_return(&mut levels);
        levels.bind(deeper);
    }
    let jumps = levels.label();
    levels.imm("andi", SCRATCH, ROUNDS, 3);
    levels.branch("beq", SCRATCH, 0, jumps);
    ret(&mut levels);
    levels.bind(jumps);
    levels.imm("ld", RA, 26, 0);
    levels.imm("ld", SP, 26, 8);
    levels.constant(28, 1);
    ret(&mut levels);
    let mut pair = run(asm, set, levels, "long jumps");
    assert!(pair.translated.hart().x(29) > 100, "there were long jumps");
}

#[test]
fn a_return_may_go_elsewhere() {
    let mut asm = start();
    let elsewhere = asm.label();
    // The address of `elsewhere`.
    asm.constant(27, at(MAIN) + 0x100);
    let again = asm.here();
    work(&mut asm, &[0, 1, 2, 3, 4, 5, 11, 12]);
    asm.imm("jalr", RA, 24, 0);
    asm.imm("addi", 28, 28, 1);
    work(&mut asm, &[6, 7]);
    asm.jump(0, again);
    pad(&mut asm, 0x100);
    asm.bind(elsewhere);
    asm.imm("addi", 29, 29, 1);
    asm.jump(0, again);
    let mut function = Assembler::default();
    let ways: [_; 4] = std::array::from_fn(|_| function.label());
    function.imm("addi", ROUNDS, ROUNDS, 1);
    function.imm("andi", SCRATCH, ROUNDS, 7);
    for way in ways {
        function.branch("beq", SCRATCH, 0, way);
        function.imm("addi", SCRATCH, SCRATCH, -1);
    }
    ret(&mut function);
    // Over an instruction, in two ways; to another place, as return and as jump.
    function.bind(ways[0]);
    function.imm("jalr", 0, RA, 4);
    function.bind(ways[1]);
    function.imm("addi", RA, RA, 4);
    ret(&mut function);
    function.bind(ways[2]);
    copy(&mut function, RA, 27);
    ret(&mut function);
    function.bind(ways[3]);
    function.imm("jalr", 0, 27, 0);
    let mut pair = run(asm, function, Assembler::default(), "returns that go elsewhere");
    let [behind, elsewhere] = [28, 29].map(|n| pair.translated.hart().x(n));
    assert!(elsewhere > 200 && behind.abs_diff(2 * elsewhere) < 5, "returns: {behind}, {elsewhere}");
}

#[test]
fn coroutines_switch_stacks_at_depth() {
    // Each has an address and a stack pointer in memory; `x26` and `x27` are its own and the
    // other's.
    let mut asm = start();
    asm.constant(27, at(DATA + 16));
    asm.constant(29, at(OTHER_FUNCTION));
    asm.constant(SP, at(DATA + 0x2000));
    asm.store("sd", SP, 27, 8);
    asm.constant(SCRATCH, at(MAIN) + 0x100);
    asm.store("sd", SCRATCH, 27, 0);
    asm.constant(SP, STACK);
    let first = asm.here();
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    work(&mut asm, &[0, 1, 2, 11]);
    asm.imm("andi", DEPTH, ROUNDS, 15);
    asm.imm("jalr", RA, 24, 0);
    work(&mut asm, &[7, 8]);
    asm.jump(0, first);
    pad(&mut asm, 0x100);
    let second = asm.here();
    work(&mut asm, &[3, 4, 12]);
    asm.imm("andi", DEPTH, ROUNDS, 7);
    asm.imm("jalr", RA, 24, 0);
    work(&mut asm, &[9, 10]);
    asm.imm("jalr", RA, 29, 0);
    asm.jump(0, second);
    let function = recursion(|asm| {
        push(asm);
        asm.imm("jalr", RA, 29, 0);
        work(asm, &[4, 5]);
        asm.imm("ld", RA, SP, 0);
        asm.imm("addi", SP, SP, 16);
    });
    let mut switch = Assembler::default();
    switch.store("sd", RA, 26, 0);
    switch.store("sd", SP, 26, 8);
    switch.imm("ld", RA, 27, 0);
    switch.imm("ld", SP, 27, 8);
    copy(&mut switch, 28, 26);
    copy(&mut switch, 26, 27);
    copy(&mut switch, 27, 28);
    ret(&mut switch);
    let mut pair = run(asm, function, switch, "coroutines");
    assert!(pair.translated.hart().x(ROUNDS as usize) > 100, "they took turns");
}

#[test]
fn tail_calls_return_to_the_caller_or_where_the_return_address_was_changed_to() {
    let mut asm = start();
    asm.constant(26, at(FUNCTION) + 0x100);
    asm.constant(27, at(FUNCTION) + 0x200);
    asm.constant(28, at(MAIN) + 0x100);
    let again = asm.here();
    for function in [24, 26, 24, 27] {
        work(&mut asm, &[0, 1, 2, 3, 12]);
        asm.imm("jalr", RA, function, 0);
    }
    asm.imm("addi", 29, 29, 1);
    asm.jump(0, again);
    pad(&mut asm, 0x100);
    work(&mut asm, &[8, 9]);
    asm.jump(0, again);
    // A tail call; one with another return address; a call in between, with the return
    // address in another register.
    let mut function = Assembler::default();
    work(&mut function, &[2]);
    function.imm("jalr", 0, 25, 0);
    pad(&mut function, 0x100);
    copy(&mut function, 30, RA);
    function.imm("jalr", RA, 25, 0);
    work(&mut function, &[3, 4]);
    function.imm("jalr", 0, 30, 0);
    pad(&mut function, 0x200);
    let plain = function.label();
    function.imm("addi", ROUNDS, ROUNDS, 1);
    function.imm("andi", SCRATCH, ROUNDS, 1);
    function.branch("beq", SCRATCH, 0, plain);
    copy(&mut function, RA, 28);
    function.bind(plain);
    function.imm("jalr", 0, 25, 0);
    let mut callee = Assembler::default();
    work(&mut callee, &[5, 6]);
    ret(&mut callee);
    let mut pair = run(asm, function, callee, "tail calls");
    let [rounds, usual] = [ROUNDS as usize, 29].map(|n| pair.translated.hart().x(n));
    assert!(rounds > 200 && rounds.abs_diff(2 * usual) < 3, "rounds: {rounds}, {usual}");
}

#[test]
fn either_link_register_is_called_and_returned_through() {
    let mut asm = start();
    asm.constant(26, at(FUNCTION) + 0x80);
    asm.constant(27, at(FUNCTION) + 0x100);
    asm.constant(28, at(FUNCTION) + 0x180);
    asm.constant(30, at(FUNCTION) + 0x140);
    let again = asm.here();
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    work(&mut asm, &[0, 1, 2, 3, 4, 5, 6, 12]);
    // Returns through t0.
    asm.imm("jalr", T0, 24, 0);
    // Calls that, and returns through ra.
    asm.imm("jalr", RA, 26, 0);
    // The register with the address is the link.
    copy(&mut asm, RA, 26);
    asm.imm("jalr", RA, RA, 0);
    copy(&mut asm, T0, 24);
    asm.imm("jalr", T0, T0, 0);
    // Returns by a call, and is called back by one.
    asm.imm("jalr", RA, 27, 0);
    work(&mut asm, &[8]);
    asm.imm("jalr", RA, T0, 0);
    // The same with the link registers exchanged.
    asm.imm("jalr", T0, 30, 0);
    work(&mut asm, &[7]);
    asm.imm("jalr", T0, RA, 0);
    // Called through t0, returns through ra.
    asm.imm("jalr", T0, 28, 0);
    // Compressed.
    asm.raw(0x9002 | 26 << 7);
    asm.raw(0x0001);
    asm.jump(0, again);
    let mut function = Assembler::default();
    work(&mut function, &[9]);
    function.imm("jalr", 0, T0, 0);
    pad(&mut function, 0x80);
    copy(&mut function, 29, RA);
    function.imm("jalr", T0, 24, 0);
    copy(&mut function, RA, 29);
    function.raw(0x8082);
    function.raw(0x0001);
    pad(&mut function, 0x100);
    // Back to the caller with the other register as link, and back again.
    function.imm("jalr", T0, RA, 0);
    work(&mut function, &[10]);
    ret(&mut function);
    pad(&mut function, 0x140);
    function.imm("jalr", RA, T0, 0);
    work(&mut function, &[11]);
    function.imm("jalr", 0, T0, 0);
    pad(&mut function, 0x180);
    copy(&mut function, RA, T0);
    ret(&mut function);
    let mut pair = run(asm, function, Assembler::default(), "links");
    assert!(pair.translated.hart().x(ROUNDS as usize) > 100, "rounds were made");
}

#[test]
fn a_function_may_jump_to_itself_as_if_it_returned() {
    // After each fence the callee is looked up. The caller uses registers such that it keeps
    // the link in a host register that the look-up does not preserve.
    for link in [RA, T0] {
        let mut asm = start();
        let again = asm.here();
        asm.imm("addi", ROUNDS, ROUNDS, 1);
        asm.imm("sfence.vma", 0, 0, 0);
        work(&mut asm, &[0, 1, 2, 3, 4, 5, 6]);
        asm.imm("jalr", link, 24, 0);
        work(&mut asm, &[0, 1, 2, 3, 4, 5, 6]);
        asm.jump(0, again);
        let mut function = Assembler::default();
        let out = function.label();
        function.imm("addi", 28, 28, 1);
        function.imm("andi", SCRATCH, 28, 3);
        function.branch("beq", SCRATCH, 0, out);
        // The other link register has the address of the function.
        copy(&mut function, RA + T0 - link, 24);
        function.imm("jalr", 0, RA + T0 - link, 0);
        function.bind(out);
        function.imm("jalr", 0, link, 0);
        let mut pair = run(asm, function, Assembler::default(), "jumps to itself");
        assert!(pair.translated.hart().x(ROUNDS as usize) > 100, "rounds were made");
    }
}

#[test]
fn a_call_at_the_end_of_a_page_returns_to_the_page_behind() {
    let calls: [Call; 4] = [
        ("a call", 0xffc, |asm| asm.imm("jalr", RA, 25, 0)),
        ("a compressed call", 0xffe, |asm| asm.raw(0x9002 | 25 << 7)),
        ("a call across the end", 0xffe, |asm| asm.imm("jalr", RA, 25, 0)),
        ("a call through t0", 0xffc, |asm| asm.imm("jalr", T0, 26, 0)),
    ];
    for (what, offset, call) in calls {
        // In M-mode, where the next page is adjacent, and where it is elsewhere in memory.
        for mode in [MACHINE, PrivilegeMode::Supervisor] {
            let paged = mode != MACHINE;
            let mut asm = start();
            if paged {
                asm.constant(24, space(TABLES, 0));
                asm.csr("csrrw", 0, csr("satp"), 24);
            }
            asm.constant(24, if paged { CALLED } else { at(FUNCTION) } + 0xf00);
            asm.constant(25, at(MAIN) + 0x800);
            asm.constant(26, at(MAIN) + 0x900);
            asm.constant(27, if paged { CALLED } else { at(FUNCTION) });
            let again = asm.here();
            work(&mut asm, &[0, 1, 2, 3]);
            asm.imm("jalr", RA, 24, 0);
            asm.imm("jalr", RA, 27, 0);
            asm.jump(0, again);
            let mut pair = machines(mode, asm, Assembler::default());
            map(&pair, TABLES, FUNCTION);
            let behind = if paged { HANDLER } else { OTHER_FUNCTION };
            let entry = TABLES + 2 * PAGE + 8 * (CALLED / PAGE + 1);
            pair.write(entry, &(at(behind) >> 2 | 0xcf).to_le_bytes());
            // At the start of the page, which the end of the page is not, is code as well.
            let mut code = Assembler::default();
            code.imm("addi", 29, 29, 1);
            ret(&mut code);
            pad(&mut code, 0xf00);
            push(&mut code);
            work(&mut code, &[5, 6]);
            pad(&mut code, offset & !3);
            if offset & 2 != 0 {
                code.raw(0x0001);
            }
            call(&mut code);
            work(&mut code, &[7]);
            pop_and_return(&mut code);
            let code = code.finish();
            pair.write(FUNCTION, &code[..PAGE as usize]);
            pair.write(behind, &code[PAGE as usize..]);
            pair.write(MAIN + 0x800, &adder(28, 1));
            let mut function = Assembler::default();
            function.imm("addi", 28, 28, 1);
            function.imm("jalr", 0, T0, 0);
            pair.write(MAIN + 0x900, &function.finish());
            run_in_pieces(&mut pair, 0, what);
            assert!(pair.translated.hart().x(28) > 500, "{what}: calls");
        }
    }
}

#[test]
fn callees_and_return_points_may_be_new() {
    // A function is called a few times and then the next one; and many calls, each with its
    // return point, in the order in which they are in memory.
    const COUNT: u64 = 256;
    let mut asm = start();
    asm.constant(26, at(FUNCTIONS));
    asm.constant(27, at(SITES));
    asm.constant(29, at(FUNCTIONS + 64 * COUNT));
    let (again, within) = (asm.here(), asm.label());
    work(&mut asm, &[0, 1, 2, 3]);
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.imm("jalr", RA, 26, 0);
    work(&mut asm, &[4, 5]);
    asm.imm("andi", SCRATCH, ROUNDS, 3);
    asm.branch("bne", SCRATCH, 0, again);
    asm.imm("addi", 26, 26, 64);
    asm.branch("bltu", 26, 29, within);
    asm.constant(26, at(FUNCTIONS));
    asm.imm("jalr", RA, 27, 0);
    asm.bind(within);
    asm.jump(0, again);
    let mut pair = machines(MACHINE, asm, Assembler::default());
    let mut sites = Assembler::default();
    push(&mut sites);
    for n in 0..COUNT {
        pair.write(FUNCTIONS + 64 * n, &adder(28, 1 + n as i32));
        sites.imm("jalr", RA, 24, 0);
        work(&mut sites, &[n as usize]);
    }
    pop_and_return(&mut sites);
    pair.write(SITES, &sites.finish());
    pair.write(FUNCTION, &adder(30, 1));
    run_in_pieces(&mut pair, 0, "new code");
    assert!(pair.translated.hart().x(30) >= COUNT, "all of it was reached");
}

#[test]
fn a_return_point_may_be_reached_late() {
    // The callee returns behind an instruction, until it returns to that for the first time.
    let mut asm = start();
    let again = asm.here();
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    work(&mut asm, &[0, 1, 2, 3]);
    asm.imm("jalr", RA, 24, 0);
    asm.imm("addi", 28, 28, 1);
    work(&mut asm, &[4, 5]);
    asm.jump(0, again);
    let mut function = Assembler::default();
    let rare = function.label();
    function.imm("andi", SCRATCH, ROUNDS, 0x1ff);
    function.branch("beq", SCRATCH, 0, rare);
    function.imm("jalr", 0, RA, 4);
    function.bind(rare);
    ret(&mut function);
    let mut pair = run(asm, function, Assembler::default(), "late returns");
    let [late, rounds] = [28, ROUNDS as usize].map(|n| pair.translated.hart().x(n));
    assert!(late > 2 && late == rounds / 512, "returns: {late} in {rounds}");
}
