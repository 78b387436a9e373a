//! Zicond extension: conditional zero.

use super::{Handler, reg_reg};
use crate::isa::zicond::Zicond;

pub(super) fn handler(op: Zicond) -> Handler {
    match op {
        Zicond::CzeroEqz => reg_reg!(|a, b| if b == 0 { 0 } else { a }),
        Zicond::CzeroNez => reg_reg!(|a, b| if b == 0 { a } else { 0 }),
    }
}
