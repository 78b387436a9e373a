//! Values of fields, for whoever writes events without knowing their types.

use std::sync::Arc;

/// Value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A number that is never negative.
    Unsigned(u64),
    /// A number that may be negative.
    Signed(i64),
    /// A name, or a label of a closed set.
    Text(&'a str),
}

/// A type of fields.
pub trait AsField {
    /// The value.
    fn as_field(&self) -> Field<'_>;
}

impl AsField for u32 {
    fn as_field(&self) -> Field<'_> {
        Field::Unsigned((*self).into())
    }
}

impl AsField for u64 {
    fn as_field(&self) -> Field<'_> {
        Field::Unsigned(*self)
    }
}

impl AsField for i32 {
    fn as_field(&self) -> Field<'_> {
        Field::Signed((*self).into())
    }
}

impl AsField for &str {
    fn as_field(&self) -> Field<'_> {
        Field::Text(self)
    }
}

impl AsField for Arc<str> {
    fn as_field(&self) -> Field<'_> {
        Field::Text(self)
    }
}
