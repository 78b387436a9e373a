//! Attributes of the process that sends the spans (OpenTelemetry's semantic conventions for resources).

use std::env;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

use crate::host::cpu::Processor;

/// Resource of the process. Attributes from its environment take precedence over detected
/// ones.
pub(super) fn resource(from_environment: Vec<KeyValue>) -> Resource {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let arch = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let found = [
        KeyValue::new("service.name", "riscope"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid(RandomIdGenerator::default().new_trace_id().to_bytes())),
        KeyValue::new("host.name", host.trim().to_owned()),
        KeyValue::new("host.arch", arch),
        KeyValue::new("os.type", env::consts::OS),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    Resource::builder_empty()
        .with_attributes(found)
        .with_attributes(Processor::of_the_host().attributes())
        .with_detectors(&[Box::new(TelemetryResourceDetector)])
        .with_attributes(from_environment)
        .build()
}

/// Makes a UUID of version 4 from random bytes (RFC 9562, section 5.4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_have_uuids() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
