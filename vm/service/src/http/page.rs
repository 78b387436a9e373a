//! The page `/` with its files, which are built from `vm/service/web` and part of the program.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::encoding::{accepts_gzip, gzip};
use super::problem::problem;

/// A file in `vm/service/web/dist`, with its type.
type Asset = (&'static str, &'static str, &'static [u8]);

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

const INDEX: Asset = ("index.html", HTML, include_bytes!("../../web/dist/index.html"));

/// All other files, by their names below `/assets/`.
const ASSETS: &[Asset] = &[
    ("page.js", SCRIPT, include_bytes!("../../web/dist/assets/page.js")),
    ("page.css", STYLE, include_bytes!("../../web/dist/assets/page.css")),
    ("flame.js", SCRIPT, include_bytes!("../../web/dist/assets/flame.js")),
    ("flame.css", STYLE, include_bytes!("../../web/dist/assets/flame.css")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../web/dist/assets/icon.svg")),
];

/// The page takes scripts, styles and data from here only, and stands in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Routes of the page.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(index)).route("/assets/{name}", get(asset))
}

async fn index(headers: HeaderMap) -> Response {
    answer(&INDEX, &headers)
}

async fn asset(Path(wanted): Path<String>, headers: HeaderMap) -> Response {
    match ASSETS.iter().find(|(name, ..)| *name == wanted) {
        Some(asset) => answer(asset, &headers),
        None => problem(StatusCode::NOT_FOUND, "the page has no such file"),
    }
}

fn answer((_, content_type, bytes): &Asset, headers: &HeaderMap) -> Response {
    let compressed = accepts_gzip(headers).then(|| gzip(bytes)).flatten();
    let is_gzip = compressed.is_some();
    let mut response = compressed.map_or_else(|| bytes.into_response(), IntoResponse::into_response);
    let fields = [
        (header::CONTENT_TYPE, *content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Another version of riscope at the same address has other files.
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept-encoding"),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if is_gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).expect("the page is built");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn every_built_file_is_served_and_small() {
        let dist = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist"));
        assert_eq!(names(dist), BTreeSet::from(["index.html".to_owned(), "assets".to_owned()]));
        let served: BTreeSet<String> = ASSETS.iter().map(|(name, ..)| (*name).to_owned()).collect();
        assert_eq!(served, names(&dist.join("assets")));
        let bytes: usize = ASSETS.iter().chain([&INDEX]).map(|(.., bytes)| bytes.len()).sum();
        assert!(bytes < 200 << 10, "{bytes} bytes");
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for (name, _, bytes) in ASSETS.iter().chain([&INDEX]) {
            let text = String::from_utf8_lossy(bytes);
            for start in ["src=\"http", "href=\"http", "url(http", "@import", "url(//", "src=\"//"] {
                assert!(!text.contains(start), "{name} has {start}");
            }
        }
        let index = String::from_utf8_lossy(INDEX.2);
        assert!(!index.contains("<style") && !index.contains(" style=") && !index.contains(" onload="), "{index}");
    }
}
