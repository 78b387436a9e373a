//! HTTP/1.1 client that exposes every byte of the response.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Time limit for a response.
const LIMIT: Duration = Duration::from_secs(60);

/// HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Requests `path`, with `accept` as the `Accept` header.
///
/// # Errors
/// The host's, if there is no connection or it breaks.
pub(crate) fn try_get(address: SocketAddr, path: &str, accept: &str) -> std::io::Result<Answer> {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"))
}

/// Sends a request unmodified, and reads until the connection closes.
///
/// # Errors
/// Those of [`try_get`].
pub(crate) fn ask(address: SocketAddr, request: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no end of the head: {text}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { joined(body) } else { body.to_owned() };
    Ok(Answer { status: status.unwrap_or_else(|| panic!("no status: {head}")), head: head.to_owned(), body })
}

/// Contents of a chunked body.
fn joined(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap_or_else(|error| panic!("{length:?}: {error}"));
        whole.push_str(&rest[..length]);
        body = rest[length..].strip_prefix("\r\n").unwrap_or_default();
    }
    whole
}

/// Requests `path`.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    try_get(address, path, "*/*").unwrap_or_else(|error| panic!("{address}{path}: {error}"))
}

/// Address in a line of riscope that announces it: "... http://ADDRESS/...".
pub(crate) fn address_in(text: &str) -> Option<SocketAddr> {
    let line = text.lines().find(|line| line.contains("http://"))?;
    // An incomplete line may have a truncated address.
    text.contains('\n').then_some(())?;
    line.split("http://").nth(1)?.split('/').next()?.parse().ok()
}
