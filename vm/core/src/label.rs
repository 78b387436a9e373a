//! Closed sets of label values: enums with declared names.

/// Declares an enum with a stable name per variant, and with a code per variant where the
/// specification assigns one. Suitable as the closed value set of a metric label.
#[macro_export]
macro_rules! labels {
    ($(#[$doc:meta])* $vis:vis enum $name:ident {
        $($(#[$vdoc:meta])* $variant:ident $label:literal $(= $code:literal)?,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[$vdoc])* $variant $(= $code)?,)*
        }

        impl Default for $name {
            /// The first value.
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl $crate::field::AsField for $name {
            fn as_field(&self) -> $crate::field::Field<'_> {
                $crate::field::Field::Text(self.as_str())
            }
        }

        impl $name {
            /// All values, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Stable lower-case names, in order of [`Self::ALL`].
            pub const NAMES: [&'static str; Self::ALL.len()] = [$($label,)*];

            /// Stable lower-case name, for metrics and spans.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)*
                }
            }

            /// The value named `name`.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($label => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Position in [`Self::ALL`]; not the specification's code.
            pub const fn index(self) -> usize {
                enum Position {
                    $($variant,)*
                }
                match self {
                    $(Self::$variant => Position::$variant as usize,)*
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the macro declares public sets")]

    crate::labels! {
        /// Two values.
        pub enum Switch {
            /// Closed.
            On "on",
            /// Open.
            Off "off",
        }
    }

    labels! {
        /// Two values with codes.
        pub enum Lamp {
            /// Stop.
            Red "red" = 3,
            /// Go.
            Green "green" = 7,
        }
    }

    #[test]
    fn names_and_positions_lead_back_to_the_value() {
        assert_eq!(Switch::ALL, [Switch::On, Switch::Off]);
        assert_eq!(Switch::NAMES, ["on", "off"]);
        for (position, value) in Switch::ALL.iter().enumerate() {
            assert_eq!(value.index(), position);
            assert_eq!(Switch::from_name(value.as_str()), Some(*value));
        }
        assert_eq!(Switch::from_name("ajar"), None);
        assert_eq!(Switch::default(), Switch::On);
    }

    #[test]
    fn codes_do_not_move_positions() {
        assert_eq!(Lamp::ALL.iter().map(|lamp| *lamp as u64).collect::<Vec<_>>(), [3, 7]);
        assert_eq!(Lamp::ALL.iter().map(|lamp| lamp.index()).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(Lamp::NAMES, ["red", "green"]);
        assert_eq!(Lamp::from_name("green"), Some(Lamp::Green));
        assert_eq!(Lamp::Red.as_str(), "red");
    }
}
