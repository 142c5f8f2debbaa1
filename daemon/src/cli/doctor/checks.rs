//! The single checks of `doctor`.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use ostiary_common::time::UnixMillis;
use ostiary_models::pack::{Pack, Severity, check_dir};

use super::Outcome;
use crate::cache::{self, Budget};
use crate::clock::SystemClock;
use crate::config::{Config, SourceKind};
use crate::identity::{Identity, IdentityError, IdentityFiles, check_tls};

/// Longest wait for a connection.
const REACH_LIMIT: Duration = Duration::from_secs(5);

fn ok(what: impl Into<String>) -> Outcome {
    Outcome::Ok(what.into())
}

fn fail(what: impl ToString, fix: impl Into<String>) -> Outcome {
    Outcome::Fail(what.to_string(), fix.into())
}

pub fn state_dir(config: &Config) -> Outcome {
    let dir = &config.device.state_dir;
    let at = dir.display();
    let mode = match std::fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => metadata.permissions().mode() & 0o777,
        Ok(_) => return fail(format!("{at} is not a directory"), "set device.state_dir to a directory"),
        Err(error) => {
            return fail(format!("{at}: {error}"), format!("run `install -d -m 700 {at}` as the daemon's user"));
        }
    };
    let probe = dir.join(".doctor");
    if let Err(error) = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)) {
        return fail(
            format!("{at} cannot be written: {error}"),
            "run doctor as the daemon's user, or give it the directory",
        );
    }
    if mode & 0o077 != 0 {
        return Outcome::Warn(format!("{at} can be read by others (mode {mode:o})"), format!("run `chmod 700 {at}`"));
    }
    ok(format!("{at} is private and writable"))
}

pub fn key(config: &Config) -> Outcome {
    let own = config.device.state_dir.join("cache.key");
    let is_credential = std::env::var_os("CREDENTIALS_DIRECTORY").is_some();
    if config.device.key_file.is_none() && !is_credential && !own.exists() {
        // Looking must not make one: beside a credential it would be a key that fits nothing.
        return ok("none here: it is made at the first start, or is a credential that only the service is given");
    }
    match cache::load_or_make_key(config.device.key_file.as_deref(), &config.device.state_dir) {
        Ok(_) => ok("the cache's key is there and private"),
        Err(error) => fail(error, "see above; a lost key costs the cached gallery and unsent events, nothing else"),
    }
}

fn load_identity(config: &Config) -> Result<Identity, IdentityError> {
    IdentityFiles::new(&config.device.state_dir).load().map(|(identity, _)| identity)
}

pub fn identity(config: &Config) -> Outcome {
    match load_identity(config) {
        Ok(identity) => ok(format!("{} ({})", identity.name, identity.device)),
        Err(error) => fail(error, "ask an admin for a claim code: `ostiary-server device add`"),
    }
}

pub fn pack(config: &Config) -> Outcome {
    let dir = &config.models.pack_dir;
    let findings = check_dir(dir);
    match findings.iter().find(|finding| finding.severity == Severity::Error) {
        Some(finding) => fail(format!("{}: {}", dir.display(), finding.what), finding.fix.clone()),
        None => ok(format!("{} can be used", dir.display())),
    }
}

pub fn cache(config: &Config) -> Outcome {
    let dir = config.device.state_dir.join("cache");
    if !dir.exists() {
        return ok("none yet; it is made at the first start");
    }
    let _lock = match crate::app::lock_state(&config.device.state_dir) {
        Ok(lock) => lock,
        Err(_) => return ok("in use by the running daemon"),
    };
    if config.device.key_file.is_none() && !config.device.state_dir.join("cache.key").exists() {
        return ok("sealed with a key that only the service is given: `ostiaryd status` tells how it is");
    }
    let key = match cache::load_or_make_key(config.device.key_file.as_deref(), &config.device.state_dir) {
        Ok(key) => key,
        Err(error) => return fail(error, "mend the key first"),
    };
    let pack = match Pack::load(&config.models.pack_dir) {
        Ok(pack) => pack,
        Err(error) => return fail(error, "mend the model pack first"),
    };
    let budget = Budget { total_bytes: config.outbox.max_bytes, media_bytes: config.outbox.max_media_bytes };
    match cache::examine(&dir, &key, pack.id(), budget) {
        Ok((persons, events)) => ok(format!("readable: {persons} persons, {events} events waiting")),
        Err(reason) => Outcome::Warn(
            format!("damaged: {reason}"),
            "nothing to do: it is set aside at the next start and filled again by the server".into(),
        ),
    }
}

pub fn camera(config: &Config) -> Outcome {
    if config.camera.source == SourceKind::Replay {
        let path = &config.replay.path;
        return if path.exists() {
            ok(format!("replay of {}", path.display()))
        } else {
            fail(format!("{} does not exist", path.display()), "set replay.path")
        };
    }
    if config.device.state_dir.exists() && crate::app::lock_state(&config.device.state_dir).is_err() {
        return ok("in use by the running daemon: `ostiaryd status` tells how it is");
    }
    match crate::source::open(config, std::time::Instant::now()) {
        Ok(source) => ok(source.describe()),
        Err(error) => fail(error, "`ostiaryd probe-camera` lists what is there"),
    }
}

pub fn clock() -> Outcome {
    let clock = SystemClock::new();
    let now = UnixMillis::from_system_time(SystemTime::now());
    if clock.is_synced() {
        return ok(format!("{now}, set from the network"));
    }
    let fix = "enable time synchronisation: `timedatectl set-ntp true`; until then the server's time is used";
    Outcome::Warn(format!("{now}, not known to be set from the network"), fix.into())
}

pub async fn server(config: &Config) -> Outcome {
    let Ok(identity) = load_identity(config) else { return fail("not known", "claim the device first") };
    reach(&identity.server_url, "https://", 443, &identity).await
}

pub async fn broker(config: &Config) -> Outcome {
    let Ok(identity) = load_identity(config) else { return fail("not known", "claim the device first") };
    let url = config.mqtt.broker_url.clone().unwrap_or_else(|| identity.broker_url.clone());
    reach(&url, "mqtts://", 8883, &identity).await
}

async fn reach(url: &str, scheme: &str, port: u16, identity: &Identity) -> Outcome {
    match tokio::time::timeout(REACH_LIMIT, check_tls(url, scheme, port, &identity.ca_pem)).await {
        Ok(Ok(())) => ok(format!("{url} answers and is of the CA this device trusts")),
        Ok(Err(reason)) => fail(format!("{url}: {reason}"), "check address, firewall and the server's certificate"),
        Err(_) => fail(format!("{url}: no answer within 5 s"), "check address and firewall"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &std::path::Path) -> Config {
        let mut config = Config::default();
        config.device.state_dir = dir.to_owned();
        config
    }

    fn mode(path: &std::path::Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// What came out and a word that must be in what it says or in what is to be done.
    #[track_caller]
    fn check(outcome: &Outcome, kind: &str, word: &str) {
        let (found, said) = match outcome {
            Outcome::Ok(what) => ("ok", what.clone()),
            Outcome::Warn(what, fix) => ("warn", format!("{what} {fix}")),
            Outcome::Fail(what, fix) => ("fail", format!("{what} {fix}")),
        };
        assert!(found == kind && said.contains(word), "{kind} {word}: {outcome:?}");
    }

    #[test]
    fn every_failure_is_named_with_its_mending() {
        let dir = tempfile::tempdir().unwrap();
        mode(dir.path(), 0o700);
        let mut config = config(dir.path());
        check(&state_dir(&config), "ok", "private");
        check(&identity(&config), "fail", "claim code");
        check(&cache(&config), "ok", "first start");
        check(&pack(&Config { models: Default::default(), ..config.clone() }), "fail", "");
        mode(dir.path(), 0o755);
        check(&state_dir(&config), "warn", "chmod 700");
        mode(dir.path(), 0o700);
        config.camera.device = dir.path().join("no-camera");
        check(&camera(&config), "fail", "plugged in");
        config.camera.source = SourceKind::Replay;
        config.replay.path = dir.path().join("no-clip");
        check(&camera(&config), "fail", "replay.path");
        config.device.state_dir = dir.path().join("nowhere");
        check(&state_dir(&config), "fail", "install -d -m 700");
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        config.device.state_dir = file;
        check(&state_dir(&config), "fail", "not a directory");
    }

    #[test]
    fn looking_for_the_key_makes_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        check(&key(&config), "ok", "credential");
        assert!(!dir.path().join("cache.key").exists());
        let own = dir.path().join("cache.key");
        std::fs::write(&own, "ab".repeat(32)).unwrap();
        mode(&own, 0o600);
        check(&key(&config), "ok", "private");
        mode(&own, 0o644);
        check(&key(&config), "fail", "chmod 600");
        config.device.key_file = Some(dir.path().join("lost"));
        check(&key(&config), "fail", "lost");
    }

    #[test]
    fn what_the_daemon_uses_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        std::fs::create_dir(dir.path().join("cache")).unwrap();
        let _lock = crate::app::lock_state(dir.path()).unwrap();
        check(&camera(&config), "ok", "running daemon");
        check(&cache(&config), "ok", "running daemon");
    }
}
