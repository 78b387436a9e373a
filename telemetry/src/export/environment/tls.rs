//! TLS of a receiver: the certificates that it may have, and those that the client shows.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::endpoint::Endpoint;
use super::names::names;
use super::variables::Variables;
use crate::http;
use crate::signal::Signal;

/// Maximum size of a file with certificates or a key, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// A variable that is set, with the path in it.
type Named = (&'static str, String);

/// Files for TLS of a signal.
#[derive(Debug)]
pub(super) struct Files {
    certificate: Option<Named>,
    client_certificate: Option<Named>,
    client_key: Option<Named>,
}

impl Files {
    /// Those of the variables.
    pub(super) fn read(variables: &mut Variables, signal: Signal) -> Self {
        let names = names(signal);
        let [certificate, client_certificate, client_key] =
            [names.certificate, names.client_certificate, names.client_key].map(|names| variables.first(names));
        Self { certificate, client_certificate, client_key }
    }

    /// Configuration of TLS for `endpoint`: by default the host's root certificates and no certificate of the client.
    /// `None` if files cannot be used, which a warning reports.
    pub(super) fn config(
        &self,
        variables: &mut Variables,
        signal: Signal,
        endpoint: &Endpoint,
    ) -> Option<Arc<ClientConfig>> {
        if endpoint.url.scheme() != "https" {
            let set = [&self.certificate, &self.client_certificate, &self.client_key].into_iter().flatten();
            let set: Vec<_> = set.map(|(name, _)| *name).collect();
            if !set.is_empty() {
                variables.warn(&set.join(", "), "no effect: the URL of the receiver begins with http://");
            }
            return http::plain().ok().map(Arc::new);
        }
        match config(self) {
            Ok(config) => Some(Arc::new(config)),
            Err((name, reason)) => {
                variables.warn(name, format_args!("{reason}; no {} are sent", signal.noun()));
                None
            }
        }
    }
}

/// The configuration, or the variable and the reason for which there is none.
fn config(files: &Files) -> Result<ClientConfig, (&'static str, String)> {
    const ROOTS: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let roots = match &files.certificate {
        Some((name, path)) => named_roots(path).map_err(|reason| (*name, reason))?,
        None => host_roots().map_err(|reason| (ROOTS, reason))?,
    };
    let builder = http::tls().map_err(|error| (ROOTS, error.to_string()))?.with_root_certificates(roots);
    let (certificate, key) = match (&files.client_certificate, &files.client_key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => return Ok(builder.with_no_client_auth()),
        (Some((name, _)), None) => return Err((*name, "there is no key for it".to_owned())),
        (None, Some((name, _))) => return Err((*name, "there is no certificate for it".to_owned())),
    };
    let chain = certificates(&certificate.1).map_err(|reason| (certificate.0, reason))?;
    let in_file = |path: &str, error: &dyn std::fmt::Display| format!("{path:?} cannot be used: {error}");
    let pem = contents(&key.1).map_err(|reason| (key.0, reason))?;
    let secret = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| (key.0, in_file(&key.1, &error)))?;
    builder.with_client_auth_cert(chain, secret).map_err(|error| (key.0, in_file(&key.1, &error)))
}

/// The certificates in a file as roots.
fn named_roots(path: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| format!("{path:?} cannot be used: {error}"))?;
    }
    Ok(roots)
}

/// The roots that the host trusts.
fn host_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // Stores of hosts hold certificates that nobody can use.
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    match (usable, found.errors.first()) {
        (0, Some(error)) => Err(format!("the host's root certificates cannot be read: {error}")),
        (0, None) => Err("the host has no root certificates; OTEL_EXPORTER_OTLP_CERTIFICATE can name some".to_owned()),
        _ => Ok(roots),
    }
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = contents(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(certificates) if certificates.is_empty() => Err(format!("{path:?} holds no certificate in PEM")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("{path:?} cannot be used: {error}")),
    }
}

fn contents(path: &str) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("{path:?} cannot be read: {error}");
    let metadata = fs::metadata(Path::new(path)).map_err(cannot)?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Err(format!("{path:?} is no file with certificates or a key"));
    }
    fs::read(path).map_err(cannot)
}
