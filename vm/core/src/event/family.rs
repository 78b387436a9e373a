//! Macro that declares a family of events.

/// Declares the events of one family: the enum of events, and the enum of their types.
///
/// A row is the only declaration of an event: variant, stable name (`family.what_happened`)
/// and fields. Field types implement `Default`, from which [`blank`] makes events.
///
/// [`blank`]: super::Event::blank
macro_rules! events {
    (
        $(#[$doc:meta])*
        pub enum $event:ident, types $kind:ident {
            $(
                $(#[$vdoc:meta])*
                $variant:ident $name:literal { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* }
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $event {
            $($(#[$vdoc])* $variant { $($(#[$fdoc])* $field: $type,)* },)*
        }

        $crate::labels! {
            #[doc = concat!("Types of [`", stringify!($event), "`].")]
            pub enum $kind {
                $(#[doc = concat!("[`", stringify!($event), "::", stringify!($variant), "`]")] $variant $name,)*
            }
        }

        impl $event {
            /// Type of the event.
            pub const fn kind(&self) -> $kind {
                match self {
                    $(Self::$variant { .. } => $kind::$variant,)*
                }
            }

            /// An event of this type with default fields; see [`super::Event::blank`].
            pub(super) fn blank(kind: $kind) -> Self {
                match kind {
                    $($kind::$variant => Self::$variant { $($field: <$type>::default(),)* },)*
                }
            }
        }
    };
}
pub(super) use events;
