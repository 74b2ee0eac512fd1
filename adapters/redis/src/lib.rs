//! What several askbook processes share, in Redis: conversations and threads, how often each client asks, and
//! what is spent.
//!
//! Redis is a convenience here, never a condition. Everything that is kept in it has a stand-in in
//! this process, which is used while Redis is away, and each call to Redis is given up after a
//! short time. [`RedisLink`] notices an outage and its end, and tells the owner once of each.
//!
//! All keys begin with `askbook:`; all but `askbook:spend`, of which there is one of a fixed size,
//! expire. Two books that share a server need a database each (`redis://host/1`).

mod address;
mod ledger;
mod limiter;
mod link;
mod sessions;
mod threads;

pub use address::{AddressError, RedisAddress};
pub use ledger::RedisLedger;
pub use limiter::RedisLimiter;
pub use link::RedisLink;
pub use sessions::{RedisSessions, SessionBounds};
pub use threads::RedisThreads;
