//! Zba extension: address generation.

use super::row::extension;

extension! {
    /// Address generation.
    Zba {
        AddUw "add.uw" R 0x0800_003b;
        Sh1add "sh1add" R 0x2000_2033;
        Sh1addUw "sh1add.uw" R 0x2000_203b;
        Sh2add "sh2add" R 0x2000_4033;
        Sh2addUw "sh2add.uw" R 0x2000_403b;
        Sh3add "sh3add" R 0x2000_6033;
        Sh3addUw "sh3add.uw" R 0x2000_603b;
        SlliUw "slli.uw" Shift64 0x0800_101b;
    }
}
