//! The widget: the scripts that put `<ask-book>` into a page. They are made of `web/widget/src` and
//! committed, so that no build needs Node.js.
//!
//! Any page may load them: they hold nothing of the book, and what a page may ask, `cors` decides.

use std::io::{self, Write as _};
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use poem::endpoint::make_sync;
use poem::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, ETAG, VARY,
};
use poem::http::{HeaderMap, HeaderName, StatusCode};
use poem::web::headers::{self, HeaderMapExt, IfNoneMatch};
use poem::{Endpoint, Request, Response};
use sha2::{Digest, Sha256};

/// What a page loads with a script tag.
pub(crate) static WIDGET: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../../../web/widget/dist/widget.js")));

/// The chat, which the widget loads when a reader is about to use it.
pub(crate) static PANEL: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../../../web/widget/dist/panel.js")));

/// A new askbook brings a new widget: an hour later at the latest, pages have it.
const FRESH: &str = "public, max-age=3600, stale-while-revalidate=86400";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A script that is always the same.
pub(crate) struct Script {
    content: &'static str,
    /// `None` if it cannot be compressed.
    gzip: Option<Bytes>,
    /// Weak (RFC 9110, 8.8.1): compressed or not, it is the same script.
    tag: String,
}

impl Script {
    fn new(content: &'static str) -> Self {
        let hash = Sha256::digest(content);
        let hash = u64::from_be_bytes(*hash.first_chunk().unwrap_or(&[0; 8]));
        Self { content, gzip: gzip(content).ok(), tag: format!("W/\"{hash:016x}\"") }
    }

    fn reply(&self, request: &Request) -> Response {
        let reply = Response::builder()
            .header(ETAG, &self.tag)
            .header(CACHE_CONTROL, FRESH)
            .header(VARY, "accept-encoding")
            // The panel is a module, which is loaded by the rules of CORS.
            .header(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .header(RESOURCE_POLICY, "cross-origin");
        if self.is_known(request.headers()) {
            return reply.status(StatusCode::NOT_MODIFIED).finish();
        }
        let reply = reply.content_type("text/javascript; charset=utf-8");
        match &self.gzip {
            Some(gzip) if takes_gzip(request.headers()) => {
                reply.header(CONTENT_ENCODING, "gzip").body(gzip.clone())
            }
            _ => reply.body(self.content),
        }
    }

    /// Whether the client has it already.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let Ok(tag) = self.tag.parse::<headers::ETag>() else { return false };
        headers
            .typed_get::<IfNoneMatch>()
            .is_some_and(|condition| !condition.precondition_passes(&tag))
    }
}

/// Serves a script.
pub(crate) fn serve(script: &'static LazyLock<Script>) -> impl Endpoint<Output = Response> {
    make_sync(move |request: Request| script.reply(&request))
}

fn gzip(content: &str) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes())?;
    encoder.finish().map(Bytes::from)
}

/// Whether the client has said that it takes gzip (RFC 9110, 12.5.3). Browsers say so by name.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches("q=");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse() != Ok(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_are_as_light_as_promised() {
        for (script, limit) in [(&WIDGET, 5), (&PANEL, 25)] {
            let size = script.gzip.as_ref().unwrap().len();
            assert!((1_000..=limit * 1_024).contains(&size), "{size} of {limit} KiB");
        }
    }

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for (given, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("deflate , gzip ; q=1", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("br", false),
            ("x-gzip", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, given.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), takes, "{given}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
