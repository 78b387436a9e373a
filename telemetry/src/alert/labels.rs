//! Labels of a series or an alert.

use std::fmt;
use std::sync::Arc;

/// Label names and values, sorted by name. A label with an empty value is the same as none,
/// as in Prometheus. The name of a metric is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<(Arc<str>, Arc<str>)>);

impl Labels {
    /// Labels from pairs in any order; of those with the same name the last one counts.
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut labels = Self::default();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }

    /// Value of a label; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.position(name).map_or("", |index| &self.0[index].1)
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) {
        let (name, value) = (name.into(), value.into());
        match self.position(&name) {
            Ok(index) if value.is_empty() => drop(self.0.remove(index)),
            Ok(index) => self.0[index].1 = value,
            Err(_) if value.is_empty() => {}
            Err(index) => self.0.insert(index, (name, value)),
        }
    }

    /// The labels for which `keeps` holds.
    #[must_use]
    pub fn filtered(&self, keeps: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| keeps(name)).cloned().collect())
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(found, _)| (**found).cmp(name))
    }
}

/// In the notation of Prometheus: `{device="virtio-blk", vm_id="1"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_empty_ones_are_none() {
        let mut labels = Labels::new([("vm_id", "1"), ("device", "rng"), ("error_type", ""), ("vm_id", "2")]);
        assert_eq!(labels.to_string(), r#"{device="rng", vm_id="2"}"#);
        assert_eq!((labels.get("vm_id"), labels.get("error_type")), ("2", ""));
        labels.set("vm_id", "");
        assert_eq!(labels, Labels::new([("device", "rng")]));
        assert_eq!(labels.filtered(|name| name != "device"), Labels::default());
    }
}
