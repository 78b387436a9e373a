//! Formats of profiles.
//!
//! | file | format |
//! |---|---|
//! | `pprof.rs` | pprof: Protocol Buffers, compressed with gzip |
//! | `folded.rs` | folded stacks: a line each, as `flamegraph.pl` and others take them |
//! | `speedscope.rs` | JSON of <https://www.speedscope.app> |
//! | `svg.rs` | flame graph, also of a difference |
//! | `top.rs` | table of functions |

mod folded;
mod pprof;
mod speedscope;
mod svg;
mod top;

use std::path::Path;

use super::diff::compare_text;
use super::model::Profile;

/// Functions in tables.
const TABLE_ROWS: usize = 60;

/// Why a profile cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file name or the format's name says no format.
    #[error("{0:?} says no format of a profile: use pb.gz (pprof), folded, json (speedscope), svg or txt")]
    Unknown(String),
    /// The file is no profile that can be read.
    #[error("this is no profile that can be read: give one in pprof's format (.pb.gz) or as folded stacks (.folded)")]
    Unreadable,
    /// Profiles are not compared in this format.
    #[error("two profiles are compared as folded, svg or txt")]
    NoDifference,
    /// Compression failed.
    #[error("cannot compress the profile: {0}")]
    Compress(#[from] std::io::Error),
}

/// Format of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// pprof, compressed.
    Pprof,
    /// Folded stacks.
    Folded,
    /// Speedscope's JSON.
    Speedscope,
    /// Flame graph.
    Svg,
    /// Table of the hottest functions.
    Text,
}

impl Format {
    /// Format that the name of a file says.
    ///
    /// # Errors
    /// [`FormatError::Unknown`].
    pub fn of_path(path: &Path) -> Result<Self, FormatError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unknown = || FormatError::Unknown(name.clone().into_owned());
        let (_, extension) = name.rsplit_once('.').ok_or_else(unknown)?;
        match extension {
            "gz" if name.ends_with(".pb.gz") => Ok(Self::Pprof),
            "gz" => Err(unknown()),
            extension => Self::of_name(extension).map_err(|_| unknown()),
        }
    }

    /// Format with this name, as it is asked for by HTTP.
    ///
    /// # Errors
    /// [`FormatError::Unknown`].
    pub fn of_name(name: &str) -> Result<Self, FormatError> {
        match name {
            "pprof" | "pb" | "pb.gz" => Ok(Self::Pprof),
            "folded" | "collapsed" => Ok(Self::Folded),
            "json" | "speedscope" => Ok(Self::Speedscope),
            "svg" | "flamegraph" => Ok(Self::Svg),
            "txt" | "text" | "top" => Ok(Self::Text),
            _ => Err(FormatError::Unknown(name.to_owned())),
        }
    }

    /// Media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Pprof => "application/octet-stream",
            Self::Folded | Self::Text => "text/plain; charset=utf-8",
            Self::Speedscope => "application/json",
            Self::Svg => "image/svg+xml",
        }
    }

    /// Writes a profile.
    ///
    /// # Errors
    /// [`FormatError::Compress`].
    pub fn encode(self, profile: &Profile) -> Result<Vec<u8>, FormatError> {
        Ok(match self {
            Self::Pprof => pprof::encode(profile)?,
            Self::Folded => folded::encode(profile).into_bytes(),
            Self::Speedscope => speedscope::encode(profile).into_bytes(),
            Self::Svg => svg::encode(profile, None).into_bytes(),
            Self::Text => top::encode(profile, TABLE_ROWS).into_bytes(),
        })
    }

    /// Writes the difference of two profiles.
    ///
    /// # Errors
    /// [`FormatError::NoDifference`] for formats that have none.
    pub fn encode_difference(self, before: &Profile, after: &Profile) -> Result<Vec<u8>, FormatError> {
        Ok(match self {
            Self::Folded => folded::encode_difference(before, after).into_bytes(),
            Self::Svg => svg::encode(after, Some(before)).into_bytes(),
            Self::Text => compare_text(before, after, TABLE_ROWS).into_bytes(),
            Self::Pprof | Self::Speedscope => return Err(FormatError::NoDifference),
        })
    }
}

/// Reads a profile in pprof's format or as folded stacks.
///
/// # Errors
/// [`FormatError::Unreadable`].
pub fn decode(bytes: &[u8]) -> Result<Profile, FormatError> {
    let is_compressed = bytes.starts_with(&[0x1f, 0x8b]);
    let decoded = if is_compressed { pprof::decode(bytes) } else { folded::decode(bytes) };
    decoded.ok_or(FormatError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_the_format() {
        let format = |name: &str| Format::of_path(Path::new(name)).ok();
        assert_eq!(format("a/b.pb.gz"), Some(Format::Pprof));
        assert_eq!(format("b.folded"), Some(Format::Folded));
        assert_eq!(format("b.json"), Some(Format::Speedscope));
        assert_eq!(format("b.svg"), Some(Format::Svg));
        assert_eq!(format("b.txt"), Some(Format::Text));
        assert_eq!([format("b"), format("b.gz"), format("b.tar.gz"), format("b.pdf"), format("/")], [None; 5]);
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        for bytes in [&b""[..], b"hello", b"\x1f\x8b\x08", b"\x00\x01\x02", b"a;b notanumber\n"] {
            assert!(matches!(decode(bytes), Err(FormatError::Unreadable)), "{bytes:?}");
        }
    }
}
