# Sv48 (256 TiB, four levels: pages of 4 KiB, 2 MiB, 1 GiB and 512 GiB).
# Specification: Privileged, "Sv48: Page-Based 48-bit Virtual-Memory System", "Virtual Address Translation Process".
# Expected: at each level, in both halves of the address space, S-mode and U-mode load, store and execute at the right
# physical address, and all mappings of a page show the same memory.

.include "bare.inc"
.text
.include "paging.inc"

.equ MODE, SATP_SV48

absent:
    j fail

.include "mapping.inc"
