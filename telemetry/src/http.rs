//! HTTP clients for servers without TLS, which needs neither root certificates nor their files.

use std::sync::Arc;

use reqwest::blocking::{Client, ClientBuilder};
use rustls::client::ClientConfig;
use rustls::{ConfigBuilder, RootCertStore, WantsVerifier};

/// Builder of clients for `http` URLs. To a client that is built otherwise, TLS has to be given: the process has no default
/// provider of cryptography, and without one the builder panics.
///
/// # Errors
/// If the provider does not support the protocol versions that are regarded as safe.
pub fn plain_http() -> Result<ClientBuilder, rustls::Error> {
    Ok(Client::builder().tls_backend_preconfigured(plain()?))
}

/// A configuration by which no certificate is valid, for receivers without TLS.
pub(crate) fn plain() -> Result<ClientConfig, rustls::Error> {
    Ok(tls()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Begin of a configuration of TLS.
pub(crate) fn tls() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}
