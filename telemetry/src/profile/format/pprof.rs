//! pprof's format: the messages of `profile.proto` that a profile needs, compressed with gzip.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use prost::Message;

use super::super::model::{Frame, Labels, Profile, Stack};
use crate::profile::shown::shown;

/// Greatest number of bytes of a profile that is read, unpacked, and of functions of a stack.
const MAX_READ: u64 = 256 << 20;
const MAX_DEPTH: usize = 1024;

/// `perftools.profiles.Profile`; each index is one into `string_table`.
#[derive(Clone, PartialEq, Message)]
struct PprofProfile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
    #[prost(int64, repeated, tag = "13")]
    comment: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
    #[prost(int64, tag = "3")]
    number: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    memory_start: u64,
    #[prost(uint64, tag = "3")]
    memory_limit: u64,
    #[prost(int64, tag = "5")]
    filename: i64,
    #[prost(bool, tag = "7")]
    has_functions: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(uint64, tag = "3")]
    address: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

/// Strings, each once; the first is empty.
#[derive(Debug)]
struct Strings {
    list: Vec<String>,
    known: HashMap<String, i64>,
}

impl Strings {
    fn new() -> Self {
        Self { list: vec![String::new()], known: HashMap::from([(String::new(), 0)]) }
    }

    fn index(&mut self, text: &str) -> i64 {
        if let Some(index) = self.known.get(text) {
            return *index;
        }
        let index = signed(self.list.len() as u64);
        self.list.push(text.to_owned());
        self.known.insert(text.to_owned(), index);
        index
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A profile with the values `samples/count` and `cpu/nanoseconds`, and the labels `hart`, `mode` and
/// `activity`.
///
/// # Errors
/// Those of the compression.
pub(super) fn encode(profile: &Profile) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&message(profile).encode_to_vec())?;
    encoder.finish()
}

fn message(profile: &Profile) -> PprofProfile {
    let mut strings = Strings::new();
    let samples = ValueType { kind: strings.index("samples"), unit: strings.index("count") };
    let cpu = ValueType { kind: strings.index("cpu"), unit: strings.index("nanoseconds") };
    let mut out = PprofProfile {
        sample_type: vec![samples, cpu],
        time_nanos: signed(profile.start_ns),
        duration_nanos: signed(profile.duration_ns),
        period_type: Some(cpu),
        period: signed(profile.period_ns),
        ..PprofProfile::default()
    };
    add_places(&mut out, profile, &mut strings);
    for (stack, count) in &profile.stacks {
        let Labels { hart, mode, activity } = stack.labels;
        let text =
            |strings: &mut Strings, key, text| Label { key: strings.index(key), text: strings.index(text), number: 0 };
        let label = vec![
            Label { key: strings.index("hart"), text: 0, number: hart.into() },
            text(&mut strings, "mode", mode),
            text(&mut strings, "activity", activity),
        ];
        let location_id = stack.frames.iter().map(|index| *index as u64 + 1).collect();
        let value = vec![signed(*count), signed(count.saturating_mul(profile.period_ns))];
        out.sample.push(Sample { location_id, value, label });
    }
    out.comment = profile.comments.iter().map(|comment| strings.index(comment)).collect();
    out.string_table = strings.list;
    out
}

/// A mapping per module, and a location and function per frame, numbered from 1.
fn add_places(out: &mut PprofProfile, profile: &Profile, strings: &mut Strings) {
    let mut modules = HashMap::<&str, u64>::new();
    for (frame, id) in profile.frames.iter().zip(1..) {
        let filename = strings.index(&frame.module);
        let mapping_id = *modules.entry(&*frame.module).or_insert_with(|| {
            let id = out.mapping.len() as u64 + 1;
            out.mapping.push(Mapping { id, filename, has_functions: true, memory_start: u64::MAX, memory_limit: 0 });
            id
        });
        if let Some(mapping) = out.mapping.iter_mut().find(|mapping| mapping.id == mapping_id) {
            mapping.memory_start = mapping.memory_start.min(frame.address);
            mapping.memory_limit = mapping.memory_limit.max(frame.address.saturating_add(1));
        }
        let name = strings.index(&frame.name);
        out.function.push(Function { id, name, system_name: name, filename });
        out.location.push(Location { id, mapping_id, address: frame.address, line: vec![Line { function_id: id }] });
    }
}

/// Reads a profile whose first value is a number of samples; `None` if it is damaged.
pub(super) fn decode(bytes: &[u8]) -> Option<Profile> {
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes).take(MAX_READ).read_to_end(&mut unpacked).ok()?;
    let message = PprofProfile::decode(unpacked.as_slice()).ok()?;
    let string = |index: i64| usize::try_from(index).ok().and_then(|index| message.string_table.get(index));
    let functions: HashMap<u64, &Function> = message.function.iter().map(|function| (function.id, function)).collect();
    let mappings: HashMap<u64, &Mapping> = message.mapping.iter().map(|mapping| (mapping.id, mapping)).collect();
    let mut profile = Profile {
        period_ns: u64::try_from(message.period).unwrap_or(0),
        duration_ns: u64::try_from(message.duration_nanos).unwrap_or(0),
        start_ns: u64::try_from(message.time_nanos).unwrap_or(0),
        comments: message.comment.iter().filter_map(|index| string(*index)).cloned().collect(),
        ..Profile::default()
    };
    let mut positions = HashMap::new();
    for location in &message.location {
        let function = location.line.first().and_then(|line| functions.get(&line.function_id));
        let name = function.and_then(|function| string(function.name)).filter(|name| !name.is_empty());
        let module = mappings.get(&location.mapping_id).and_then(|mapping| string(mapping.filename));
        positions.insert(location.id, profile.frames.len());
        profile.frames.push(Frame {
            name: name.map_or_else(|| format!("{:#x}", location.address).into(), |name| shown(name.as_bytes()).into()),
            module: module.map_or_else(|| Arc::from(""), |module| module.as_str().into()),
            address: location.address,
            is_named: name.is_some(),
        });
    }
    for sample in &message.sample {
        let frames = sample.location_id.iter().take(MAX_DEPTH).map(|id| positions.get(id).copied());
        let stack = Stack { frames: frames.collect::<Option<_>>()?, labels: Labels::default() };
        profile.stacks.push((stack, u64::try_from(*sample.value.first()?).unwrap_or(0)));
    }
    Some(profile)
}

#[cfg(test)]
mod tests {
    use super::super::super::model::testing::profile;
    use super::*;

    #[test]
    fn a_profile_is_read_as_it_was_written_but_for_labels() {
        let mut profile = profile(&[("main;f;g", 3), ("main", 2)]);
        profile.comments.push("a fact".into());
        let mut read = decode(&encode(&profile).unwrap()).expect("a profile");
        read.stacks.iter_mut().for_each(|(stack, _)| stack.labels = profile.stacks[0].0.labels);
        assert_eq!(read, profile);
    }

    #[test]
    fn a_damaged_file_is_none_or_another_profile() {
        let bytes = encode(&profile(&[("main;f;g", 3), ("main", 2)])).unwrap();
        assert!((0..bytes.len() - 8).all(|length| decode(&bytes[..length]).is_none()));
        let raw = message(&profile(&[("main;f;g", 3)])).encode_to_vec();
        for at in 0..raw.len() {
            let mut damaged = raw.clone();
            damaged[at] ^= 0xff;
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&damaged).unwrap();
            let _ = decode(&encoder.finish().unwrap());
        }
    }
}
