//! A check of what generated code expects of host functions.

/// In debug builds, writes an address of code to what a host function does not preserve, so
/// that whoever relies on it fails every time.
#[cfg(debug_assertions)]
macro_rules! poison {
    () => {
        "mov rcx, rsi\nmov rdx, rsi\nmov r8, rsi\nmov r9, rsi\nmov r10, rsi\nmov r11, rsi"
    };
}
#[cfg(not(debug_assertions))]
macro_rules! poison {
    () => {
        ""
    };
}
pub(super) use poison;
