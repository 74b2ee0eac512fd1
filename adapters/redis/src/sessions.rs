use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use askbook::error::{ErrorKind, PortError};
use askbook::ports::ChatSession;
use askbook::session::{Exchange, SessionId, Turn};
use async_trait::async_trait;
use redis::{RedisResult, Script, pipe};

use crate::RedisLink;

/// How much of one conversation is kept in Redis.
#[derive(Clone, Copy, Debug)]
pub struct SessionBounds {
    /// A conversation that nobody used for this long is forgotten.
    pub ttl: Duration,
    /// How many exchanges are kept, the newest.
    pub exchanges: NonZeroUsize,
    /// How many bytes they may take together, as JSON; the oldest go first.
    pub bytes: NonZeroUsize,
}

/// Keeps conversations in Redis, where other askbook processes find them too.
///
/// One conversation is one list, `askbook:session:ID`: an empty entry, so that there is a list
/// from the beginning, and an entry for each exchange. Each is bounded in length and time; how many
/// there are is bounded by how many are begun within the time, and by Redis's own `maxmemory`. At
/// that, Redis should forget those whose time is over first (`maxmemory-policy volatile-ttl`): with
/// its default, `noeviction`, it takes no new one, which is an outage.
///
/// While Redis is away, the stand-in keeps conversations in this process. The ones in Redis are
/// unknown then: their readers begin anew. The ones that were begun in this process are moved to
/// Redis when they are used after it is back; where both know a conversation, Redis is right.
pub struct RedisSessions {
    link: RedisLink,
    bounds: SessionBounds,
    record: Script,
    adopt: Script,
    local: Arc<dyn ChatSession>,
}

/// Appends `ARGV[1]` to a conversation that is known, with `ARGV[2]` exchanges in `ARGV[3]` bytes and
/// `ARGV[4]` milliseconds. 1, or 0 for one that is not known.
const RECORD: &str = "
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
local kept, bytes = redis.call('LRANGE', KEYS[1], 0, -1), 0
for i = #kept, 1, -1 do
  bytes = bytes + #kept[i]
  if bytes > tonumber(ARGV[3]) then
    redis.call('LTRIM', KEYS[1], i, -1)
    break
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
";

/// Makes a conversation of the exchanges from `ARGV[2]` on, for `ARGV[1]` milliseconds, unless it is
/// known.
const ADOPT: &str = "
if redis.call('EXISTS', KEYS[1]) == 1 then return end
redis.call('RPUSH', KEYS[1], '')
for i = 2, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
";

impl RedisSessions {
    /// Conversations at the other end of this link, and the stand-in while it is away.
    pub fn new(link: RedisLink, bounds: SessionBounds, local: Arc<dyn ChatSession>) -> Self {
        let (record, adopt) = (Script::new(RECORD), Script::new(ADOPT));
        Self { link, bounds, record, adopt, local }
    }

    fn ttl(&self) -> i64 {
        i64::try_from(self.bounds.ttl.as_millis()).unwrap_or(i64::MAX)
    }

    /// The entries of a conversation; none when it is not known.
    async fn entries(&self, id: &SessionId) -> Option<Vec<String>> {
        let (key, ttl) = (key(id), self.ttl());
        let read = |mut connection| async move {
            let entries: RedisResult<(Vec<String>,)> = pipe()
                .atomic()
                .lrange(&key, 0, -1)
                .pexpire(&key, ttl)
                .ignore()
                .query_async(&mut connection)
                .await;
            entries.map(|(entries,)| entries)
        };
        self.link.call(read).await
    }

    /// Appends an entry; `false` when the conversation is not known.
    async fn append(&self, id: &SessionId, entry: String) -> Option<bool> {
        let mut call = self.record.prepare_invoke();
        call.key(key(id))
            .arg(entry)
            .arg(self.bounds.exchanges.get())
            .arg(self.bounds.bytes.get())
            .arg(self.ttl());
        self.link
            .call(|mut connection| async move { call.invoke_async(&mut connection).await })
            .await
    }

    /// Puts a conversation of this process into Redis. That it fails is no matter: it is still here.
    async fn adopt(&self, id: &SessionId, turns: &[Turn]) {
        let exchanges: Vec<String> = turns
            .chunks_exact(2)
            .map(|pair| entry(&pair[0].text, &pair[1].text))
            .filter(|entry| entry.len() <= self.bounds.bytes.get())
            .collect();
        let mut call = self.adopt.prepare_invoke();
        call.key(key(id)).arg(self.ttl()).arg(exchanges);
        let call = |mut connection| async move { call.invoke_async::<()>(&mut connection).await };
        let _ = self.link.call(call).await;
    }
}

fn key(id: &SessionId) -> String {
    format!("askbook:session:{}", id.as_str())
}

fn entry(question: &str, answer: &str) -> String {
    serde_json::json!([question, answer]).to_string()
}

/// The turns of a conversation's entries. What askbook has not written, as the empty one at the
/// beginning, is passed over.
fn turns(entries: &[String]) -> Vec<Turn> {
    let exchanges = entries.iter().filter_map(|entry| {
        let (question, answer) = serde_json::from_str(entry).ok()?;
        Some(Exchange { question, answer }.into_turns())
    });
    exchanges.flatten().collect()
}

#[async_trait]
impl ChatSession for RedisSessions {
    async fn open(&self) -> Result<SessionId, PortError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            PortError::new(ErrorKind::Unavailable, "the system gave no random bytes")
                .with_source(error)
        })?;
        let id = SessionId::from_random(random);
        let (key, ttl) = (key(&id), self.ttl());
        let begin = |mut connection| async move {
            pipe().atomic().rpush(&key, "").pexpire(&key, ttl).exec_async(&mut connection).await
        };
        match self.link.call(begin).await {
            Some(()) => Ok(id),
            None => self.local.open().await,
        }
    }

    async fn turns(&self, id: &SessionId) -> Result<Option<Vec<Turn>>, PortError> {
        match self.entries(id).await {
            Some(entries) if !entries.is_empty() => Ok(Some(turns(&entries))),
            known => {
                let local = self.local.turns(id).await?;
                if let (Some(_), Some(turns)) = (known, &local) {
                    self.adopt(id, turns).await;
                }
                Ok(local)
            }
        }
    }

    async fn record(&self, id: &SessionId, exchange: Exchange) -> Result<(), PortError> {
        let entry = entry(&exchange.question, &exchange.answer);
        if entry.len() > self.bounds.bytes.get() {
            return Ok(());
        }
        match self.append(id, entry).await {
            Some(true) => Ok(()),
            // One that was begun in this process is kept here until it is moved.
            Some(false) | None => self.local.record(id, exchange).await,
        }
    }

    /// Conversations can be kept in either place.
    async fn ready(&self) -> Result<(), PortError> {
        self.local.ready().await
    }
}
