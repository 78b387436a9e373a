# Sv57 (128 PiB, five levels: pages of 4 KiB, 2 MiB, 1 GiB, 512 GiB and 256 TiB).
# Specification: Privileged, "Sv57: Page-Based 57-bit Virtual-Memory System", "Virtual Address Translation Process".
# Expected: at each level, in both halves of the address space, S-mode and U-mode load, store and execute at the right
# physical address, and all mappings of a page show the same memory. The mode is optional: without it the program
# passes.

.include "bare.inc"
.text
.include "paging.inc"

.equ MODE, SATP_SV57

absent:
    feature_absent

.include "mapping.inc"
