//! Origins: what a browser says a page was loaded from (RFC 6454).

use std::fmt;

use poem::http::Uri;

/// A site whose pages may use the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Any,
    /// As browsers send it: lower case, without a default port.
    Exact(String),
}

/// A text that is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("origin number {position} is neither scheme://host nor scheme://host:port nor *")]
pub struct OriginError {
    position: usize,
}

/// An origin that was given with more than belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the path of origin number {position} is ignored, for browsers send none: \
     write scheme://host or scheme://host:port"
)]
pub struct OriginWarning {
    position: usize,
}

impl Origin {
    /// Reads an origin as an owner writes it. `*` stands for every site. The position, from 1,
    /// is that of the text in its list: messages name it and not the text.
    ///
    /// # Errors
    /// The text is no origin.
    pub fn parse(
        position: usize,
        text: &str,
    ) -> Result<(Self, Option<OriginWarning>), OriginError> {
        let error = OriginError { position };
        let text = text.trim();
        if text == "*" {
            return Ok((Self(Kind::Any), None));
        }
        let uri: Uri = text.parse().map_err(|_| error)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(error);
        };
        let host = authority.host();
        if host.is_empty() || host.contains('*') || authority.as_str().contains('@') {
            return Err(error);
        }
        let mut origin = format!("{scheme}://{host}").to_ascii_lowercase();
        let port = &authority.as_str()[host.len()..];
        if !port.is_empty() {
            let port: u16 = port[1..].parse().map_err(|_| error)?;
            if default_port(scheme) != Some(port) {
                origin += &format!(":{port}");
            }
        }
        let has_path = uri.path_and_query().is_some_and(|path| path.as_str() != "/");
        Ok((Self(Kind::Exact(origin)), has_path.then_some(OriginWarning { position })))
    }

    /// Whether this is every site.
    pub(crate) fn is_any(&self) -> bool {
        self.0 == Kind::Any
    }

    /// Whether a browser means this site by these bytes.
    pub(crate) fn matches(&self, sent: &[u8]) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Exact(origin) => origin.as_bytes() == sent,
        }
    }
}

impl fmt::Display for Origin {
    /// As browsers send it, or `*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Any => "*",
            Kind::Exact(origin) => origin,
        })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_browsers_send_it() {
        for (written, sent) in [
            ("https://book.example", "https://book.example"),
            (" HTTPS://Book.Example/ ", "https://book.example"),
            ("https://book.example:443", "https://book.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://localhost:80", "http://localhost"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            let (origin, warning) = Origin::parse(1, written).unwrap();
            assert!(origin.matches(sent.as_bytes()), "{written}: {origin:?}");
            assert_eq!(origin.to_string(), sent);
            assert_eq!(warning, None, "{written}");
        }
    }

    #[test]
    fn a_path_is_left_out_with_a_warning_that_names_the_position() {
        let (origin, warning) = Origin::parse(3, "https://me.example/my-book/").unwrap();
        assert!(origin.matches(b"https://me.example"));
        assert!(warning.unwrap().to_string().contains("origin number 3"));
    }

    #[test]
    fn what_is_no_origin_is_refused_by_its_position_and_without_its_text() {
        for wrong in [
            "",
            "null",
            "book.example",
            "localhost:3000",
            "/docs",
            "https://",
            "https://*.book.example",
            "https://user:secret@book.example",
            "https://book.example:port",
            "https://book.example:",
            "https://book.example:99999",
            "https://büch.example",
            "https://a.example https://b.example",
        ] {
            let error = Origin::parse(2, wrong).unwrap_err();
            assert_eq!(error, OriginError { position: 2 }, "{wrong}");
            assert!(!error.to_string().contains("book.example"));
        }
    }

    #[test]
    fn another_port_scheme_or_host_is_another_origin() {
        let (origin, _) = Origin::parse(1, "https://book.example").unwrap();
        for other in [
            "http://book.example",
            "https://book.example:8443",
            "https://book.example.evil.example",
            "https://evil-book.example",
            "null",
            "",
            "*",
        ] {
            assert!(!origin.matches(other.as_bytes()), "{other}");
        }
    }
}
