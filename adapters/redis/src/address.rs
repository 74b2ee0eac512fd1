use std::fmt;

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};

/// Where a Redis server is and how it lets us in: `redis://[[user]:password@]host[:port][/database]`,
/// `rediss://…` for TLS, or `unix:///path[?db=…&pass=…]`.
///
/// It holds a password, which neither `Debug` nor `Display` shows.
#[derive(Clone)]
pub struct RedisAddress(ConnectionInfo);

/// The text is not the address of a Redis server. What was given is not repeated, because it may
/// hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address such as redis://:password@host:6379/0, rediss://… or unix:///path")]
pub struct AddressError;

impl RedisAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// The text is none.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let address = text.into_connection_info().map_err(|_| AddressError)?;
        // The password is not for whoever answers.
        let unchecked = matches!(address.addr(), ConnectionAddr::TcpTls { insecure: true, .. });
        if address.addr().is_supported() && !unchecked {
            Ok(Self(address))
        } else {
            Err(AddressError)
        }
    }

    /// A client, which has connected to nothing yet.
    pub(crate) fn client(&self) -> redis::RedisResult<Client> {
        if matches!(self.0.addr(), ConnectionAddr::TcpTls { .. }) {
            // An error says that one is installed already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Client::open(self.0.clone())
    }
}

/// The address without user name and password.
impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, database) = (self.0.addr(), self.0.redis_settings().db());
        match address {
            ConnectionAddr::Tcp(..) => write!(f, "redis://{address}/{database}"),
            ConnectionAddr::TcpTls { .. } => write!(f, "rediss://{address}/{database}"),
            _ => write!(f, "unix://{address}?db={database}"),
        }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "p4ssw0rd";

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (given, shown) in [
            ("redis://:p4ssw0rd@host", "redis://host:6379/0"),
            ("redis://anna:p4ssw0rd@host:1/2", "redis://host:1/2"),
            ("rediss://:p4ssw0rd@host/1", "rediss://host:6379/1"),
            ("unix:///run/redis?db=3&pass=p4ssw0rd", "unix:///run/redis?db=3"),
        ] {
            let address = RedisAddress::parse(given).unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains(PASSWORD));
            let kept = address.client().unwrap();
            let settings = kept.get_connection_info().redis_settings();
            assert_eq!(settings.password(), Some(PASSWORD));
        }
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        for given in [
            "",
            "memory",
            "host:6379",
            "http://:p4ssw0rd@host",
            "redis://",
            "redis://:p4ssw0rd@host/first",
            "rediss://:p4ssw0rd@host#insecure",
        ] {
            let error = RedisAddress::parse(given).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(PASSWORD));
        }
    }
}
