# Sv39 (512 GiB, three levels: pages of 4 KiB, 2 MiB and 1 GiB).
# Specification: Privileged, "Sv39: Page-Based 39-bit Virtual-Memory System", "Virtual Address Translation Process".
# Expected: at each level, in both halves of the address space, S-mode and U-mode load, store and execute at the right
# physical address, and all mappings of a page show the same memory.

.include "bare.inc"
.text
.include "paging.inc"

.equ MODE, SATP_SV39

absent:
    j fail

.include "mapping.inc"
