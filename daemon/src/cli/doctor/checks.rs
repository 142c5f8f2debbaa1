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
