//! Zicsr extension: access to control and status registers.

use super::row::extension;

extension! {
    /// Control and status register access.
    Zicsr {
        Csrrw "csrrw" Csr 0x0000_1073;
        Csrrs "csrrs" Csr 0x0000_2073;
        Csrrc "csrrc" Csr 0x0000_3073;
        Csrrwi "csrrwi" CsrImm 0x0000_5073;
        Csrrsi "csrrsi" CsrImm 0x0000_6073;
        Csrrci "csrrci" CsrImm 0x0000_7073;
    }
}
