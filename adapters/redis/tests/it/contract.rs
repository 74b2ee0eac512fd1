//! The stand-ins do nothing where Redis is there, so that nothing is done by them in secret.

mod in_redis {
    use std::num::NonZeroUsize;
    use std::sync::Arc;

    use askbook::error::PortError;
    use askbook::ports::{ChatSession, Ledger, Limiter, Threads};
    use askbook::session::{Exchange, MessageId, SessionId, Turn};
    use askbook::spend::Ceilings;
    use askbook::thread::{Head, Item, Owner, Thread, Visitor};
    use askbook_memory::{MemoryLedger, MemoryLimiter};
    use askbook_redis::{RedisLedger, RedisLimiter, RedisSessions, RedisThreads};
    use async_trait::async_trait;

    use crate::server::RedisServer;
    use crate::{BOUNDS, Counting, PATIENT, link, memory, threads_here};

    struct NoSessions;

    #[async_trait]
    impl ChatSession for NoSessions {
        async fn open(&self) -> Result<SessionId, PortError> {
            panic!("Redis has refused to begin a conversation")
        }

        async fn turns(&self, _: &SessionId) -> Result<Option<Vec<Turn>>, PortError> {
            Ok(None)
        }

        async fn record(&self, _: &SessionId, _: Exchange) -> Result<(), PortError> {
            Ok(())
        }

        async fn ready(&self) -> Result<(), PortError> {
            Ok(())
        }
    }

    mod session {
        use super::*;

        async fn fixture() -> (Arc<dyn ChatSession>, Option<RedisServer>) {
            let Some(server) = RedisServer::start(&[]) else { return (memory(), None) };
            let link = link(&server, PATIENT);
            (Arc::new(RedisSessions::new(link, BOUNDS, Arc::new(NoSessions))), Some(server))
        }

        askbook::session_contract!(fixture);
    }

    struct NoThreads;

    #[async_trait]
    impl Threads for NoThreads {
        async fn begin(&self, _: Head) -> Result<(), PortError> {
            panic!("Redis has refused to begin a thread")
        }

        async fn get(&self, _: &Visitor, _: &SessionId) -> Result<Option<Thread>, PortError> {
            Ok(None)
        }

        async fn list(&self, _: &Owner) -> Result<Vec<Head>, PortError> {
            Ok(Vec::new())
        }

        async fn rename(&self, _: &Visitor, _: &SessionId, _: &str) -> Result<bool, PortError> {
            Ok(false)
        }

        async fn remove(&self, _: &Visitor, _: &SessionId) -> Result<bool, PortError> {
            Ok(false)
        }

        async fn put(&self, _: &Visitor, _: &SessionId, _: Item) -> Result<bool, PortError> {
            Ok(false)
        }

        async fn truncate(
            &self,
            _: &Visitor,
            _: &SessionId,
            _: MessageId,
        ) -> Result<bool, PortError> {
            Ok(false)
        }
    }

    mod threads {
        use super::*;

        async fn fixture() -> (Arc<dyn Threads>, Option<RedisServer>) {
            let Some(server) = RedisServer::start(&[]) else { return (threads_here(), None) };
            let link = link(&server, PATIENT);
            (Arc::new(RedisThreads::new(link, BOUNDS, Arc::new(NoThreads))), Some(server))
        }

        askbook::threads_contract!(fixture);
    }

    mod limiter {
        use super::*;

        async fn fixture() -> (Arc<dyn Limiter>, Option<RedisServer>) {
            let quota = askbook::contract::limiter::QUOTA;
            let Some(server) = RedisServer::start(&[]) else {
                let clients = NonZeroUsize::new(100).unwrap();
                return (Arc::new(MemoryLimiter::new(quota, clients)), None);
            };
            let local = Arc::new(Counting::default());
            (Arc::new(RedisLimiter::new(link(&server, PATIENT), quota, local)), Some(server))
        }

        askbook::limiter_contract!(fixture);
    }

    mod ledger {
        use super::*;

        async fn fixture(ceilings: Ceilings) -> (Arc<dyn Ledger>, Option<RedisServer>) {
            let Some(server) = RedisServer::start(&[]) else {
                return (Arc::new(MemoryLedger::new(ceilings)), None);
            };
            let local = Arc::new(MemoryLedger::new(Ceilings::default()));
            (Arc::new(RedisLedger::new(link(&server, PATIENT), ceilings, local)), Some(server))
        }

        askbook::ledger_contract!(fixture);
    }
}

mod without_redis {
    use std::sync::Arc;

    use askbook::ports::{ChatSession, Ledger, Threads};
    use askbook::spend::Ceilings;
    use askbook_memory::MemoryLedger;
    use askbook_redis::{RedisAddress, RedisLedger, RedisLink, RedisSessions, RedisThreads};

    use crate::{BOUNDS, PATIENT, memory, threads_here};

    fn nowhere() -> RedisLink {
        let address = RedisAddress::parse("unix:///nonexistent/askbook").unwrap();
        RedisLink::new(address, PATIENT).unwrap()
    }

    mod session {
        use super::*;

        async fn fixture() -> (Arc<dyn ChatSession>, ()) {
            (Arc::new(RedisSessions::new(nowhere(), BOUNDS, memory())), ())
        }

        askbook::session_contract!(fixture);
    }

    mod threads {
        use super::*;

        async fn fixture() -> (Arc<dyn Threads>, ()) {
            (Arc::new(RedisThreads::new(nowhere(), BOUNDS, threads_here())), ())
        }

        askbook::threads_contract!(fixture);
    }

    mod ledger {
        use super::*;

        async fn fixture(ceilings: Ceilings) -> (Arc<dyn Ledger>, ()) {
            let local = Arc::new(MemoryLedger::new(ceilings));
            (Arc::new(RedisLedger::new(nowhere(), ceilings, local)), ())
        }

        askbook::ledger_contract!(fixture);
    }
}
