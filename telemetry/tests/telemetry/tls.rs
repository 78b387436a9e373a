//! Tests of receivers with TLS: which certificates are accepted, and which are shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use riscope_core::event::{ExitReason, VmId};
use riscope_telemetry::{SHUTDOWN_LIMIT, TelemetryConfig};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::fixture::{ALL_SIGNALS, Fixture, created, environment, exited};
use crate::receiver::Receiver;

/// Certificate and key in PEM.
struct Pair {
    certificate: String,
    key: String,
}

/// An authority, with a certificate for 127.0.0.1 and one for a client.
struct Authority {
    root: String,
    server: Pair,
    client: Pair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("valid parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
        let pair = |name: &str| {
            let key = KeyPair::generate().expect("a key");
            let params = CertificateParams::new(vec![name.to_owned()]).expect("valid parameters");
            let certificate = params.signed_by(&key, &issuer).expect("a certificate").pem();
            Pair { certificate, key: key.serialize_pem() }
        };
        Self { root: issuer.pem(), server: pair("127.0.0.1"), client: pair("riscope") }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.root.as_bytes()).expect("PEM")).expect("a root");
        roots
    }

    /// A receiver with the certificate for 127.0.0.1, which asks clients for theirs if `of_clients`.
    fn receiver(&self, of_clients: bool) -> Receiver {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.expect("the versions fit");
        let verifier = || WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), provider).build();
        let builder = match of_clients {
            true => builder.with_client_cert_verifier(verifier().expect("roots")),
            false => builder.with_no_client_auth(),
        };
        let chain = vec![CertificateDer::from_pem_slice(self.server.certificate.as_bytes()).expect("PEM")];
        let key = PrivateKeyDer::from_pem_slice(self.server.key.as_bytes()).expect("PEM");
        Receiver::start_tls(Arc::new(builder.with_single_cert(chain, key).expect("they fit")))
    }
}

/// A file with this content; its path.
fn file(content: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path: PathBuf = std::env::temp_dir().join(format!("riscope-tls-{}-{number}.pem", std::process::id()));
    std::fs::write(&path, content).expect("it can be written");
    path.to_str().expect("UTF-8").to_owned()
}

/// Exports all signals to `receiver` with these variables; returns the fixture after its end.
fn export(receiver: &Receiver, variables: &[(&str, &str)]) -> Fixture {
    let variables = [&ALL_SIGNALS[..], variables].concat();
    let url = receiver.url().replace("http://", "https://");
    let fixture = Fixture::new(TelemetryConfig {
        otlp_endpoint: Some(url),
        environment: environment(&variables),
        ..TelemetryConfig::default()
    });
    assert_eq!(fixture.telemetry.warnings(), [""; 0]);
    fixture.publish([created(VmId::from_u128(1), "guest"), exited(VmId::from_u128(1), ExitReason::Poweroff, 0)]);
    fixture.telemetry.shutdown(SHUTDOWN_LIMIT);
    fixture
}

/// Whether each signal has arrived.
fn arrived(receiver: &Receiver) -> [bool; 3] {
    [!receiver.spans().is_empty(), !receiver.logs().is_empty(), !receiver.metrics().is_empty()]
}

const ROOT: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

#[test]
fn a_receiver_whose_root_is_named_gets_all_signals() {
    let authority = Authority::new();
    let receiver = authority.receiver(false);
    export(&receiver, &[(ROOT, &file(&authority.root))]);
    assert_eq!(arrived(&receiver), [true; 3]);
}

#[test]
fn a_receiver_with_a_certificate_of_another_root_gets_nothing() {
    let authority = Authority::new();
    let receiver = authority.receiver(false);
    let fixture = export(&receiver, &[(ROOT, &file(&Authority::new().root))]);
    assert_eq!(arrived(&receiver), [false; 3]);
    let failed = fixture.scrape().value("otel_sdk_exporter_span_exported_total", &[("error_type", "tls")]);
    // The shutdown may come before the last attempt has failed.
    assert_eq!(fixture.scrape().value("otel_sdk_exporter_span_exported_total", &[("error_type", "")]), Some(0.0));
    assert!(failed.is_some());
}

#[test]
fn a_receiver_that_asks_for_a_certificate_gets_it() {
    let authority = Authority::new();
    let root = file(&authority.root);
    let receiver = authority.receiver(true);
    export(&receiver, &[(ROOT, &root)]);
    assert_eq!(arrived(&receiver), [false; 3], "without a certificate");
    let Pair { certificate, key } = &authority.client;
    export(&receiver, &[(ROOT, &root), (CERTIFICATE, &file(certificate)), (KEY, &file(key))]);
    assert_eq!(arrived(&receiver), [true; 3]);
}
