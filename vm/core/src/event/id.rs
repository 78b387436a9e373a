//! Identity of a machine.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Identity of a machine: a UUID of version 7 (RFC 9562, section 5.7), unique across hosts
/// and time. Kept through guest resets. Identities generated later on a host sort later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmId(Uuid);

impl VmId {
    /// Generates a new identity.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// Makes an identity of these 128 bits, for tests and for identities from elsewhere.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(Uuid::from_u128(bits))
    }

    /// The identity as 128 bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }
}

/// Lower case with hyphens, as in the label `vm_id`.
impl fmt::Display for VmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Text that is not a UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no machine identity: a UUID is expected, such as {example}", example = VmId::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001))]
pub struct ParseVmIdError(String);

impl FromStr for VmId {
    type Err = ParseVmIdError;

    fn from_str(text: &str) -> Result<Self, ParseVmIdError> {
        Uuid::try_parse(text).map(Self).map_err(|_| ParseVmIdError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_identity_leads_back_to_it() {
        let id = VmId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(VmId::from_u128(7).to_string(), "00000000-0000-0000-0000-000000000007");
        assert_eq!(VmId::from_u128(7).as_u128(), 7);
        let error = "seven".parse::<VmId>().expect_err("no UUID");
        assert!(error.to_string().starts_with("\"seven\" is no machine identity"), "{error}");
    }

    #[test]
    fn no_two_identities_are_equal_and_later_ones_sort_later() {
        let ids: Vec<VmId> = (0..1000).map(|_| VmId::generate()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
