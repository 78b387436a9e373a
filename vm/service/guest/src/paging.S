# paging.S: Sv39 page tables, and pages that appear when they are touched.
#
#   virtual address                     to                pages   access
#   0x80200000 .. + 2 MiB  the program  itself            4 KiB   as the section asks
#   0x80400000 .. RAM end  bulk data    itself            2 MiB   read, write
#   WINDOW_BASE + 4 MiB    on demand    `frame_pool`      4 KiB   read, write
#   ALIAS_BASE + 64 KiB    generated    `code_buffer`     4 KiB   read, write
#
# No page is both writable and executable: generated code is written through
# the alias and runs from `code_buffer`. The firmware below the program and the
# devices have no mapping at all; the guest reaches them by SBI calls.

    .include "demo.inc"

    .equ PTES,           512            # entries of a table
    .equ SUPERPAGE_SIZE, 1 << SUPERPAGE_SHIFT
    .equ RAM_ROOT_INDEX, 0x80200000 >> 30
    .equ WINDOW_ROOT_INDEX, WINDOW_BASE >> 30

variable page_faults                # answered by `map_on_demand`
variable frames_used                # of `frame_pool`

    # Tables are whole pages; .bss clears them.
    .section .bss
    .balign PAGE_SIZE
root_table:
    .zero   PAGE_SIZE
ram_table:                          # level 1, for the gigabyte at 0x80000000
    .zero   PAGE_SIZE
program_table:                      # level 0, for the program
    .zero   PAGE_SIZE
high_table:                         # level 1, for window and alias
    .zero   PAGE_SIZE
window_tables:                      # level 0, for the window
    .zero   2 * PAGE_SIZE
alias_table:                        # level 0, for the alias
    .zero   PAGE_SIZE

bulk frame_pool, WINDOW_BYTES

    .text

# Builds the tables and turns paging on.
    .globl  paging_enable
paging_enable:
    enter
    la      a0, root_table
    la      a1, ram_table
    jal     table_entry
    sd      a1, (RAM_ROOT_INDEX * 8)(a0)
    la      a1, high_table
    jal     table_entry
    sd      a1, (WINDOW_ROOT_INDEX * 8)(a0)
    la      a0, high_table
    la      a1, window_tables
    jal     table_entry
    sd      a1, 0(a0)
    la      a1, window_tables + PAGE_SIZE
    jal     table_entry
    sd      a1, 8(a0)
    la      a1, alias_table
    jal     table_entry
    sd      a1, 16(a0)
    jal     map_program
    jal     map_ram

    # The write of a mode that the hart lacks has no effect at all.
    la      t0, root_table
    srli    t0, t0, PAGE_SHIFT
    li      t1, SATP_MODE_SV39 << 60
    or      t0, t0, t1
    sfence.vma
    csrw    satp, t0
    sfence.vma
    csrr    t1, satp
    require_equal t0, t1, "the hart has no Sv39"
    leave

# Maps each part of the program with the access it needs.
map_program:
    enter
    la      a0, text_start
    la      a1, text_end
    li      a2, PTE_READ_EXECUTE
    jal     map_identity
    la      a0, rodata_start
    la      a1, rodata_end
    li      a2, PTE_READ
    jal     map_identity
    la      a0, data_start
    la      a1, stack_guard
    li      a2, PTE_READ_WRITE
    jal     map_identity
    la      a0, stack_bottom
    la      a1, code_buffer
    li      a2, PTE_READ_WRITE
    jal     map_identity
    la      a0, code_buffer
    la      a1, code_buffer_end
    li      a2, PTE_READ_EXECUTE
    jal     map_identity

    la      a0, alias_table         # the alias starts at the first entry
    la      a1, code_buffer
    la      a2, code_buffer_end
    li      a3, PTE_READ_WRITE
    jal     map_pages
    leave

# Maps a0 .. a1, which lies in the program, to itself with the flags a2.
map_identity:
    mv      a3, a2
    mv      a2, a1
    mv      a1, a0
    srli    a0, a0, PAGE_SHIFT
    andi    a0, a0, PTES - 1        # index of the first entry
    slli    a0, a0, 3
    la      t0, program_table
    add     a0, a0, t0
    # falls through

# Writes entries from a0 on for the physical pages a1 .. a2 with the flags a3.
map_pages:
    srli    t0, a1, PAGE_SHIFT
    slli    t0, t0, 10              # page number in bits 53:10
    or      t0, t0, a3
    li      t1, PAGE_SIZE
1:  bgeu    a1, a2, 2f
    sd      t0, 0(a0)
    addi    a0, a0, 8
    addi    t0, t0, 1 << 10
    add     a1, a1, t1
    j       1b
2:  ret

# Maps the RAM of the gigabyte that the program is in: the program's 2 MiB by
# its own table, what follows by superpages.
map_ram:
    enter
    la      t4, bulk_start
    la      t5, bulk_end
    ld      t0, ram_base
    ld      t1, ram_size
    add     t1, t0, t1
    bgeu    t1, t5, 1f
    text    a0, "the demo needs 16 MiB of RAM"
    j       fail
1:  la      a0, ram_table
    la      a1, program_table
    jal     table_entry
    sd      a1, 8(a0)               # 0x80200000 is the second 2 MiB

    # Whole superpages only; at most as many as the table has entries left.
    srli    t1, t1, SUPERPAGE_SHIFT
    li      t2, (RAM_ROOT_INDEX + 1) << (30 - SUPERPAGE_SHIFT)
    bltu    t1, t2, 2f
    mv      t1, t2
2:  srli    t2, t4, SUPERPAGE_SHIFT # number of the first superpage
    addi    a0, a0, 16
3:  slli    t3, t2, SUPERPAGE_SHIFT - PAGE_SHIFT + 10
    ori     t3, t3, PTE_READ_WRITE
    sd      t3, 0(a0)
    addi    a0, a0, 8
    addi    t2, t2, 1
    bltu    t2, t1, 3b
    leave

# Turns the address of a table, a1, into the entry that points to it.
table_entry:
    srli    a1, a1, PAGE_SHIFT
    slli    a1, a1, 10
    ori     a1, a1, PTE_V           # no access bits: not a leaf
    ret

# Answers a page fault at the address a0: if it lies in the window and has no
# page, maps a cleared one there. Returns 0 if the fault is not of that kind.
    .globl  map_on_demand
map_on_demand:
    li      t0, WINDOW_BASE
    sub     t0, a0, t0
    li      t1, WINDOW_BYTES
    bgeu    t0, t1, 3f              # also if below: the difference wraps
    srli    t0, t0, PAGE_SHIFT
    slli    t0, t0, 3
    la      t1, window_tables       # two tables in a row are one long one
    add     t0, t0, t1
    ld      t1, 0(t0)
    bnez    t1, 3f

    # Frames are given out in the order of the faults. There are as many as
    # pages in the window.
    ld      t1, frames_used
    addi    t2, t1, 1
    sd      t2, frames_used, t3
    slli    t1, t1, PAGE_SHIFT
    la      t2, frame_pool
    add     t1, t1, t2

    li      t2, PAGE_SIZE
    add     t2, t1, t2
    mv      t3, t1
1:  sd      zero, 0(t3)             # the frame has its own address in RAM
    sd      zero, 8(t3)
    sd      zero, 16(t3)
    sd      zero, 24(t3)
    addi    t3, t3, 32
    bltu    t3, t2, 1b

    srli    t1, t1, PAGE_SHIFT
    slli    t1, t1, 10
    ori     t1, t1, PTE_READ_WRITE
    sd      t1, 0(t0)
    sfence.vma a0, zero             # a hart may remember invalid entries too
    ld      t0, page_faults
    addi    t0, t0, 1
    sd      t0, page_faults, t1
    li      a0, 1
    ret
3:  li      a0, 0
    ret

# Takes all pages out of the window again.
    .globl  window_clear
window_clear:
    la      t0, window_tables
    li      t1, 2 * PAGE_SIZE
    add     t1, t0, t1
1:  sd      zero, 0(t0)
    addi    t0, t0, 8
    bltu    t0, t1, 1b
    sd      zero, frames_used, t0
    sfence.vma                      # all addresses, all address spaces
    ret
