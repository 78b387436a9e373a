//! Check of the `Host` header against DNS rebinding.
//!
//! A web page can have its own host name resolve to this host and then read its responses
//! as same-origin. The browser sends that name in `Host`, so only known hosts are served:
//! IP addresses, which cannot be rebound, `localhost`, and the names of `--listen` and
//! `--allow-host`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::problem;

/// Allows every name.
pub(crate) const ANY: &str = "*";

/// Names that clients may use besides IP addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Allows these names, in lower case; [`ANY`] allows every name.
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Whether requests for `host`, a name or address without a port, are allowed.
    fn allows(&self, host: &str) -> bool {
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if address.parse::<IpAddr>().is_ok() {
            return true;
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        let is_name = |allowed: &str| allowed == ANY || name.eq_ignore_ascii_case(allowed);
        is_name("localhost") || self.0.iter().any(|allowed| is_name(allowed))
    }
}

/// Middleware: passes requests with exactly one, allowed host.
pub(super) async fn check(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    let asked = match asked_host(&request) {
        Ok(asked) => asked,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, detail),
    };
    match asked.filter(|authority| !hosts.allows(authority.host())) {
        None => next.run(request).await,
        Some(authority) => {
            let name = authority.host();
            let detail = format!("{name:?} is not served here; start riscope with --allow-host {name} if it should be");
            problem(StatusCode::MISDIRECTED_REQUEST, &detail)
        }
    }
}

/// Host of a request: that of its target, else that of `Host`, which HTTP/1.1 requires
/// exactly once (RFC 9112, section 3.2).
fn asked_host(request: &Request) -> Result<Option<Authority>, &'static str> {
    let named = host_field(request.headers())?;
    if named.is_none() && request.version() >= Version::HTTP_11 {
        return Err("the header Host is missing");
    }
    Ok(request.uri().authority().cloned().or(named))
}

fn host_field(headers: &HeaderMap) -> Result<Option<Authority>, &'static str> {
    let mut fields = headers.get_all(header::HOST).iter();
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err("there is more than one header Host");
    }
    let authority = Authority::try_from(field.as_bytes()).map_err(|_| "the header Host is malformed")?;
    let port = authority.as_str().strip_prefix(authority.host());
    let is_port =
        |port: &str| port.strip_prefix(':').is_some_and(|port| port.is_empty() || port.parse::<u16>().is_ok());
    if authority.host().is_empty() || !port.is_some_and(|port| port.is_empty() || is_port(port)) {
        return Err("the header Host is malformed");
    }
    Ok(Some(authority))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn addresses_and_chosen_names_are_allowed() {
        let hosts = AllowedHosts::new(vec!["vm.example".to_owned()]);
        for host in ["127.0.0.1", "[::1]", "192.0.2.7", "localhost", "LOCALHOST.", "vm.example", "VM.Example"] {
            assert!(hosts.allows(host), "{host}");
        }
        for host in ["example", "vm.example.org", "evil.localhost.example", "[evil]", "127.0.0.1.example", "0x7f.1"] {
            assert!(!hosts.allows(host), "{host}");
        }
        assert!(AllowedHosts::new(vec![ANY.to_owned()]).allows("anything"));
    }

    fn asked(version: Version, uri: &str, hosts: &[&str]) -> Result<Option<String>, &'static str> {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let request = request.body(Body::empty()).expect("a request");
        asked_host(&request).map(|authority| authority.map(|authority| authority.host().to_owned()))
    }

    #[test]
    fn a_request_of_http_1_1_has_one_host() {
        let one = |host: &str| Ok(Some(host.to_owned()));
        assert_eq!(asked(Version::HTTP_11, "/", &["a:8440"]), one("a"));
        assert_eq!(asked(Version::HTTP_11, "/", &["[::1]:8440"]), one("[::1]"));
        assert_eq!(asked(Version::HTTP_10, "/", &[]), Ok(None));
        assert_eq!(asked(Version::HTTP_10, "/", &["a"]), one("a"));
        assert_eq!(asked(Version::HTTP_11, "http://target/", &["a"]), one("target"), "the target counts");
        for hosts in [&[][..], &["a", "a"], &["a", "b"], &[""], &["a b"], &["u@a"], &["a/b"], &["a:port"]] {
            assert!(asked(Version::HTTP_11, "/", hosts).is_err(), "{hosts:?}");
        }
        assert!(asked(Version::HTTP_10, "/", &["a", "a"]).is_err());
    }
}
