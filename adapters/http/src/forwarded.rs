//! Whose address a request comes from, behind proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use poem::http::header::FORWARDED;
use poem::http::{HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies in front of a server, whose word on where a request comes from is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

/// A text that does not name a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxiesError {
    /// It is neither an address nor a network.
    #[error("number {0} is neither an address nor a network such as 10.0.0.0/8")]
    Unreadable(usize),
    /// It is every address, so that everyone could say to be anyone.
    #[error("number {0} is every address there is: name only those of your own proxies")]
    Everyone(usize),
}

impl Proxies {
    /// Reads addresses and networks in CIDR notation. Messages name their position, from 1.
    ///
    /// # Errors
    /// One is neither, or stands for all addresses.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ProxiesError> {
        let parse = |(position, text): (usize, &str)| {
            let network = text.parse().or_else(|_| text.parse().map(|ip: IpAddr| ip.into()));
            let network: IpNet = network.map_err(|_| ProxiesError::Unreadable(position))?;
            match network.prefix_len() {
                0 => Err(ProxiesError::Everyone(position)),
                _ => Ok(network),
            }
        };
        (1..).zip(texts).map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// The address that a request comes from, which `peer` passed on with these headers: the one
    /// closest to here that is no proxy. Each proxy adds the address that it was called from on
    /// the right, so what a client made up stands on the left of it.
    ///
    /// `X-Forwarded-For` and `Forwarded` (RFC 7239) are read. A proxy that writes one of them lets
    /// the other one pass as the client sent it: where they differ, or make no sense, the address
    /// is that of the peer.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contain(peer) {
            return peer;
        }
        let said: Vec<_> = [(X_FORWARDED_FOR, address as fn(&str) -> _), (FORWARDED, origin)]
            .into_iter()
            .filter(|(name, _)| headers.contains_key(name))
            .map(|(name, read)| self.last_stranger(headers, &name, read))
            .collect();
        match said.as_slice() {
            [Some(address)] => *address,
            [Some(one), Some(other)] if one == other => *one,
            _ => peer,
        }
    }

    /// Whether this is a request that a proxy seems to have passed on which is not among these:
    /// a neighbour says that it comes from elsewhere.
    pub(crate) fn overlook(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let neighbour = match peer.to_canonical() {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
            IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
        };
        let forwarded = [X_FORWARDED_FOR, FORWARDED].iter().any(|name| headers.contains_key(name));
        neighbour && forwarded && !self.contain(peer.to_canonical())
    }

    /// Whether this is one of them.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The rightmost address that is no proxy; the leftmost one where all of them are. `None` when
    /// something unreadable comes before it.
    fn last_stranger(
        &self,
        headers: &HeaderMap,
        name: &HeaderName,
        read: fn(&str) -> Option<IpAddr>,
    ) -> Option<IpAddr> {
        let lines = headers.get_all(name).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        let mut leftmost = None;
        for hop in hops {
            let address = read(std::str::from_utf8(hop).ok()?.trim())?;
            leftmost = Some(address);
            if !self.contain(address) {
                break;
            }
        }
        leftmost
    }
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse().ok().map(|socket: SocketAddr| socket.ip());
    let address = text.parse().ok().or_else(with_port).or_else(bare)?;
    Some(address.to_canonical())
}

/// The address in an element of `Forwarded`, such as `for="[2001:db8::1]:4711";proto=https`.
fn origin(element: &str) -> Option<IpAddr> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    })?;
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    address(unquoted.unwrap_or(value))
}

/// What of an address one client has for sure: all of IPv4, the network of IPv6 (/64, which every
/// household has for itself).
pub(crate) fn household(address: IpAddr) -> String {
    match network(address) {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(network) => format!("{network}/64"),
    }
}

/// The same as an address: the first one of the network.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    /// The address of a request that 10.0.0.1 passed on with these headers.
    fn client(lines: &[(&'static str, &str)]) -> String {
        client_by("10.0.0.1", lines)
    }

    fn client_by(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let proxies = Proxies::parse(["10.0.0.0/8", "192.0.2.1", "fd00::/8"]).unwrap();
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(*name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_is_the_client() {
        for (line, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
            ("1.1.1.1, 203.0.113.7, 10.1.2.3,192.0.2.1", "203.0.113.7"),
            ("made up, 203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("10.0.0.9, 10.0.0.8", "10.0.0.9"),
        ] {
            assert_eq!(client(&[("x-forwarded-for", line)]), expected, "{line}");
        }
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.7, 10.0.0.2")];
        assert_eq!(client(&lines), "203.0.113.7");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        for (line, expected) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"[2001:db8::1]:4711\";proto=https;by=10.0.0.1", "2001:db8::1"),
            ("for=1.1.1.1, proto=https; for=203.0.113.7;by=x,for=10.0.0.3", "203.0.113.7"),
            ("for=\"1.1.1.1, for=203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(client(&[("forwarded", line)]), expected, "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_leaves_the_address_of_the_proxy() {
        for line in ["", ",", "unknown", "1.1.1.1, unknown", "1.1.1.1,", "1.1.1.1.1", "\u{FF11}"] {
            assert_eq!(client(&[("x-forwarded-for", line)]), "10.0.0.1", "{line}");
        }
        for line in ["", "for", "for=unknown", "for=_hidden", "proto=https", "for=\"1.1.1.1"] {
            assert_eq!(client(&[("forwarded", line)]), "10.0.0.1", "{line}");
        }
        assert_eq!(client(&[]), "10.0.0.1");
    }

    #[test]
    fn a_header_that_a_proxy_let_pass_does_not_count_against_the_one_that_it_wrote() {
        let both = |standard| [("x-forwarded-for", "203.0.113.7"), ("forwarded", standard)];
        assert_eq!(client(&both("for=203.0.113.7")), "203.0.113.7");
        assert_eq!(client(&both("for=1.1.1.1")), "10.0.0.1");
        assert_eq!(client(&both("nonsense")), "10.0.0.1");
    }

    #[test]
    fn whoever_is_no_proxy_speaks_for_itself() {
        let lines = [("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=1.1.1.1")];
        assert_eq!(client_by("203.0.113.9", &lines), "203.0.113.9");
        assert_eq!(client_by("::ffff:203.0.113.9", &lines), "203.0.113.9");
        assert_eq!(client_by("::ffff:10.0.0.1", &lines), "1.1.1.1");
        assert_eq!(client_by("fd00::1", &lines), "1.1.1.1");
    }

    #[test]
    fn a_neighbour_that_forwards_and_is_not_named_is_noticed() {
        let proxies = Proxies::parse(["10.0.0.1"]).unwrap();
        let (nothing, mut headers) = (HeaderMap::new(), HeaderMap::new());
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("1.1.1.1"));
        let overlook = |peer: &str, headers| proxies.overlook(peer.parse().unwrap(), headers);
        for peer in ["10.0.0.2", "127.0.0.1", "::ffff:127.0.0.1", "::1", "fd00::1"] {
            assert!(overlook(peer, &headers) && !overlook(peer, &nothing), "{peer}");
        }
        assert!(!overlook("10.0.0.1", &headers) && !overlook("203.0.113.7", &headers));
    }

    #[test]
    fn a_client_is_an_address_or_a_network() {
        let household = |address: &str| household(address.parse().unwrap());
        assert_eq!(household("203.0.113.7"), "203.0.113.7");
        assert_eq!(household("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(household("2001:db8:1:2:ffff::"), "2001:db8:1:2::/64");
    }

    #[test]
    fn what_names_no_proxy_is_refused_by_its_position() {
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "fe80::1%eth0"] {
            let error = Proxies::parse(["127.0.0.1", wrong]).unwrap_err();
            assert_eq!(error, ProxiesError::Unreadable(2), "{wrong}");
        }
        for everyone in ["0.0.0.0/0", "::/0"] {
            assert_eq!(Proxies::parse([everyone]), Err(ProxiesError::Everyone(1)));
        }
    }
}
