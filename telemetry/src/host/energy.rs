//! Energy of the host: RAPL of Intel and AMD, by way of the kernel's powercap interface
//! (`Documentation/power/powercap`).
//!
//! Files are readable for root only on most hosts; what cannot be read is absent.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::label::EnergyDomain;

/// Where the kernel shows its power zones.
pub(super) const POWERCAP: &str = "/sys/class/powercap";

/// Most zones that are read: some for each of a host's sockets.
const MAX_ZONES: usize = 64;

/// Joules by [`EnergyDomain`]; `None` for what is not measured.
pub(super) type Joules = [Option<f64>; EnergyDomain::ALL.len()];

/// Energy since the first look at each zone.
#[derive(Debug)]
pub(super) struct Energy {
    folder: PathBuf,
    zones: HashMap<PathBuf, Zone>,
}

/// A zone: a domain of one socket, whose counter wraps.
#[derive(Debug)]
struct Zone {
    domain: EnergyDomain,
    /// Microjoules at which the counter wraps.
    range: u64,
    last: u64,
    /// Microjoules since the first look.
    sum: u64,
}

impl Energy {
    /// Energy of the zones in `folder`.
    pub(super) fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), zones: HashMap::new() }
    }

    /// Looks at the zones; returns the sum of each domain. A counter that wraps more than once
    /// between two looks, which takes it a minute or more, loses what that is.
    pub(super) fn read(&mut self) -> Joules {
        for path in self.found() {
            let Some(now) = number(&path.join("energy_uj")) else { continue };
            match self.zones.get_mut(&path) {
                Some(zone) => zone.advance(now),
                None => self.zones.extend(Zone::new(&path, now).map(|zone| (path, zone))),
            }
        }
        let mut joules = Joules::default();
        for zone in self.zones.values() {
            let sum = joules[zone.domain.index()].get_or_insert(0.0);
            *sum += microjoules(zone.sum);
        }
        joules
    }

    /// Folders of zones. Those of `intel-rapl-mmio` repeat the others.
    fn found(&self) -> Vec<PathBuf> {
        let Ok(folders) = fs::read_dir(&self.folder) else { return Vec::new() };
        let is_zone = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.and_then(|name| name.strip_prefix("intel-rapl:")).is_some()
        };
        folders.flatten().map(|it| it.path()).filter(is_zone).take(MAX_ZONES).collect()
    }
}

impl Zone {
    fn new(folder: &Path, now: u64) -> Option<Self> {
        let name = fs::read_to_string(folder.join("name")).ok()?;
        let domain = match name.trim() {
            "core" => EnergyDomain::Core,
            "uncore" => EnergyDomain::Uncore,
            "dram" => EnergyDomain::Dram,
            "psys" => EnergyDomain::Psys,
            name if name.starts_with("package-") => EnergyDomain::Package,
            _ => return None,
        };
        let range = number(&folder.join("max_energy_range_uj"))?;
        Some(Self { domain, range, last: now, sum: 0 })
    }

    fn advance(&mut self, now: u64) {
        let used = if now >= self.last {
            now - self.last
        } else {
            (self.range - self.last.min(self.range)).saturating_add(now)
        };
        self.last = now;
        self.sum = self.sum.saturating_add(used);
    }
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "a double holds microjoules of years")]
fn microjoules(number: u64) -> f64 {
    number as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host with the zones of `(folder, name, range)`.
    fn host(zones: &[(&str, &str, u64)]) -> tempfile::TempDir {
        let host = tempfile::tempdir().unwrap();
        for (folder, name, range) in zones {
            let folder = host.path().join(folder);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("name"), format!("{name}\n")).unwrap();
            fs::write(folder.join("max_energy_range_uj"), format!("{range}\n")).unwrap();
        }
        host
    }

    fn set(host: &tempfile::TempDir, folder: &str, microjoules: u64) {
        fs::write(host.path().join(folder).join("energy_uj"), format!("{microjoules}\n")).unwrap();
    }

    fn read(energy: &mut Energy, domain: EnergyDomain) -> Option<String> {
        energy.read()[domain.index()].map(|joules| format!("{joules:.6}"))
    }

    fn joules(microjoules: u64) -> Option<String> {
        Some(format!("0.{microjoules:06}"))
    }

    #[test]
    fn sockets_are_summed_and_counters_wrap() {
        let zones =
            [("intel-rapl:0", "package-0", 1000), ("intel-rapl:1", "package-1", 1000), ("intel-rapl:0:0", "dram", 500)];
        let host = host(&zones);
        let mut energy = Energy::new(host.path());
        assert_eq!(energy.read(), Joules::default(), "nothing can be read");
        set(&host, "intel-rapl:0", 900);
        set(&host, "intel-rapl:1", 10);
        set(&host, "intel-rapl:0:0", 5);
        assert_eq!(read(&mut energy, EnergyDomain::Package), joules(0), "counting begins");
        set(&host, "intel-rapl:0", 100);
        set(&host, "intel-rapl:1", 40);
        assert_eq!(read(&mut energy, EnergyDomain::Package), joules(230));
        assert_eq!(read(&mut energy, EnergyDomain::Dram), joules(0));
        assert_eq!(read(&mut energy, EnergyDomain::Psys), None);
    }

    #[test]
    fn what_is_no_zone_of_a_known_domain_is_left_out() {
        let host = host(&[("intel-rapl-mmio:0", "package-0", 9), ("intel-rapl:0", "battery", 9), ("dtpm", "dtpm", 9)]);
        for folder in ["intel-rapl-mmio:0", "intel-rapl:0", "dtpm"] {
            set(&host, folder, 7);
        }
        let mut energy = Energy::new(host.path());
        energy.read();
        assert_eq!(energy.read(), Joules::default());
        assert_eq!(Energy::new("/nonexistent").read(), Joules::default());
    }

    #[test]
    fn garbage_is_not_counted() {
        let host = host(&[("intel-rapl:0", "package-0", 100)]);
        let mut energy = Energy::new(host.path());
        set(&host, "intel-rapl:0", 50);
        energy.read();
        fs::write(host.path().join("intel-rapl:0/energy_uj"), "-1\n").unwrap();
        assert_eq!(read(&mut energy, EnergyDomain::Package), joules(0));
        // Beyond its range.
        set(&host, "intel-rapl:0", 150);
        energy.read();
        set(&host, "intel-rapl:0", 20);
        assert_eq!(read(&mut energy, EnergyDomain::Package), joules(120));
    }
}
