//! Where the server answers gRPC, derived from the address that owners have at hand.

use std::fmt;

use http::Uri;

/// Qdrant's port for REST, which is the one in most addresses that are handed around.
const REST_PORT: u16 = 6333;
/// Qdrant's port for gRPC.
const GRPC_PORT: u16 = 6334;

/// The gRPC address of a Qdrant server: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    scheme: &'static str,
    host: String,
    port: u16,
    given_port: Option<u16>,
}

/// Why an address cannot be used. The messages name the setting and never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not an address at all.
    #[error("QDRANT_URL is no address: write it like https://xyz.cloud.qdrant.io:6334")]
    Unreadable,
    /// A scheme that is neither http nor https.
    #[error("QDRANT_URL has to begin with http:// or https://")]
    Scheme,
    /// A user or a password.
    #[error("QDRANT_URL holds a user or password: put the key into QDRANT_API_KEY")]
    Credentials,
    /// A path or a query.
    #[error("QDRANT_URL has a path: write only scheme, host and port")]
    Path,
}

impl Address {
    /// Reads an address as owners paste it: with or without scheme and port, in quotes, REST or
    /// gRPC. Port 6333 and no port mean gRPC on 6334; any other port is taken as the gRPC one.
    ///
    /// Without a scheme, names on the public internet get https and what can only be local gets
    /// http: IP addresses, names without a dot, and names under `.local`, `.localhost`,
    /// `.internal`, `.lan` or `.svc`.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        let with_scheme =
            if text.contains("://") { text.to_owned() } else { format!("unknown://{text}") };
        let uri: Uri = with_scheme.parse().map_err(|_| AddressError::Unreadable)?;
        let authority = uri.authority().ok_or(AddressError::Unreadable)?;
        let host = authority.host().to_ascii_lowercase();
        let scheme = match uri.scheme_str() {
            Some("http") => "http",
            Some("unknown") if is_local(&host) => "http",
            Some("https" | "unknown") => "https",
            _ => return Err(AddressError::Scheme),
        };
        if authority.as_str().contains('@') {
            return Err(AddressError::Credentials);
        }
        // `Uri` takes brackets for an IPv6 address wherever they are, and ends the host there.
        let is_odd = host.rfind('[').is_some_and(|at| at > 0);
        let given_port = match authority.as_str()[host.len()..].strip_prefix(':') {
            Some(port) => Some(port.parse().map_err(|_| AddressError::Unreadable)?),
            None if authority.as_str().len() == host.len() => None,
            None => return Err(AddressError::Unreadable),
        };
        if host.is_empty() || is_odd {
            return Err(AddressError::Unreadable);
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(AddressError::Path);
        }
        let port = given_port.filter(|port| *port != REST_PORT).unwrap_or(GRPC_PORT);
        Ok(Self { scheme, host, port, given_port })
    }

    /// What to tell the owner when this is not the port that was given.
    pub fn note(&self) -> Option<String> {
        match self.given_port {
            Some(port) if port == self.port => None,
            Some(port) => Some(format!("derived gRPC address {self}: port {port} is for REST")),
            None => Some(format!("derived gRPC address {self}: no port was given")),
        }
    }

    /// Whether the server is a managed cluster, which is suspended when nobody uses it.
    pub(crate) fn is_cloud(&self) -> bool {
        self.host.ends_with(".cloud.qdrant.io")
    }
}

/// Shows the address as a URL without a path.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

fn is_local(host: &str) -> bool {
    const LOCAL: [&str; 5] = [".local", ".localhost", ".internal", ".lan", ".svc"];
    let is_ip = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    is_ip || !host.contains('.') || LOCAL.iter().any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, AddressError> {
        Address::parse(text).map(|address| address.to_string())
    }

    #[test]
    fn the_rest_port_and_no_port_mean_grpc() {
        for (given, derived) in [
            ("http://localhost:6333", "http://localhost:6334"),
            ("http://localhost:6333/", "http://localhost:6334"),
            ("https://xyz.cloud.qdrant.io:6333", "https://xyz.cloud.qdrant.io:6334"),
            ("https://xyz.cloud.qdrant.io", "https://xyz.cloud.qdrant.io:6334"),
            ("https://XYZ.cloud.qdrant.io/", "https://xyz.cloud.qdrant.io:6334"),
            ("http://[::1]:6333", "http://[::1]:6334"),
        ] {
            assert_eq!(read(given).as_deref(), Ok(derived), "{given}");
        }
    }

    #[test]
    fn any_other_port_is_taken_as_the_grpc_one() {
        assert_eq!(read("http://10.0.0.7:7000").as_deref(), Ok("http://10.0.0.7:7000"));
        assert_eq!(read("https://q.example:443").as_deref(), Ok("https://q.example:443"));
    }

    #[test]
    fn a_derived_port_is_noted_and_a_given_one_is_not() {
        let note = |text| Address::parse(text).map(|address| address.note());
        let derived = "derived gRPC address http://localhost:6334: port 6333 is for REST";
        assert_eq!(note("http://localhost:6333"), Ok(Some(derived.to_owned())));
        let derived = "derived gRPC address http://qdrant:6334: no port was given";
        assert_eq!(note("qdrant"), Ok(Some(derived.to_owned())));
        assert_eq!(note("http://localhost:6334"), Ok(None));
    }

    #[test]
    fn public_names_without_a_scheme_get_https_and_local_ones_http() {
        for (given, derived) in [
            ("xyz.eu-central.aws.cloud.qdrant.io", "https://xyz.eu-central.aws.cloud.qdrant.io"),
            ("qdrant.example.com:6334", "https://qdrant.example.com"),
            ("localhost", "http://localhost"),
            ("qdrant:6333", "http://qdrant"),
            ("127.0.0.1", "http://127.0.0.1"),
            ("[::1]", "http://[::1]"),
            ("qdrant.default.svc.cluster.local", "http://qdrant.default.svc.cluster.local"),
        ] {
            assert_eq!(read(given), Ok(format!("{derived}:6334")), "{given}");
        }
    }

    #[test]
    fn quotes_and_white_space_around_an_address_are_dropped() {
        assert_eq!(read(" \"http://localhost:6333\"\n").as_deref(), Ok("http://localhost:6334"));
        assert_eq!(read("' qdrant '").as_deref(), Ok("http://qdrant:6334"));
    }

    #[test]
    fn what_is_no_address_is_refused_by_its_kind() {
        for (given, error) in [
            ("", AddressError::Unreadable),
            ("https://", AddressError::Unreadable),
            ("http://localhost:99999", AddressError::Unreadable),
            ("two words", AddressError::Unreadable),
            ("qdrant:", AddressError::Unreadable),
            ("qdrant[::1]:6333", AddressError::Unreadable),
            ("[::1]qdrant:6333", AddressError::Unreadable),
            ("ftp://localhost", AddressError::Scheme),
            ("https://me:secret@xyz.cloud.qdrant.io", AddressError::Credentials),
            ("https://xyz.cloud.qdrant.io:6333/dashboard", AddressError::Path),
            ("http://localhost:6333?api-key=secret", AddressError::Path),
        ] {
            assert_eq!(read(given), Err(error), "{given}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
