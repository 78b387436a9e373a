//! Alerts in process: their options, and `/api/v1/alerts`.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use riscope_telemetry::Telemetry;
use riscope_telemetry::alert::{AlertConfig, Labels, MAX_SERIES, Rules, Silence};

use crate::cli::AboutArguments;
use crate::error::CommandError;

/// Largest rule file in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Options about alerts.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertOptions {
    /// Rule files in place of the shipped rules.
    files: Vec<PathBuf>,
    /// Base URL of an Alertmanager.
    alertmanager: Option<String>,
    silences: Vec<Silence>,
}

impl AlertOptions {
    /// Those of a command line.
    pub(crate) fn of(about: &AboutArguments) -> Self {
        Self {
            files: about.alert_rules.clone(),
            alertmanager: about.alertmanager.clone(),
            silences: about.silences.clone(),
        }
    }

    /// Whether a thread sends alerts.
    pub(crate) fn sends(&self) -> bool {
        self.alertmanager.is_some()
    }

    /// Whether rules are evaluated: if somebody can see their alerts, or asks for them.
    pub(crate) fn evaluates(&self, listens: bool) -> bool {
        listens || self.sends() || !self.files.is_empty()
    }

    /// Configuration of a process whose HTTP endpoint is at `address`; `None` if no rules are
    /// to be evaluated.
    ///
    /// # Errors
    /// If a rule file cannot be used.
    pub(crate) fn config(self, address: Option<SocketAddr>) -> Result<Option<AlertConfig>, CommandError> {
        if !self.evaluates(address.is_some()) {
            return Ok(None);
        }
        let rules = if self.files.is_empty() { Rules::shipped()? } else { read(&self.files)? };
        let instance = address.map_or_else(host_name, |address| address.to_string());
        let (alertmanager, silences) = (self.alertmanager, self.silences);
        let external_labels = Labels::default();
        Ok(Some(AlertConfig { rules, instance, external_labels, alertmanager, silences, max_series: MAX_SERIES }))
    }
}

/// The rules in these files.
fn read(files: &[PathBuf]) -> Result<Rules, CommandError> {
    let mut rules = Rules::default();
    for path in files {
        let text = text(path).map_err(|source| CommandError::AlertRules { path: path.clone(), source })?;
        rules.add(&path.to_string_lossy(), &text)?;
    }
    Ok(rules)
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_FILE {
        return Err(std::io::Error::other(format!("it is larger than {MAX_FILE} bytes")));
    }
    Ok(text)
}

/// Name of this host, by which alerts are told apart if there is no endpoint.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// `/api/v1/alerts`.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(telemetry: Arc<Telemetry>) -> Router<S> {
    let alerts = move || {
        let body = telemetry.alerts();
        std::future::ready(([(header::CONTENT_TYPE, "application/json")], body))
    };
    Router::new().route("/api/v1/alerts", get(alerts))
}
