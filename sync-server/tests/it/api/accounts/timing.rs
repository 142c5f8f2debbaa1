//! Whether an account exists cannot be told by how long a refusal takes.

use std::time::{Duration, Instant};

use ostiary_server::domain::access::{Grant, Role, Scope};

use crate::api::world::{World, add_account};

/// Fewer than what is slowed: per account and address, and per address.
const ROUNDS: usize = 4;
const ACCOUNTS: usize = 3;

#[tokio::test]
async fn unknown_accounts_and_wrong_passwords_are_refused_as_fast() {
    let world = World::start_with(|config| config.limits.logins_per_minute = 1000).await;
    let viewer = vec![Grant { role: Role::Viewer, scope: Scope::Everything }];
    for at in 0..ACCOUNTS {
        add_account(&world.store, &format!("known-{at}"), viewer.clone()).await;
    }
    let attempt = async |login: &str| {
        let started = Instant::now();
        let response = world.login(login, "wrong but of some length").await;
        assert_eq!(response.status(), 401);
        let (took, body) = (started.elapsed(), response.text().await.unwrap());
        (took, body.replace(|c: char| c.is_ascii_digit(), ""))
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let mut bodies = Vec::new();
    for _ in 0..ROUNDS {
        // By turns, so that whatever else the machine does hits both alike.
        for at in 0..ACCOUNTS {
            for (times, login) in [(&mut known, format!("known-{at}")), (&mut unknown, format!("nobody-{at}"))] {
                let (took, body) = attempt(&login).await;
                times.push(took);
                bodies.push(body.split("instance").next().unwrap().to_owned());
            }
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the words are the same: {bodies:?}");
    let (known, unknown) = (quartile(&mut known), quartile(&mut unknown));
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    println!("refused after {known:?} (known account), {unknown:?} (unknown), ratio {ratio:.2}");
    assert!((0.6..1.67).contains(&ratio), "{known:?} against {unknown:?}");
    world.stop().await;
}

/// The lower quartile: what it takes when nothing is in the way.
fn quartile(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 4]
}
