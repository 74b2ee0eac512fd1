//! Who asks: the layer that finds it out, for those within.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};

use poem::{Endpoint, Request, Response, Result};
use tracing::warn;

use crate::forwarded::Proxies;
use crate::key::{ApiKeys, Credentials};
use crate::wires::Protocol;

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) credentials: Credentials,
}

impl Client {
    /// Of a request that went through [`Identify`].
    pub(crate) fn of(request: &Request) -> Self {
        let unknown = Ipv4Addr::UNSPECIFIED.into();
        let nobody = Self { address: unknown, credentials: Credentials::Absent };
        request.data().copied().unwrap_or(nobody)
    }

    /// Whether it says that it is another server, and no page. Whether that is true is seen further
    /// in, where a wrong key counts: asked for before, it could be tried out for nothing.
    pub(crate) fn claims_a_key(self) -> bool {
        self.credentials != Credentials::Absent
    }
}

/// The address that a connection comes from: an extension of its requests. Poem's own word for it
/// cannot be set in a test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Tells the layers within who asks.
pub(crate) struct Identify<E> {
    inner: E,
    proxies: Proxies,
    keys: ApiKeys,
    key_required: bool,
    /// Whether the owner was told of a proxy that is not among these.
    told: AtomicBool,
}

impl<E> Identify<E> {
    pub(crate) fn new(inner: E, proxies: Proxies, keys: ApiKeys, key_required: bool) -> Self {
        Self { inner, proxies, keys, key_required, told: AtomicBool::new(false) }
    }

    /// What a request says about its key.
    ///
    /// Some clients cannot be told to send none. Where none is needed, one of theirs that nobody
    /// gave out is a placeholder, and the request as good as without it: it counts for its address,
    /// and a page of another site gets in with it no more than without.
    fn credentials(&self, request: &Request) -> Credentials {
        let credentials = self.keys.check(request.headers());
        let protocol = Protocol::at(request.uri().path());
        let is_placeholder = credentials == Credentials::Wrong
            && !self.key_required
            && protocol.is_some_and(Protocol::always_sends_a_key);
        if is_placeholder { Credentials::Absent } else { credentials }
    }
}

impl<E: Endpoint> Endpoint for Identify<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let credentials = self.credentials(&request);
        let headers = request.headers();
        let mut client = Client { credentials, ..Client::of(&request) };
        if let Some(&Peer(peer)) = request.data() {
            if self.proxies.overlook(peer, headers) && !self.told.swap(true, Ordering::Relaxed) {
                warn!(
                    proxy = %peer,
                    "a proxy passes requests on whose word is not believed, so that all its \
                     readers count as one: name it in ASKBOOK_TRUSTED_PROXIES"
                );
            }
            client.address = self.proxies.client(peer, headers);
        }
        request.set_data(client);
        Ok(self.inner.get_response(request).await)
    }
}
