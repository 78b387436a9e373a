//! `--listen`: an IP address or host name with a port.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

/// Longest host name in bytes (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;
/// Address used if only a port is given: the loopback address, not reachable from other
/// hosts.
const DEFAULT_HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Value of `--listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Ip(IpAddr),
    Name(Box<str>),
}

impl ListenAddress {
    /// Host name, if it was given by name.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Ip(_) => None,
            Host::Name(name) => Some(name),
        }
    }

    /// Resolves to at least one address. IPv4 comes first: clients given a name try both,
    /// and clients given an address mostly use IPv4.
    ///
    /// # Errors
    /// The host's, if it cannot resolve the name.
    pub(crate) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses: Vec<SocketAddr> = match &self.host {
            Host::Ip(address) => vec![SocketAddr::new(*address, self.port)],
            Host::Name(name) => (&**name, self.port).to_socket_addrs()?.collect(),
        };
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        if addresses.is_empty() { Err(io::Error::other("the name has no address")) } else { Ok(addresses) }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(address) => SocketAddr::new(*address, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// Parses `127.0.0.1:8440`, `[::1]:8440`, `localhost:8440` or `:8440`, which is short for
/// the first. With port 0 the host chooses the port.
///
/// # Errors
/// A message that says what is missing.
pub(crate) fn parse_listen(text: &str) -> Result<ListenAddress, String> {
    if text.contains("://") {
        return Err("leave out the scheme: an address is HOST:PORT".to_owned());
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Err(format!("the port is missing; write {}", SocketAddr::new(address, 8440)));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        let example = if text.parse::<u16>().is_ok() { format!(":{text}") } else { format!("{text}:8440") };
        return Err(format!("an address is HOST:PORT; write {example}"));
    };
    let port =
        port.parse().map_err(|_| format!("{port:?} is no port; give a number from 0 to 65535 after the colon"))?;
    let host = match host {
        "" => Host::Ip(DEFAULT_HOST),
        _ => match text.parse::<SocketAddr>() {
            Ok(address) => Host::Ip(address.ip()),
            Err(_) => Host::Name(parse_host(host)?.into()),
        },
    };
    Ok(ListenAddress { host, port })
}

/// Parses a host name without a port.
///
/// # Errors
/// A message that describes valid names.
pub(crate) fn parse_host(text: &str) -> Result<String, String> {
    if text.contains(':') {
        return Err("an IPv6 address with a port is written in brackets, such as [::1]:8440".to_owned());
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > MAX_HOST || !text.chars().all(is_allowed) {
        return Err(format!("{text:?} is no name of a host: letters, digits, hyphens and dots"));
    }
    Ok(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        parse_listen(text).map_or_else(|error| panic!("{text}: {error}"), |address| address.to_string())
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(parsed("127.0.0.1:8440"), "127.0.0.1:8440");
        assert_eq!(parsed("[::1]:8440"), "[::1]:8440");
        assert_eq!(parsed(":8440"), "127.0.0.1:8440");
        assert_eq!(parsed("0.0.0.0:0"), "0.0.0.0:0");
        assert_eq!(parsed("LocalHost:8440"), "localhost:8440");
        assert_eq!(parse_listen("localhost:1").unwrap().name(), Some("localhost"));
        assert_eq!(parse_listen(":1").unwrap().name(), None);
    }

    #[test]
    fn a_mistake_is_answered_with_what_to_write() {
        for (text, advice) in [
            ("8440", "write :8440"),
            ("localhost", "write localhost:8440"),
            ("127.0.0.1", "write 127.0.0.1:8440"),
            ("::1", "write [::1]:8440"),
            ("[::1]", "is no port"),
            ("::1:x", "is no port"),
            ("localhost:99999", "0 to 65535"),
            ("localhost:", "is no port"),
            ("http://localhost:1", "scheme"),
            ("a b:1", "no name of a host"),
            ("", "HOST:PORT"),
        ] {
            let error = parse_listen(text).expect_err(text);
            assert!(error.contains(advice), "{text}: {error}");
        }
    }

    #[test]
    fn names_are_resolved_and_ipv4_comes_first() {
        let addresses = parse_listen("localhost:7").unwrap().resolve().unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{addresses:?}");
        assert!(addresses.is_sorted_by_key(SocketAddr::is_ipv6), "{addresses:?}");
        assert_eq!(parse_listen("[::1]:7").unwrap().resolve().unwrap(), ["[::1]:7".parse().unwrap()]);
    }
}
