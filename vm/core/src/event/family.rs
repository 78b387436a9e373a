//! Macro that declares a family of events.

/// Declares the events of one family: the enum of events, and the enum of their types.
///
/// A row is the only declaration of an event: variant, stable name (`family.what_happened`)
/// and fields. Field types implement `Default`, from which [`blank`] makes events, and
/// [`AsField`], by which events are written.
///
/// What follows `=>` says how events of the type are coalesced in queues that allow it: events
/// of a machine that agree in the fields named by `by` become one event, with the sum of the
/// fields named by `adding` and the newest value of all others. Types without it are not
/// coalesced, because each event matters or its place among others does.
///
/// [`blank`]: super::Event::blank
/// [`AsField`]: crate::field::AsField
macro_rules! events {
    (
        $(#[$doc:meta])*
        pub enum $event:ident, types $kind:ident {
            $(
                $(#[$vdoc:meta])*
                $variant:ident $name:literal { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* }
                $(=> coalesced by ($($key:ident),*) $(, adding ($($sum:ident),+))?)?
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

            /// Calls `visit` with the name and value of each field.
            pub(super) fn visit_fields(&self, visit: &mut dyn FnMut(&'static str, $crate::field::Field<'_>)) {
                match self {
                    $(Self::$variant { $($field,)* } => {
                        $(visit(stringify!($field), $crate::field::AsField::as_field($field));)*
                    })*
                }
            }

            /// Feeds what it is coalesced by into `hasher`; false if it is not coalesced.
            #[allow(unreachable_patterns, unused_variables, reason = "a family may have no other type, or only others")]
            pub(super) fn hash_subject(&self, hasher: &mut impl std::hash::Hasher) -> bool {
                match self {
                    $($(Self::$variant { $($key,)* .. } => {
                        std::hash::Hash::hash(&($kind::$variant, $($key,)*), hasher);
                        true
                    })?)*
                    _ => false,
                }
            }

            /// Whether the two may be coalesced.
            #[allow(
                unreachable_patterns,
                irrefutable_let_patterns,
                unused_variables,
                reason = "a family may have no other type, or only others"
            )]
            pub(super) fn has_subject_of(&self, other: &Self) -> bool {
                match self {
                    $($(Self::$variant { $($key,)* .. } => {
                        let subject = ($kind::$variant, $($key,)*);
                        let Self::$variant { $($key,)* .. } = other else { return false };
                        subject == ($kind::$variant, $($key,)*)
                    })?)*
                    _ => false,
                }
            }

            /// Makes the event stand also for `older`, which has the same subject.
            #[allow(irrefutable_let_patterns, reason = "a family may have no other type")]
            pub(super) fn add(&mut self, older: &Self) {
                match older {
                    $($($(Self::$variant { $($sum,)+ .. } => {
                        $(
                            let counted = *$sum;
                            if let Self::$variant { $sum, .. } = self {
                                *$sum = $sum.saturating_add(counted);
                            }
                        )+
                    })?)?)*
                    _ => {}
                }
            }
        }
    };
}
pub(super) use events;
