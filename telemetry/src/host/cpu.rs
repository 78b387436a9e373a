//! Identity of the host's processor, with the names of OpenTelemetry's conventions for `host.cpu`.

use opentelemetry::KeyValue;

/// Longest value that is kept, in bytes.
const MAX_VALUE: usize = 64;

/// What the kernel says of a processor (`/proc/cpuinfo`); `""` for what it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Processor {
    /// Vendor: the text of CPUID, or the implementer's number on Arm.
    vendor: String,
    /// Family, or the version of the architecture on Arm.
    family: String,
    /// Model, or the part number on Arm.
    model: String,
    /// Name for users. Arm has none.
    name: String,
    /// Stepping, or the revision on Arm.
    stepping: String,
    /// Version of the microcode. Arm has none.
    microcode: String,
}

impl Processor {
    /// The first processor of the host. All of them are taken to be alike.
    pub(crate) fn of_the_host() -> Self {
        Self::parse(&std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
    }

    fn parse(cpuinfo: &str) -> Self {
        let mut it = Self::default();
        for line in cpuinfo.lines().take_while(|line| !line.trim().is_empty()) {
            let Some((key, value)) = line.split_once(':') else { continue };
            let field = match key.trim() {
                "vendor_id" | "CPU implementer" => &mut it.vendor,
                "cpu family" | "CPU architecture" => &mut it.family,
                "model" | "CPU part" => &mut it.model,
                "model name" => &mut it.name,
                "stepping" | "CPU revision" => &mut it.stepping,
                "microcode" => &mut it.microcode,
                _ => continue,
            };
            let value = value.trim();
            value[..value.floor_char_boundary(MAX_VALUE)].clone_into(field);
        }
        it
    }

    /// Values of the labels of `riscope_host_cpu_info`.
    pub(super) fn labels(&self) -> [&str; 6] {
        [&self.vendor, &self.family, &self.model, &self.name, &self.stepping, &self.microcode]
    }

    /// Attributes of a resource; none for what is not known.
    pub(crate) fn attributes(self) -> impl Iterator<Item = KeyValue> {
        let attributes = [
            ("host.cpu.vendor.id", self.vendor),
            ("host.cpu.family", self.family),
            ("host.cpu.model.id", self.model),
            ("host.cpu.model.name", self.name),
            ("host.cpu.stepping", self.stepping),
        ];
        attributes.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| KeyValue::new(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_x86_processor_is_read() {
        let text = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Xeon: fast\n\
                    stepping\t: 2\nmicrocode\t: 0x1\nflags\t: fpu vme\n\nprocessor\t: 1\nvendor_id\t: Other\n";
        let processor = Processor::parse(text);
        assert_eq!(processor.labels(), ["GenuineIntel", "6", "207", "Xeon: fast", "2", "0x1"]);
        let attributes: Vec<_> = processor.attributes().map(|it| (it.key.to_string(), it.value.to_string())).collect();
        assert_eq!(attributes[0], ("host.cpu.vendor.id".to_owned(), "GenuineIntel".to_owned()));
        assert_eq!(attributes.len(), 5);
    }

    #[test]
    fn an_arm_processor_has_no_name() {
        let text = "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n\
                    CPU revision\t: 1\n";
        let processor = Processor::parse(text);
        assert_eq!(processor.labels(), ["0x41", "8", "0xd0c", "", "1", ""]);
        assert_eq!(processor.attributes().count(), 4);
    }

    #[test]
    fn what_is_not_said_is_absent_and_what_is_long_is_cut() {
        assert_eq!(Processor::parse(""), Processor::default());
        assert_eq!(Processor::parse(&format!("model name: {}", "ü".repeat(60))).name.len(), MAX_VALUE);
        assert!(!Processor::of_the_host().vendor.is_empty(), "Linux names the vendor on x86-64 and AArch64");
    }
}
