use std::sync::Arc;

use askbook::error::PortError;
use askbook::ports::Threads;
use askbook::session::{MessageId, SessionId};
use askbook::thread::{Head, Item, MOST_THREADS, Owner, Thread, Visitor};
use async_trait::async_trait;
use redis::{FromRedisValue, RedisResult, Script, ScriptInvocation, pipe};
use uuid::Uuid;

use crate::{RedisLink, SessionBounds};

/// Keeps threads in Redis, where other askbook processes find them too.
///
/// One thread is one list, `askbook:thread:ID`: its head, and an entry for each item. The ids of an
/// owner's threads are another one, `askbook:threads:OWNER`, where the owner is a hash of their
/// token. Each is bounded in length and time, like the conversations of
/// [`RedisSessions`](crate::RedisSessions).
///
/// While Redis is away, the stand-in keeps threads in this process. The ones in Redis are unknown
/// then. The ones that were begun in this process stay in it, and are listed together with the
/// others when Redis is back.
pub struct RedisThreads {
    link: RedisLink,
    bounds: SessionBounds,
    scripts: Scripts,
    local: Arc<dyn Threads>,
}

struct Scripts {
    begin: Script,
    list: Script,
    rename: Script,
    remove: Script,
    put: Script,
    truncate: Script,
}

/// Begins the thread `ARGV[1]`, whose head is `ARGV[2]`, for `ARGV[3]` milliseconds, and forgets
/// the oldest of the owner's when they have more than `ARGV[4]`.
const BEGIN: &str = "
redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('LPUSH', KEYS[2], ARGV[1])
while redis.call('LLEN', KEYS[2]) > tonumber(ARGV[4]) do
  redis.call('DEL', 'askbook:thread:' .. redis.call('RPOP', KEYS[2]))
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
";

/// The ids of an owner's threads and their heads, in turn. What is over is forgotten.
const LIST: &str = "
local found = {}
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local head = redis.call('LINDEX', 'askbook:thread:' .. id, 0)
  if head then
    found[#found + 1] = id
    found[#found + 1] = head
  else
    redis.call('LREM', KEYS[1], 0, id)
  end
end
return found
";

/// Each of these does something with a thread that is known, and gives it and the list of its owner
/// `ARGV[1]` milliseconds more. 1, or 0 when nothing was done.
const RENAME: &str = "
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('LSET', KEYS[1], 0, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
";

/// `ARGV[2]` is the id.
const REMOVE: &str = "
redis.call('LREM', KEYS[2], 0, ARGV[2])
return redis.call('DEL', KEYS[1])
";

/// Puts the entry `ARGV[3]`, whose item is `ARGV[2]`. At most `ARGV[4]` items are kept, in at most
/// `ARGV[5]` bytes; one that alone is longer is not, for it would drive out the whole thread.
const PUT: &str = "
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if #ARGV[3] > tonumber(ARGV[5]) then return 1 end
local put = false
for i, entry in ipairs(redis.call('LRANGE', KEYS[1], 1, -1)) do
  if string.sub(entry, 1, #ARGV[2]) == ARGV[2] then
    redis.call('LSET', KEYS[1], i, ARGV[3])
    put = true
    break
  end
end
if not put then redis.call('RPUSH', KEYS[1], ARGV[3]) end
local kept, bytes = redis.call('LRANGE', KEYS[1], 1, -1), 0
for i = #kept, 1, -1 do
  bytes = bytes + #kept[i]
  if bytes > tonumber(ARGV[5]) or #kept - i >= tonumber(ARGV[4]) then
    local head = redis.call('LINDEX', KEYS[1], 0)
    redis.call('LTRIM', KEYS[1], i, -1)
    redis.call('LSET', KEYS[1], 0, head)
    break
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
";

/// Takes out what comes after the item `ARGV[2]`.
const TRUNCATE: &str = "
for i, entry in ipairs(redis.call('LRANGE', KEYS[1], 1, -1)) do
  if string.sub(entry, 1, #ARGV[2]) == ARGV[2] then
    redis.call('LTRIM', KEYS[1], 0, i)
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[1])
    return 1
  end
end
return 0
";

/// What Redis says of a thread.
enum Known {
    /// It has it, and the visitor may see it.
    Admitted(Head),
    /// It has it, and the visitor may not see it.
    Closed,
    /// It has it not, or it is away.
    No,
}

impl RedisThreads {
    /// Threads at the other end of this link, and the stand-in while it is away.
    pub fn new(link: RedisLink, bounds: SessionBounds, local: Arc<dyn Threads>) -> Self {
        let scripts = Scripts {
            begin: Script::new(BEGIN),
            list: Script::new(LIST),
            rename: Script::new(RENAME),
            remove: Script::new(REMOVE),
            put: Script::new(PUT),
            truncate: Script::new(TRUNCATE),
        };
        Self { link, bounds, scripts, local }
    }

    fn ttl(&self) -> i64 {
        i64::try_from(self.bounds.ttl.as_millis()).unwrap_or(i64::MAX)
    }

    async fn run<T: FromRedisValue + Send>(&self, call: &ScriptInvocation<'_>) -> Option<T> {
        self.link
            .call(|mut connection| async move { call.invoke_async(&mut connection).await })
            .await
    }

    /// The head of a thread, before something is done with it: whose it is never changes.
    async fn known(&self, by: &Visitor, id: &SessionId) -> Known {
        let key = thread_key(id);
        let read = |mut connection| async move {
            let head: RedisResult<Option<String>> =
                redis::cmd("LINDEX").arg(&key).arg(0).query_async(&mut connection).await;
            head
        };
        match self.link.call(read).await.flatten().and_then(|entry| head(id, &entry)) {
            Some(head) if head.admits(by) => Known::Admitted(head),
            Some(_) => Known::Closed,
            None => Known::No,
        }
    }

    /// Does something with a thread: by this script where Redis has it, and else in this process.
    async fn change(
        &self,
        by: &Visitor,
        id: &SessionId,
        script: &Script,
        arguments: impl FnOnce(Head, &mut ScriptInvocation<'_>) + Send,
        here: impl Future<Output = Result<bool, PortError>> + Send,
    ) -> Result<bool, PortError> {
        let done = match self.known(by, id).await {
            Known::Closed => Some(false),
            Known::No => None,
            Known::Admitted(head) => {
                let mut call = script.prepare_invoke();
                call.key(thread_key(id)).key(threads_key(&head.owner)).arg(self.ttl());
                arguments(head, &mut call);
                self.run(&call).await
            }
        };
        match done {
            Some(done) => Ok(done),
            None => here.await,
        }
    }
}

fn thread_key(id: &SessionId) -> String {
    format!("askbook:thread:{}", id.as_str())
}

fn threads_key(owner: &Owner) -> String {
    format!("askbook:threads:{}", owner.as_str())
}

fn head_entry(head: &Head) -> String {
    let Head { owner, open, begun, title, .. } = head;
    serde_json::json!([owner.as_str(), open, begun, title]).to_string()
}

/// The head of this thread; `None` for what askbook has not written.
fn head(id: &SessionId, entry: &str) -> Option<Head> {
    let (owner, open, begun, title): (String, bool, u64, String) =
        serde_json::from_str(entry).ok()?;
    Some(Head { id: id.clone(), owner: Owner::from_name(&owner)?, open, begun, title })
}

/// 32 hexadecimal digits, by which the entry is found.
fn item_name(id: MessageId) -> String {
    id.0.simple().to_string()
}

fn item(entry: &str) -> Option<Item> {
    let (name, content) = entry.split_at_checked(32)?;
    let id = MessageId(Uuid::try_parse(name).ok()?);
    Some(Item { id, content: content.to_owned() })
}

#[async_trait]
impl Threads for RedisThreads {
    async fn begin(&self, head: Head) -> Result<(), PortError> {
        let mut call = self.scripts.begin.prepare_invoke();
        call.key(thread_key(&head.id))
            .key(threads_key(&head.owner))
            .arg(head.id.as_str())
            .arg(head_entry(&head))
            .arg(self.ttl())
            .arg(MOST_THREADS);
        match self.run::<bool>(&call).await {
            Some(_) => Ok(()),
            None => self.local.begin(head).await,
        }
    }

    async fn get(&self, by: &Visitor, id: &SessionId) -> Result<Option<Thread>, PortError> {
        let Known::Admitted(known) = self.known(by, id).await else {
            return self.local.get(by, id).await;
        };
        let (key, threads, ttl) = (thread_key(id), threads_key(&known.owner), self.ttl());
        let read = |mut connection| async move {
            let entries: RedisResult<(Vec<String>,)> = pipe()
                .atomic()
                .lrange(&key, 0, -1)
                .pexpire(&key, ttl)
                .ignore()
                .pexpire(&threads, ttl)
                .ignore()
                .query_async(&mut connection)
                .await;
            entries.map(|(entries,)| entries)
        };
        let entries = self.link.call(read).await.unwrap_or_default();
        let Some((first, entries)) = entries.split_first() else { return Ok(None) };
        let items = entries.iter().filter_map(|entry| item(entry)).collect();
        Ok(head(id, first).map(|head| Thread { head, items }))
    }

    async fn list(&self, owner: &Owner) -> Result<Vec<Head>, PortError> {
        let mut call = self.scripts.list.prepare_invoke();
        call.key(threads_key(owner));
        let found: Vec<String> = self.run(&call).await.unwrap_or_default();
        let heads = found.chunks_exact(2).filter_map(|pair| {
            let id = SessionId::parse(&pair[0]).ok()?;
            head(&id, &pair[1]).filter(|head| head.owner == *owner)
        });
        let mut heads: Vec<Head> = heads.collect();
        let local = self.local.list(owner).await?;
        if !local.is_empty() {
            heads.extend(local);
            heads.sort_by_key(|head| std::cmp::Reverse(head.begun));
            heads.truncate(MOST_THREADS);
        }
        Ok(heads)
    }

    async fn rename(&self, by: &Visitor, id: &SessionId, title: &str) -> Result<bool, PortError> {
        let arguments = |head: Head, call: &mut ScriptInvocation<'_>| {
            call.arg(head_entry(&Head { title: title.to_owned(), ..head }));
        };
        let here = self.local.rename(by, id, title);
        self.change(by, id, &self.scripts.rename, arguments, here).await
    }

    async fn remove(&self, by: &Visitor, id: &SessionId) -> Result<bool, PortError> {
        let arguments = |_, call: &mut ScriptInvocation<'_>| _ = call.arg(id.as_str());
        self.change(by, id, &self.scripts.remove, arguments, self.local.remove(by, id)).await
    }

    async fn put(&self, by: &Visitor, id: &SessionId, item: Item) -> Result<bool, PortError> {
        let name = item_name(item.id);
        let entry = format!("{name}{}", item.content);
        let SessionBounds { exchanges, bytes, .. } = self.bounds;
        let items = exchanges.get().saturating_mul(2);
        let arguments = |_, call: &mut ScriptInvocation<'_>| {
            call.arg(name).arg(entry).arg(items).arg(bytes.get());
        };
        let here = self.local.put(by, id, item);
        self.change(by, id, &self.scripts.put, arguments, here).await
    }

    async fn truncate(
        &self,
        by: &Visitor,
        id: &SessionId,
        after: MessageId,
    ) -> Result<bool, PortError> {
        let arguments = |_, call: &mut ScriptInvocation<'_>| _ = call.arg(item_name(after));
        let here = self.local.truncate(by, id, after);
        self.change(by, id, &self.scripts.truncate, arguments, here).await
    }
}
