# The A and D bits of page-table entries, with menvcfg.ADUE clear (Svade: the access faults) and set (Svadu: the hart
# sets the bits).
# Specification: Privileged, "Virtual Address Translation Process" (step 9), "Machine Environment Configuration
# (menvcfg) Register", "Svadu", "Svade".
# Expected: ADUE = 0: a load or fetch with A clear and a store with A or D clear page-fault, and the entry stays. ADUE
# = 1: these accesses complete; loads and fetches set A only, stores, AMOs and successful SCs A and D, all other bits
# stay; an access that is not allowed sets no D. riscope has Svadu; on machines without it the scheme that they follow
# is tested.

.include "bare.inc"
.text
.include "paging.inc"

.equ TEST_VA, 0x40000000
.equ NEXT_VA, 0x40001000
.equ MEGA_VA, 0x40200000
.equ RWX, PTE_V | PTE_R | PTE_W | PTE_X

# Gives the page the flags, with nothing of it in a TLB.
.macro set_page flags
    pte_of t0, page, \flags
    sd t0, 0(s0)
    sfence.vma
.endm

.macro check_page flags
    pte_of t0, page, \flags
    ld t1, 0(s0)
    check_eq t1, t0
.endm

# D is clear (A may have been set speculatively), all else is \flags.
.macro check_page_clean flags
    pte_of t0, page, \flags
    ld t1, 0(s0)
    ori t0, t0, PTE_A
    ori t1, t1, PTE_A
    check_eq t1, t0
.endm

test:
    space_on
    la s0, page_pte
    ld s0, 0(s0)
    la s1, pointer_pte
    ld s1, 0(s1)
    ld s2, 0(s1)
    la s3, mega_pte
    ld s3, 0(s3)
    li a0, TEST_VA
case 1                              # which schemes are there?
    probe_csr_bits menvcfg, ENVCFG_ADUE, fixed_scheme
case 2                              # ADUE = 1
    jal s10, hardware_updates
    li t0, ENVCFG_ADUE
    csrc menvcfg, t0
    sfence.vma
case 3                              # ADUE = 0
    jal s10, access_faults
    done

fixed_scheme:
    .ifdef REQUIRE_ALL
    j fail
    .endif
case 4                              # without Svadu: find out which of the two the machine does
    li a0, TEST_VA
    set_page RWX
    run_in PRV_S, access_load
    trap_field t0, TRAP_CAUSE
    li t1, CAUSE_LOAD_PAGE
    beq t0, t1, 1f
    jal s10, hardware_updates
    done
1:  jal s10, access_faults
    done

access_faults:
case 10                             # loads
    set_page RWX
    s_access_faults access_load, CAUSE_LOAD_PAGE
    check_page RWX
    s_access_faults access_reserve, CAUSE_LOAD_PAGE
    set_page RWX | PTE_D
    s_access_faults access_load, CAUSE_LOAD_PAGE
    check_page RWX | PTE_D
    set_page RWX | PTE_A
    s_access_works access_load
    s_access_works access_reserve
    check_page RWX | PTE_A
case 11                             # stores
    set_page RWX
    s_access_faults access_store, CAUSE_STORE_PAGE
    set_page RWX | PTE_D
    s_access_faults access_store, CAUSE_STORE_PAGE
    check_page RWX | PTE_D
    set_page RWX | PTE_A
    s_access_faults access_store, CAUSE_STORE_PAGE
    s_access_faults access_swap, CAUSE_STORE_PAGE
    check_page RWX | PTE_A
    set_page RWX | PTE_A | PTE_D
    ld a1, page
    s_access_works access_store
    check_page RWX | PTE_A | PTE_D
case 12                             # fetches
    set_page RWX
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    set_page RWX | PTE_D
    fetch_faults PRV_S, CAUSE_FETCH_PAGE
    set_page RWX | PTE_A
    fetch_works PRV_S
    check_page RWX | PTE_A
case 13                             # U-mode, and a store after a load of the same page
    set_page RWX | PTE_U
    u_access_faults access_load, CAUSE_LOAD_PAGE
    set_page RWX | PTE_U | PTE_A
    u_access_works access_load
    u_access_faults access_store, CAUSE_STORE_PAGE
    u_access_works access_load
case 14                             # superpages
    li a0, MEGA_VA
    li t0, (0x80000000 >> 2) | RWX | PTE_A
    sd t0, 0(s3)
    sfence.vma
    s_access_works access_load
    s_access_faults access_store, CAUSE_STORE_PAGE
    li a0, TEST_VA
case 15                             # pointers stay
    ld t0, 0(s1)
    check_eq t0, s2
    jr s10

hardware_updates:
case 20                             # a load sets A
    set_page RWX
    s_access_works access_load
    check_page RWX | PTE_A
    set_page RWX | PTE_RSW | PTE_G
    s_access_works access_load
    check_page RWX | PTE_RSW | PTE_G | PTE_A
    set_page RWX
    s_access_works access_reserve
    check_page RWX | PTE_A
case 21                             # a store sets both, also after a load
    ld a1, page
    s_access_works access_store
    check_page RWX | PTE_A | PTE_D
    set_page RWX
    s_access_works access_store
    check_page RWX | PTE_A | PTE_D
    set_page RWX | PTE_RSW
    s_access_works access_store_byte
    check_page RWX | PTE_RSW | PTE_A | PTE_D
case 22                             # AMO and a successful SC
    set_page RWX
    s_access_works access_swap
    check_page RWX | PTE_A | PTE_D
    set_page RWX
    ld a1, page
    run_in PRV_S, access_conditional
    check_ecall_from PRV_S
    bnez a2, 1f                     # an SC may fail for no reason
    check_page RWX | PTE_A | PTE_D
1:
case 23                             # a fetch sets A
    set_page RWX
    fetch_works PRV_S
    check_page RWX | PTE_A
    set_page RWX | PTE_U
    fetch_works PRV_U
    check_page RWX | PTE_U | PTE_A
case 24                             # cleared by software, set again
    set_page RWX | PTE_A
    s_access_works access_store
    check_page RWX | PTE_A | PTE_D
    set_page RWX | PTE_A
    s_access_works access_load
    check_page RWX | PTE_A
case 25                             # an access that is not allowed sets no D
    set_page PTE_V | PTE_R | PTE_X
    s_access_faults access_store, CAUSE_STORE_PAGE
    check_page_clean PTE_V | PTE_R | PTE_X
    set_page RWX
    u_access_faults access_store, CAUSE_STORE_PAGE
    check_page_clean RWX
    set_page RWX | PTE_U
    s_access_faults access_store, CAUSE_STORE_PAGE
    check_page_clean RWX | PTE_U
case 26                             # superpages
    li a0, MEGA_VA
    li t0, (0x80000000 >> 2) | RWX
    sd t0, 0(s3)
    sfence.vma
    s_access_works access_load
    ld t0, 0(s3)
    check_value t0, (0x80000000 >> 2) | RWX | PTE_A
    ld a1, _start
    s_access_works access_store
    ld t0, 0(s3)
    check_value t0, (0x80000000 >> 2) | RWX | PTE_A | PTE_D
case 27                             # a store over two pages sets D in both
    la s4, next_pte
    ld s4, 0(s4)
    pte_of t0, next_page, RWX
    sd t0, 0(s4)
    set_page RWX
    li a0, NEXT_VA - 3
    run_in PRV_S, access_store
    trap_field t0, TRAP_CAUSE
    li t1, CAUSE_STORE_MISALIGNED
    bne t0, t1, 1f
    .ifdef REQUIRE_ALL
    j fail
    .endif
    j no_misaligned
1:  check_ecall_from PRV_S
    check_page RWX | PTE_A | PTE_D
    pte_of t0, next_page, RWX | PTE_A | PTE_D
    ld t1, 0(s4)
    check_eq t1, t0
no_misaligned:
    li a0, TEST_VA
case 28                             # through MPRV
    set_page RWX
    li t0, STATUS_MPP
    csrc mstatus, t0
    li t0, (PRV_S << STATUS_MPP_SHIFT) | STATUS_MPRV
    ld a1, page
    csrs mstatus, t0
    sd a1, 0(a0)
    csrc mstatus, t0
    check_page RWX | PTE_A | PTE_D
case 29                             # pointers stay
    ld t0, 0(s1)
    check_eq t0, s2
    jr s10

.balign 4
access_conditional:
    lr.d a2, (a0)
    sc.d a2, a1, (a0)
    ecall

setup:
    mv s8, ra
    li a0, SATP_SV39
    li a1, 0
    jal ra, space_create
    map TEST_VA, page, RWX, 0, page_pte
    map NEXT_VA, next_page, RWX, 0, next_pte
    map MEGA_VA, page, RWX, 1, mega_pte
    la t0, mega_pte
    ld t1, 0(t0)
    addi t1, t1, -8
    la t0, pointer_pte
    sd t1, 0(t0)
    jr s8

.section .data
page_pte:
    .dword 0
next_pte:
    .dword 0
pointer_pte:
    .dword 0
mega_pte:
    .dword 0
.balign 4096
page:
    .4byte 0x00000073               # ecall
    .4byte 0
    .balign 4096
    .zero 4096
next_page:
    .zero 4096

.text
iterations 100
.include "runtime.inc"
