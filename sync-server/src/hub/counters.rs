//! Budgets counted together, by the generic cell rate algorithm: one number for each, the moment at which the budget
//! will be full again. A script reads and writes it at once, by Redis' own clock.

use std::time::Duration;

use async_trait::async_trait;
use redis::Script;

use super::Hub;
use crate::ports::hub::{Drawn, SharedCounters};

/// Times in microseconds. Answers with whether it was let through, how many are left, and the time to wait.
const DRAW: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local step, refill, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local then_full_at = full_at + step * count
if then_full_at - now > refill then
    return {0, 0, math.ceil(then_full_at - refill - now)}
end
redis.call('SET', KEYS[1], string.format('%.0f', then_full_at), 'PX', math.ceil((then_full_at - now) / 1000) + 1)
return {1, math.floor((refill - (then_full_at - now)) / step), 0}
";

pub(super) fn script() -> Script {
    Script::new(DRAW)
}

#[async_trait]
impl SharedCounters for Hub {
    async fn draw(&self, key: &str, step: Duration, refill: Duration, count: u32) -> Option<Drawn> {
        let key = self.key(&format!("budget:{key}"));
        let mut manager = self.manager.clone();
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let mut script = self.draw.prepare_invoke();
        script.key(key).arg(micros(step)).arg(micros(refill)).arg(count);
        let (let_through, left, wait_us): (i64, i64, i64) =
            self.ask(async { script.invoke_async(&mut manager).await }).await?;
        let wait = Duration::from_micros(u64::try_from(wait_us).unwrap_or(0));
        Some(Drawn { left: u32::try_from(left).unwrap_or(0), wait: (let_through == 0).then_some(wait) })
    }
}
