use std::sync::Arc;
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use metrics::{describe_gauge, gauge};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, RedisResult};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, info, warn};

use crate::RedisAddress;

/// Whether Redis is in reach: 1 or 0.
const UP: &str = "askbook_redis_up";

/// How long one attempt to connect may take, with TLS and login. Nobody waits for it.
const CONNECT: Duration = Duration::from_secs(2);

/// How long Redis is left alone after an attempt that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a connection that nothing seems to be wrong with is tried out.
const PULSE: Duration = Duration::from_secs(5);

/// The one connection to a Redis server, shared by all that is kept there.
///
/// A task keeps it: it connects, tries the connection out from time to time and whenever a call
/// has failed, and connects again. So a reader waits for the call that meets an outage first, for
/// no longer than the patience, and those after it for nothing. The owner is told in the log, once
/// when Redis goes and once when it is back, and by the gauge `askbook_redis_up`.
#[derive(Clone, Debug)]
pub struct RedisLink {
    address: RedisAddress,
    patience: Duration,
    state: watch::Receiver<State>,
    doubt: Arc<Notify>,
    /// Ends with the last of the links.
    _keeper: Arc<AbortOnDropHandle<()>>,
}

#[derive(Clone)]
enum State {
    /// Nothing is known yet.
    Starting,
    Up(MultiplexedConnection),
    Away,
}

/// The connection tells more of itself than is of use.
impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Starting => "Starting",
            Self::Up(_) => "Up",
            Self::Away => "Away",
        })
    }
}

impl RedisLink {
    /// Begins to connect, and returns at once. A call is given up when it takes longer than the
    /// patience. MUST be called within a tokio runtime.
    ///
    /// # Errors
    /// `Misconfigured`: the address can never be connected to.
    pub fn new(address: RedisAddress, patience: Duration) -> Result<Self, PortError> {
        describe_gauge!(UP, "Whether Redis is in reach: 1 or 0");
        let client = address.client().map_err(|error| {
            let message = format!("{address} cannot be used: {}", error.category());
            PortError::new(ErrorKind::Misconfigured, message)
        })?;
        let (sender, state) = watch::channel(State::Starting);
        let doubt = Arc::new(Notify::new());
        let keeper = Keeper {
            shown: address.to_string(),
            client,
            patience,
            state: sender,
            doubt: Arc::clone(&doubt),
        };
        let keeper = Arc::new(AbortOnDropHandle::new(tokio::spawn(keeper.keep())));
        Ok(Self { address, patience, state, doubt, _keeper: keeper })
    }

    /// The same connection, for calls that are given up after this patience.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Whether Redis is known to be out of reach.
    pub(crate) fn is_away(&self) -> bool {
        matches!(*self.state.borrow(), State::Away)
    }

    /// Waits until Redis is in reach, or out of it.
    pub async fn until(&self, up: bool) {
        let reached = |state: &State| match state {
            State::Starting => false,
            State::Up(_) => up,
            State::Away => !up,
        };
        // It fails when the keeper has ended, which it does after this link only.
        let _ = self.state.clone().wait_for(reached).await;
    }

    /// The connection, if there is one. Waits for the first attempt to connect.
    async fn connection(&self) -> Option<MultiplexedConnection> {
        let mut state = self.state.clone();
        match &*state.wait_for(|state| !matches!(state, State::Starting)).await.ok()? {
            State::Up(connection) => Some(connection.clone()),
            State::Starting | State::Away => None,
        }
    }

    /// What this call gets from Redis; `None` when it gets nothing within the patience.
    pub(crate) async fn call<T, F>(
        &self,
        call: impl FnOnce(MultiplexedConnection) -> F + Send,
    ) -> Option<T>
    where
        F: Future<Output = RedisResult<T>> + Send,
    {
        let outcome = timeout(self.patience, async {
            match self.connection().await {
                Some(connection) => Some(call(connection).await),
                None => None,
            }
        });
        let error = match outcome.await {
            Ok(Some(Ok(value))) => return Some(value),
            Ok(None) => return None,
            Ok(Some(Err(error))) => told(&error),
            Err(_) => LATE.to_owned(),
        };
        debug!(address = %self.address, error, "a call to Redis failed");
        self.doubt.notify_one();
        None
    }
}

const LATE: &str = "no answer in time";

/// What an error of Redis is about. Its own text may repeat what was sent: a password, or what a
/// reader wrote.
fn told(error: &RedisError) -> String {
    match error.code() {
        Some(code) => format!("{} ({code})", error.category()),
        None => error.category().to_owned(),
    }
}

/// Looks after the connection.
struct Keeper {
    shown: String,
    client: redis::Client,
    patience: Duration,
    state: watch::Sender<State>,
    doubt: Arc<Notify>,
}

impl Keeper {
    async fn keep(self) {
        let mut away = false;
        loop {
            match self.connect().await {
                Ok(connection) => {
                    if away {
                        info!(address = self.shown, "Redis is back");
                    }
                    away = false;
                    gauge!(UP).set(1.0);
                    self.state.send_replace(State::Up(connection.clone()));
                    self.watch_over(connection).await;
                    gauge!(UP).set(0.0);
                    self.state.send_replace(State::Away);
                }
                Err(error) => {
                    gauge!(UP).set(0.0);
                    self.state.send_replace(State::Away);
                    if !away {
                        warn!(
                            address = self.shown,
                            error,
                            "Redis is out of reach: this process goes on by itself until it is back"
                        );
                    }
                    away = true;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// A connection that works.
    async fn connect(&self) -> Result<MultiplexedConnection, String> {
        // Both are limited here, as wholes.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connecting = async {
            let connection =
                self.client.get_multiplexed_async_connection_with_config(&config).await?;
            try_out(connection.clone()).await?;
            Ok(connection)
        };
        match timeout(CONNECT, connecting).await {
            Ok(connection) => connection.map_err(|error| told(&error)),
            Err(_) => Err(LATE.to_owned()),
        }
    }

    /// Returns when the connection is of no use any more.
    async fn watch_over(&self, connection: MultiplexedConnection) {
        loop {
            // The time may be over or a call may have failed: either is a reason to look.
            let _ = timeout(PULSE, self.doubt.notified()).await;
            let answer = timeout(self.patience, try_out(connection.clone())).await;
            if !matches!(answer, Ok(Ok(()))) {
                return;
            }
        }
    }
}

/// Writes something by a script, as the calls do: a server that is full, a replica, and one that
/// lets this user run no scripts answer to everything else.
async fn try_out(mut connection: MultiplexedConnection) -> RedisResult<()> {
    redis::cmd("EVAL")
        .arg("return redis.call('SET', KEYS[1], 1, 'PX', 60000)")
        .arg((1, "askbook:alive"))
        .exec_async(&mut connection)
        .await
}
