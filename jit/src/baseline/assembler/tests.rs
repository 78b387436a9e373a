//! Encodings and labels.

use super::super::operand::Xmm;
use super::*;

/// Compares the code of each line with what binutils makes of the comment beside it.
macro_rules! encodings {
    ($($call:ident($($argument:expr),*) is [$($byte:literal)*];)*) => {
        $({
            let mut asm = Assembler::default();
            asm.$call($($argument),*);
            let expected: &[u8] = &[$($byte),*];
            assert_eq!(asm.finish().bytes, expected, "{}", stringify!($call($($argument),*)));
        })*
    };
}

fn mem(base: Reg, offset: i32) -> Mem {
    Mem { base, offset }
}

#[test]
fn bytes_are_stored_from_the_low_byte_of_every_register() {
    // Without a prefix, numbers 4 to 7 would be ah, ch, dh and bh.
    encodings! {
        store_sized(mem(Reg::RAX, 0), Reg::RBX, 1) is [0x88 0x18];
        store_sized(mem(Reg::RAX, 0), Reg::RSP, 1) is [0x40 0x88 0x20];
        store_sized(mem(Reg::RAX, 0), Reg::RBP, 1) is [0x40 0x88 0x28];
        store_sized(mem(Reg::RAX, 0), Reg::RSI, 1) is [0x40 0x88 0x30];
        store_sized(mem(Reg::RAX, 0), Reg::RDI, 1) is [0x40 0x88 0x38];
        store_sized(mem(Reg::RAX, 0), Reg::R8, 1) is [0x44 0x88 0x00];
        store_sized(mem(Reg::RAX, 0), Reg::R15, 1) is [0x44 0x88 0x38];
        set_if(Condition::Equal, Reg::RAX) is [0x0f 0x94 0xc0];
        set_if(Condition::Less, Reg::RSI) is [0x40 0x0f 0x9c 0xc6];
        set_if(Condition::Below, Reg::R8) is [0x41 0x0f 0x92 0xc0];
        extend_reg(Reg::RBX, Reg::RSI, 1, false) is [0x40 0x0f 0xb6 0xde];
        extend_reg(Reg::RBX, Reg::RBP, 1, true) is [0x48 0x0f 0xbe 0xdd];
        extend_reg(Reg::R12, Reg::R9, 1, false) is [0x45 0x0f 0xb6 0xe1];
    }
}

#[test]
fn every_register_can_be_a_base() {
    // rsp and r12 need a second byte for the address, rbp and r13 an offset.
    encodings! {
        store(mem(Reg::RSP, 0), Reg::RAX) is [0x48 0x89 0x04 0x24];
        store(mem(Reg::R12, 0), Reg::R13) is [0x4d 0x89 0x2c 0x24];
        store(mem(Reg::RBP, 0), Reg::RCX) is [0x48 0x89 0x4d 0x00];
        store(mem(Reg::R13, 0), Reg::RCX) is [0x49 0x89 0x4d 0x00];
        store(mem(Reg::RDI, 8), Reg::R12) is [0x4c 0x89 0x67 0x08];
        store(mem(Reg::RDI, -128), Reg::RBX) is [0x48 0x89 0x5f 0x80];
        store(mem(Reg::RDI, 0x100), Reg::RBX) is [0x48 0x89 0x9f 0x00 0x01 0x00 0x00];
        store(mem(Reg::R12, 0x100), Reg::RBX) is [0x49 0x89 0x9c 0x24 0x00 0x01 0x00 0x00];
        lea(Width::Double, Reg::R13, Reg::R12, 4) is [0x4d 0x8d 0x6c 0x24 0x04];
        lea(Width::Double, Reg::RBP, Reg::R13, 0) is [0x49 0x8d 0x6d 0x00];
        lea(Width::Word, Reg::RAX, Reg::RBP, -1) is [0x8d 0x45 0xff];
        lea_indexed(Width::Double, Reg::RAX, Reg::RBP, Reg::R12, 3) is [0x4a 0x8d 0x44 0xe5 0x00];
        lea_indexed(Width::Double, Reg::RBX, Reg::R13, Reg::RAX, 0) is [0x49 0x8d 0x5c 0x05 0x00];
        lea_indexed(Width::Double, Reg::R8, Reg::RBX, Reg::RCX, 1) is [0x4c 0x8d 0x04 0x4b];
        add(Width::Double, Reg::R9, mem(Reg::R12, 0)) is [0x4d 0x03 0x0c 0x24];
        call_at(mem(Reg::RDI, 16)) is [0xff 0x57 0x10];
        jump_at(mem(Reg::RAX, 8)) is [0xff 0x60 0x08];
    }
}

#[test]
fn sizes_are_as_wide_as_they_say() {
    encodings! {
        store_sized(mem(Reg::RAX, 0), Reg::R9, 2) is [0x66 0x44 0x89 0x08];
        store_sized(mem(Reg::RAX, 0), Reg::RBP, 4) is [0x89 0x28];
        store_sized(mem(Reg::RAX, 0), Reg::R15, 8) is [0x4c 0x89 0x38];
        store_zero(mem(Reg::RAX, 0), 1) is [0xc6 0x00 0x00];
        store_zero(mem(Reg::RAX, 0), 2) is [0x66 0xc7 0x00 0x00 0x00];
        store_zero(mem(Reg::RAX, 0), 4) is [0xc7 0x00 0x00 0x00 0x00 0x00];
        store_zero(mem(Reg::RAX, 0), 8) is [0x48 0xc7 0x00 0x00 0x00 0x00 0x00];
        load_sized(Reg::RBX, mem(Reg::RAX, 0), 1, true) is [0x48 0x0f 0xbe 0x18];
        load_sized(Reg::RBX, mem(Reg::RAX, 0), 2, false) is [0x0f 0xb7 0x18];
        load_sized(Reg::RBX, mem(Reg::RAX, 0), 2, true) is [0x48 0x0f 0xbf 0x18];
        load_sized(Reg::RBX, mem(Reg::RAX, 0), 4, false) is [0x8b 0x18];
        load_sized(Reg::RBX, mem(Reg::RAX, 0), 4, true) is [0x48 0x63 0x18];
        load_sized(Reg::RBX, mem(Reg::RAX, 0), 8, false) is [0x48 0x8b 0x18];
        mov_word(Reg::RAX, Reg::R8) is [0x41 0x8b 0xc0];
        sign_extend_word(Reg::RAX, Reg::R8) is [0x49 0x63 0xc0];
        compare_with(mem(Reg::RDI, 8), 64) is [0x48 0x83 0x7f 0x08 0x40];
        subtract_from(mem(Reg::RDI, 8), 5) is [0x48 0x83 0x6f 0x08 0x05];
        swap_bytes(Reg::R12) is [0x49 0x0f 0xcc];
        store_load_fence() is [0xf0 0x83 0x0c 0x24 0x00];
        ret() is [0xc3];
    }
}

#[test]
fn atomics_lock_the_bus() {
    encodings! {
        exchange_and_add(Width::Double, mem(Reg::RAX, 0), Reg::RCX) is [0xf0 0x48 0x0f 0xc1 0x08];
        exchange_and_add(Width::Word, mem(Reg::RAX, 0), Reg::RCX) is [0xf0 0x0f 0xc1 0x08];
        exchange(Width::Double, mem(Reg::RAX, 0), Reg::RCX) is [0x48 0x87 0x08];
        exchange(Width::Word, mem(Reg::RAX, 0), Reg::RCX) is [0x87 0x08];
        compare_and_exchange(Width::Double, mem(Reg::RCX, 0), Reg::RDX) is [0xf0 0x48 0x0f 0xb1 0x11];
        compare_and_exchange(Width::Word, mem(Reg::RCX, 0), Reg::RDX) is [0xf0 0x0f 0xb1 0x11];
    }
}

#[test]
fn bits_are_tested_and_counted_in_either_width() {
    encodings! {
        test_low(Reg::RAX, 7) is [0xf6 0xc0 0x07];
        test_byte(mem(Reg::RDI, 0x40), 2) is [0xf6 0x47 0x40 0x02];
        add_to(mem(Reg::RDI, 0x40), Reg::RAX) is [0x48 0x01 0x47 0x40];
        and_to(mem(Reg::RDI, 0x40), -3) is [0x48 0x83 0x67 0x40 0xfd];
        highest_bit(Width::Double, Reg::RDX, Reg::R12) is [0x49 0x0f 0xbd 0xd4];
        highest_bit(Width::Word, Reg::RDX, Reg::R12) is [0x41 0x0f 0xbd 0xd4];
        lowest_bit(Width::Double, Reg::RDX, Reg::RBX) is [0x48 0x0f 0xbc 0xd3];
        lowest_bit(Width::Word, Reg::RDX, Reg::RBX) is [0x0f 0xbc 0xd3];
        count_bits(Width::Double, Reg::RBX, Reg::R9) is [0xf3 0x49 0x0f 0xb8 0xd9];
        count_bits(Width::Word, Reg::RBX, Reg::R9) is [0xf3 0x41 0x0f 0xb8 0xd9];
    }
}

#[test]
fn vectors_are_sixteen_bytes() {
    encodings! {
        clear_vector(Xmm::XMM0) is [0x66 0x0f 0xef 0xc0];
        fill_vector(Xmm::XMM0, Reg::R12) is [0x66 0x49 0x0f 0x6e 0xc4];
        take_vector(Reg::RBX, Xmm::XMM0) is [0x66 0x48 0x0f 0x7e 0xc3];
        equal_bytes(Xmm::XMM0, Xmm::XMM1) is [0x66 0x0f 0x74 0xc1];
        store_vector(mem(Reg::RAX, 48), Xmm::XMM0) is [0x0f 0x11 0x40 0x30];
    }
}

#[test]
fn constants_have_all_their_bits() {
    encodings! {
        mov(Reg::RAX, Reg::RBX) is [0x48 0x8b 0xc3];
        mov(Reg::R12, Reg::R12) is [];
        mov(Reg::RAX, 0) is [0x33 0xc0];
        mov(Reg::R12, 5) is [0x41 0xbc 0x05 0x00 0x00 0x00];
        mov(Reg::RAX, i32::MAX) is [0xb8 0xff 0xff 0xff 0x7f];
        mov(Reg::RAX, -1) is [0x48 0xc7 0xc0 0xff 0xff 0xff 0xff];
        mov(Reg::R8, i32::MIN) is [0x49 0xc7 0xc0 0x00 0x00 0x00 0x80];
        mov_wide(Reg::R13, 0x0123_4567_89ab_cdef) is [0x49 0xbd 0xef 0xcd 0xab 0x89 0x67 0x45 0x23 0x01];
        add(Width::Double, Reg::RBX, -1) is [0x48 0x83 0xc3 0xff];
        add(Width::Double, Reg::RBX, 128) is [0x48 0x81 0xc3 0x80 0x00 0x00 0x00];
        add(Width::Word, Reg::R12, 0x1234) is [0x41 0x81 0xc4 0x34 0x12 0x00 0x00];
        cmp(Width::Double, Reg::RBP, -129) is [0x48 0x81 0xfd 0x7f 0xff 0xff 0xff];
        shl(Width::Double, Reg::RAX, 63) is [0x48 0xc1 0xe0 0x3f];
        ror(Width::Word, Reg::RBX, 5) is [0xc1 0xcb 0x05];
        rol_cl(Width::Double, Reg::R10) is [0x49 0xd3 0xc2];
    }
}

#[test]
fn labels_are_reached_from_both_sides() {
    let mut asm = Assembler::default();
    let (back, forward) = (asm.label(), asm.label());
    asm.bind(back);
    asm.jump_if(Condition::Less, forward);
    asm.jump(back);
    asm.jump_if(Condition::AboveEqual, back);
    asm.jump(forward);
    asm.lea_label(Reg::RDX, forward);
    asm.bind(forward);
    asm.lea_label(Reg::RDX, back);
    let mut expected = Vec::new();
    let mut put = |bytes: &[u8], distance: i32| {
        expected.extend_from_slice(bytes);
        expected.extend_from_slice(&distance.to_le_bytes());
    };
    // 0: jl 29; 6: jmp 0; 11: jae 0; 17: jmp 29; 22: lea rdx, 29; 29: lea rdx, 0
    put(&[0x0f, 0x8c], 29 - 6);
    put(&[0xe9], -11);
    put(&[0x0f, 0x83], -17);
    put(&[0xe9], 29 - 22);
    put(&[0x48, 0x8d, 0x15], 0);
    put(&[0x48, 0x8d, 0x15], -36);
    assert_eq!(asm.finish().bytes, expected);
}

#[test]
fn a_cleared_assembler_starts_anew() {
    let mut asm = Assembler::default();
    let label = asm.label();
    asm.jump(label);
    asm.ret();
    asm.bind(label);
    // Not finished: its use of the label must be gone as well.
    asm.clear();
    assert_eq!(asm.len(), 0);
    let label = asm.label();
    asm.ret();
    asm.bind(label);
    asm.data(&[1, 2, 3]);
    asm.jump(label);
    assert_eq!(asm.finish().bytes, [0xc3, 1, 2, 3, 0xe9, 0xf8, 0xff, 0xff, 0xff]);
}
