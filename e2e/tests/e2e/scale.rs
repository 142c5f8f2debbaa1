//! Several servers over one database, one broker, one Redis: one is killed under load, and nobody loses anything.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::{Api, text};
use ostiary_e2e::cluster::member::{Diary, work};
use ostiary_e2e::cluster::{self, Cluster};
use ostiary_e2e::device::RawDevice;
use ostiary_e2e::live::Live;
use ostiary_e2e::server::{LOGIN, PASSWORD, Server};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{ledger, wait};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{LATER, SOON};

/// Devices that send all the while.
const DEVICES: usize = 6;
/// Within this time everybody goes on after a server died.
const RESUMED: Duration = Duration::from_secs(5);
/// Another server's change holds within this time, without Redis.
const HEARD: Duration = Duration::from_secs(1);
/// What few may be asked for in an hour.
const EXPORT: &str = "/api/v1/audit/export";
const LIMITS: &str = "[limits]\nexports_per_hour = 4\nclaims_per_minute = 1000\nrenewals_per_minute = 10000\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_loses_and_doubles_nothing() {
    if cluster::is_there() {
        scenario("a server killed under load", killed).await;
    }
}

async fn killed(stage: &Stage) -> Result<()> {
    let mut cluster = Cluster::start(stage, 2, LIMITS).await?;
    both_lead_and_follow(&cluster.servers).await?;
    what_one_changes_holds_at_the_other(&cluster.servers).await?;
    limits_are_counted_together(&cluster.servers).await?;

    let (end, ended) = watch::channel(false);
    let mut devices = JoinSet::new();
    for number in 0..DEVICES {
        let device = claim(&cluster, &format!("door {number}")).await?;
        let id = device.identity.device.to_string();
        let ended = ended.clone();
        devices.spawn(async move { (id, work(device, ended, LATER).await) });
    }
    let asker = tokio::spawn(ask(cluster.api().await?, ended));
    // The first server leads, having come first: the worse one to lose.
    let mut watcher = Watcher::start(&cluster).await?;
    watcher.see(200, LATER).await?;
    let shut_out = ShutOut::by_the_first(&cluster).await?;
    cluster.servers[0].kill()?;
    let pause = watcher.see(200, LATER).await?;
    ensure!(pause < RESUMED, "watchers waited {pause:?} after a server was killed");
    shut_out.holds_at(&cluster.servers[1]).await?;
    cluster.servers[0].restart().await?;
    watcher.see(50, LATER).await?;
    shut_out.holds_at(&cluster.servers[0]).await?;
    // A rolling restart: the other one ends in order and comes again.
    cluster.servers[1].stop().await?;
    let pause = watcher.see(200, LATER).await?;
    ensure!(pause < RESUMED, "watchers waited {pause:?} while a server was stopped in order");
    cluster.servers[1].restart().await?;
    end.send_replace(true);
    let api = cluster.servers[1].api.clone();
    let (mut made, mut longest) = (0, Duration::ZERO);
    while let Some(joined) = devices.join_next().await {
        let (id, diary) = joined.context("a device panicked")?;
        let diary: Diary = diary.with_context(|| format!("device {id}"))?;
        longest = longest.max(diary.longest);
        made += diary.events.len();
        let expected: Vec<_> = diary.events.iter().map(ToString::to_string).collect();
        ledger::exactly_once(&api, &id, &expected, SOON).await?;
        ensure!(ledger::counts(&api, &id).await?.len() == expected.len(), "{id}: something else was stored");
        ledger::no_holes(&api, &id).await?;
    }
    let unanswered = asker.await.context("the asker panicked")?;
    println!(
        "{made} events of {DEVICES} devices, none lost or doubled; a device waited {longest:?} at the longest, who asks \
         the API by way of the front {unanswered:?}"
    );
    ensure!(longest < RESUMED, "a device waited {longest:?} for an acknowledgement");
    ensure!(unanswered < RESUMED, "the API was not answered for {unanswered:?}");
    both_lead_and_follow(&cluster.servers).await
}

async fn claim(cluster: &Cluster, name: &str) -> Result<RawDevice> {
    // The second server is asked, and the front claims: whichever server it takes knows the code and has the same CA.
    let invitation = cluster.servers[1].add_device("Head office", name, name)?;
    let api = Api::new(&cluster.front, &cluster.ca_pem)?;
    RawDevice::claim_by_code(&api, cluster.broker.clone(), invitation.code).await
}

/// Every server says that all are there, and that Redis is.
async fn both_lead_and_follow(servers: &[Server]) -> Result<()> {
    for server in servers {
        wait::until_true("replicas and Redis to be well", SOON, async || {
            let health = server.api.get("/api/v1/health").await?;
            let status = |name: &str| part(&health, name).map(|part| part["status"].clone());
            Ok(status("replicas") == Some(json!("ok")) && status("redis") == Some(json!("ok")))
        })
        .await?;
    }
    Ok(())
}

fn part<'a>(health: &'a Value, name: &str) -> Option<&'a Value> {
    health["parts"].as_array()?.iter().find(|part| part["part"] == name)
}

/// A session that is ended, a token that is everybody's, a person who is renamed.
async fn what_one_changes_holds_at_the_other(servers: &[Server]) -> Result<()> {
    let [one, other] = servers else { anyhow::bail!("two servers") };
    let session = one.api.with_token(None).login(LOGIN, PASSWORD).await?;
    let elsewhere = other.api.with_token(session.token().map(str::to_owned));
    for _ in 0..3 {
        ensure!(elsewhere.try_get("/api/v1/me").await?.status == 200, "a token of one server is not good at the other");
    }
    session.post("/api/v1/auth/logout", &json!({})).await?;
    ensure!(session.try_get("/api/v1/me").await?.status == 401, "the session is not over where it was ended");
    let began = Instant::now();
    wait::until_true("the session to be over at the other server", HEARD, async || {
        Ok(elsewhere.try_get("/api/v1/me").await?.status == 401)
    })
    .await?;
    println!("a session ended at one server was over at the other after {:?}", began.elapsed());

    let person = one.api.add_person("Ada Before").await?;
    ensure!(found(other, "before").await?.contains(&person), "a new person is not found at the other server");
    let path = format!("/api/v1/persons/{person}");
    let renamed = one.api.patch(&path, &json!({"name": "Ada Behind"})).await?;
    renamed.ok()?;
    ensure!(found(other, "behind").await?.contains(&person), "a renamed person is not found at the other server");
    ensure!(found(other, "before").await?.is_empty(), "a renamed person is found by the old name");
    Ok(())
}

async fn found(server: &Server, words: &str) -> Result<Vec<String>> {
    let page = server.api.get(&format!("/api/v1/persons?name={words}")).await?;
    page["items"].as_array().context("items")?.iter().map(|person| text(person, "id")).collect()
}

/// Four exports an hour, wherever they are asked for.
async fn limits_are_counted_together(servers: &[Server]) -> Result<()> {
    let mut answers = Vec::new();
    for number in 0..6 {
        answers.push(servers[number % 2].api.try_get(EXPORT).await?.status);
    }
    ensure!(answers == [200, 200, 200, 200, 429, 429], "exports at two servers in turn: {answers:?}");
    Ok(())
}

/// Asks the API by way of the front all the while; gives the longest time between two good answers.
async fn ask(api: Api, ended: watch::Receiver<bool>) -> Duration {
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    while !*ended.borrow() {
        let asked = tokio::time::timeout(Duration::from_secs(1), api.try_get("/api/v1/events?limit=1")).await;
        if matches!(asked, Ok(Ok(answer)) if answer.status == 200) {
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    longest.max(last.elapsed())
}

/// Whom a server shuts out as the last thing it does.
struct ShutOut {
    /// The token of a session that was ended.
    token: Option<String>,
    /// A device that was revoked.
    device: RawDevice,
}

impl ShutOut {
    /// Both are known at the other server before.
    async fn by_the_first(cluster: &Cluster) -> Result<Self> {
        let [one, other] = &cluster.servers[..] else { anyhow::bail!("two servers") };
        let device = claim(cluster, "a door given up").await?;
        device.ask_token().await?.ok()?;
        let session = one.api.with_token(None).login(LOGIN, PASSWORD).await?;
        let token = session.token().map(str::to_owned);
        other.api.with_token(token.clone()).get("/api/v1/me").await?;
        one.api.post(&format!("/api/v1/devices/{}/revoke", device.identity.device), &json!({})).await?.ok()?;
        ensure!(session.post("/api/v1/auth/logout", &json!({})).await?.status == 204, "the session was not ended");
        Ok(Self { token, device })
    }

    /// And what was counted stays counted: there are no more exports in this hour.
    async fn holds_at(&self, server: &Server) -> Result<()> {
        let session = server.api.with_token(self.token.clone());
        wait::until_true("the session to be over", HEARD, async || {
            Ok(session.try_get("/api/v1/me").await?.status == 401)
        })
        .await?;
        // By way of the front, which may still send it to a server that died.
        wait::until_true("the device to be refused a token", RESUMED, async || {
            Ok(self.device.ask_token().await.is_ok_and(|answer| answer.status == 403))
        })
        .await?;
        let status = server.api.try_get(EXPORT).await?.status;
        ensure!(status == 429, "an export beyond the limit is answered with {status}");
        Ok(())
    }
}

/// Watches events by way of the front, and comes back with its last cursor whenever the connection ends.
struct Watcher {
    api: Api,
    ca_pem: String,
    cursor: i64,
    feed: Option<Live>,
}

impl Watcher {
    async fn start(cluster: &Cluster) -> Result<Self> {
        let api = cluster.api().await?;
        Ok(Self { api, ca_pem: cluster.ca_pem.clone(), cursor: 0, feed: None })
    }

    /// Waits for so many events, each with a higher cursor than the one before; gives the longest pause between two.
    async fn see(&mut self, count: usize, deadline: Duration) -> Result<Duration> {
        let end = Instant::now() + deadline;
        let (mut seen, mut longest, mut last) = (0, Duration::ZERO, Instant::now());
        while seen < count {
            ensure!(Instant::now() < end, "saw {seen} of {count} events in time");
            let Ok(event) = self.next().await else {
                self.feed = None;
                continue;
            };
            let cursor = event["cursor"].as_i64().with_context(|| format!("a cursor in {event}"))?;
            ensure!(cursor > self.cursor, "{cursor} after {}", self.cursor);
            self.cursor = cursor;
            seen += 1;
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        Ok(longest)
    }

    async fn next(&mut self) -> Result<Value> {
        if self.feed.is_none() {
            let live = Live::connect(&self.api, &self.ca_pem, self.cursor).await;
            self.feed = Some(match live {
                Ok(live) => live,
                Err(error) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    return Err(error);
                }
            });
        }
        self.feed.as_mut().context("connected just now")?.next(Duration::from_secs(2)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_slows_nobody() {
    if cluster::is_there() {
        scenario("a Redis that hangs", hangs).await;
    }
}

async fn hangs(stage: &Stage) -> Result<()> {
    let cluster = Cluster::start(stage, 2, LIMITS).await?;
    cluster.redis.signal("STOP")?;
    let session = cluster.servers[0].api.with_token(None).login(LOGIN, PASSWORD).await?;
    let elsewhere = cluster.servers[1].api.with_token(session.token().map(str::to_owned));
    ensure!(elsewhere.try_get("/api/v1/me").await?.status == 200, "no answer without Redis");
    session.post("/api/v1/auth/logout", &json!({})).await?;
    wait::until_true("the session to be over without Redis", HEARD, async || {
        Ok(elsewhere.try_get("/api/v1/me").await?.status == 401)
    })
    .await?;
    let api = &cluster.servers[0].api;
    wait::until_true("health to say that Redis is away", SOON, async || {
        let health = api.get("/api/v1/health").await?;
        Ok(part(&health, "redis").is_some_and(|part| part["status"] == "degraded"))
    })
    .await?;
    cluster.redis.signal("CONT")?;
    wait::until_true("health to say that Redis is back", SOON, async || {
        let health = api.get("/api/v1/health").await?;
        Ok(part(&health, "redis").is_some_and(|part| part["status"] == "ok"))
    })
    .await
}
