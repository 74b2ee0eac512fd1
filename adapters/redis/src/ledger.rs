use std::sync::{Arc, Mutex, PoisonError};

use askbook::error::{ErrorKind, PortError};
use askbook::ports::Ledger;
use askbook::spend::{Account, Ceiling, Ceilings, Charge, Reservation, Snapshot};
use async_trait::async_trait;
use redis::Script;

use crate::RedisLink;

/// Keeps account in Redis of what all askbook processes spend together, so that their ceilings are
/// one for all of them.
///
/// The rule is that of [`Account`], by Redis's clock: the sums of the minute and the day are one
/// hash, `askbook:spend`, which never expires and is never larger; each open reservation is a key
/// below it, for an hour. One that is lost, by a crash or because Redis was full, stays spent.
///
/// The account of this process, the stand-in, is kept as well, whether Redis is there or not. So
/// while Redis is away, no process spends more than the ceilings by itself: together they may spend
/// that many times as much. Redis that is there and does not answer in time is not away: then
/// nothing is spent, for the others spend at the same time. Redis without persistence forgets what was spent when it restarts.
pub struct RedisLedger {
    link: RedisLink,
    ceilings: Ceilings,
    reserve: Script,
    settle: Script,
    sums: Script,
    /// What the last answer of Redis said.
    account: Mutex<Account>,
    local: Arc<dyn Ledger>,
}

/// The sums of `KEYS[1]` as of now: when, the minute's calls, tokens and money, the day's.
///
/// A clock that is set back by less than an hour goes on as if it stood, as in [`Account`].
const SUMS: &str = "
local sums = redis.call('HMGET', KEYS[1], 'at', 'mc', 'mt', 'mm', 'dc', 'dt', 'dm')
for i = 1, 7 do sums[i] = tonumber(sums[i] or '0') end
local at, now = sums[1], tonumber(redis.call('TIME')[1])
if now < at and at - now < 3600 then now = at end
if math.floor(now / 60) ~= math.floor(at / 60) then
  sums[2], sums[3], sums[4] = 0, 0, 0
end
if math.floor(now / 86400) ~= math.floor(at / 86400) then
  sums[5], sums[6], sums[7] = 0, 0, 0
end
sums[1] = now
";

/// Puts them back.
const KEEP: &str = "
redis.call('HSET', KEYS[1], 'at', sums[1], 'mc', sums[2], 'mt', sums[3], 'mm', sums[4],
  'dc', sums[5], 'dt', sums[6], 'dm', sums[7])
";

/// Counts `ARGV[1..3]` under the name `KEYS[2]` unless a sum would pass its ceiling in `ARGV[4..9]`,
/// where below 0 is none. Whether it did, and the sums before.
const RESERVE: &str = "
local before, through = {unpack(sums)}, 1
for i = 1, 6 do
  sums[i + 1] = sums[i + 1] + tonumber(ARGV[(i - 1) % 3 + 1])
  local ceiling = tonumber(ARGV[i + 3])
  if ceiling >= 0 and sums[i + 1] > ceiling then through = 0 end
end
if through == 0 then return {0, before} end
redis.call('SET', KEYS[2], table.concat({sums[1], ARGV[1], ARGV[2], ARGV[3]}, ' '), 'EX', 3600)
";

/// Puts `ARGV[1..3]` in the place of what was counted under the name `KEYS[2]`, unless that was done
/// before, in the minute and the day to which it belongs.
const SETTLE: &str = "
local open = redis.call('GET', KEYS[2])
if not open then return end
redis.call('DEL', KEYS[2])
local charge = {}
for number in string.gmatch(open, '%d+') do charge[#charge + 1] = tonumber(number) end
for i = 1, 6 do
  local length = i <= 3 and 60 or 86400
  local what = (i - 1) % 3 + 1
  if math.floor(charge[1] / length) == math.floor(sums[1] / length) then
    sums[i + 1] = math.max(0, sums[i + 1] - charge[what + 1]) + tonumber(ARGV[what])
  end
end
";

/// When, the minute's sums, the day's.
type Sums = (u64, u64, u64, u64, u64, u64, u64);

impl RedisLedger {
    /// The account at the other end of this link, and that of this process.
    pub fn new(link: RedisLink, ceilings: Ceilings, local: Arc<dyn Ledger>) -> Self {
        Self {
            link,
            ceilings,
            reserve: Script::new(&format!("{SUMS}{RESERVE}{KEEP}return {{1, before}}")),
            settle: Script::new(&format!("{SUMS}{SETTLE}{KEEP}")),
            sums: Script::new(&format!("{SUMS}return sums")),
            account: Mutex::new(Account::new(ceilings)),
            local,
        }
    }

    /// What the account of these sums says.
    fn told<T>(&self, sums: Sums, ask: impl FnOnce(&mut Account, u64) -> T) -> T {
        let (at, calls, tokens, money, ..) = sums;
        let minute = Charge { calls, tokens, money };
        let (.., calls, tokens, money) = sums;
        let day = Charge { calls, tokens, money };
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        account.resume(Snapshot { at, minute, day, open: Vec::new() });
        ask(&mut account, at)
    }
}

const SPEND: &str = "askbook:spend";

/// Where a reservation is open.
fn key(reservation: &Reservation) -> String {
    format!("{SPEND}:{}", reservation.id.simple())
}

/// Lua counts in floating point: exactly up to here, and more is too much in any case.
fn numbers(charge: Charge) -> [u64; 3] {
    [charge.calls, charge.tokens, charge.money].map(|number| number.min(1 << 50))
}

fn ceilings(ceiling: Ceiling) -> [i64; 3] {
    let number = |ceiling: u64| i64::try_from(ceiling).unwrap_or(i64::MAX);
    [ceiling.calls, ceiling.tokens, ceiling.money].map(|ceiling| ceiling.map_or(-1, number))
}

#[async_trait]
impl Ledger for RedisLedger {
    async fn reserve(&self, charge: Charge) -> Result<Reservation, PortError> {
        let reservation = self.local.reserve(charge).await?;
        let mut call = self.reserve.prepare_invoke();
        call.key(SPEND).key(key(&reservation)).arg(&numbers(charge));
        call.arg(&ceilings(self.ceilings.minute)).arg(&ceilings(self.ceilings.day));
        let call = |mut connection| async move { call.invoke_async(&mut connection).await };
        let answer: Option<(bool, Sums)> = self.link.call(call).await;
        let refusal = match answer {
            Some((true, _)) => return Ok(reservation),
            Some((false, sums)) => {
                self.told(sums, |account, now| account.check(reservation.id, charge, now))
            }
            None if self.link.is_away() => return Ok(reservation),
            None => {
                let message = "Redis did not say in time whether as much may be spent";
                Err(PortError::new(ErrorKind::Unavailable, message))
            }
        };
        // Should it fail: that it stays spent here is on the safe side.
        let _ = self.local.settle(reservation, Charge::default()).await;
        refusal
    }

    async fn settle(&self, reservation: Reservation, cost: Charge) -> Result<(), PortError> {
        let mut call = self.settle.prepare_invoke();
        call.key(SPEND).key(key(&reservation)).arg(&numbers(cost));
        let call = |mut connection| async move { call.invoke_async::<()>(&mut connection).await };
        // That Redis is not told is no loss: what was set aside counts there.
        let _ = self.link.call(call).await;
        self.local.settle(reservation, cost).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.local.ready().await?;
        let mut call = self.sums.prepare_invoke();
        call.key(SPEND);
        let call = |mut connection| async move { call.invoke_async(&mut connection).await };
        match self.link.call(call).await {
            Some(sums) => self.told(sums, Account::ready),
            None => Ok(()),
        }
    }
}
