//! `device`: devices, made on the machine itself.

use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use ostiary_common::ids::{DeviceId, DoorId, SiteId};
use serde_json::json;

use crate::app::{Foundation, SystemClock};
use crate::config::Config;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::domain::device::{Device, Door, Site};
use crate::domain::name::Name;
use crate::identity::devices::{NewClaimCode, new_claim_code};
use crate::ports::{AuditStore, Clock, DeviceStore};
use crate::store::sql::SqlStore;

#[derive(Subcommand)]
pub enum Command {
    /// Add a device and print its claim code. Site and door are made if they are not there.
    Add(Add),
}

#[derive(Args)]
pub struct Add {
    /// The site's name.
    #[arg(long, value_parser = parse_name)]
    site: String,
    /// The door's name.
    #[arg(long, value_parser = parse_name)]
    door: String,
    /// The device's name.
    #[arg(long, value_parser = parse_name)]
    name: String,
    /// Print JSON, as `POST /api/v1/devices` answers.
    #[arg(long)]
    json: bool,
}

fn parse_name(text: &str) -> Result<String, String> {
    Name::parse(text).map(Name::into_string).map_err(|e| e.to_string())
}

/// Runs a device command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    let Command::Add(add) = command;
    let foundation = Foundation::open(config, &SystemClock).await?;
    let store = Arc::clone(&foundation.store);
    let site = site(&store, &add.site).await?;
    let door = door(&store, &site, &add.door).await?;
    let now = SystemClock.now();
    let device = Device::pending(DeviceId::generate(), add.name, &door, now);
    store.add_device(&device).await.with_context(|| format!("adding the device {}", device.name))?;
    let code = new_claim_code(&*store, device.id, now.plus(config.identity.claim_code_life())).await?;
    store.audit(&line(&device)).await?;
    store.close().await;
    let ca_sha256 = foundation.authority.certificate_sha256();
    match add.json {
        true => println!("{}", as_json(&device, &code, ca_sha256)),
        false => println!("{}", as_text(config, &device, &code, ca_sha256)),
    }
    Ok(())
}

async fn site(store: &SqlStore, name: &str) -> Result<Site> {
    if let Some(there) = store.sites().await?.into_iter().find(|site| site.name == name) {
        return Ok(there);
    }
    let site = Site { id: SiteId::generate(), name: name.to_owned(), created_at: SystemClock.now() };
    store.add_site(&site).await.with_context(|| format!("adding the site {name}"))?;
    Ok(site)
}

async fn door(store: &SqlStore, site: &Site, name: &str) -> Result<Door> {
    let there = store.doors().await?.into_iter().find(|door| door.site == site.id && door.name == name);
    if let Some(there) = there {
        return Ok(there);
    }
    let door = Door { id: DoorId::generate(), site: site.id, name: name.to_owned(), created_at: SystemClock.now() };
    store.add_door(&door).await.with_context(|| format!("adding the door {name}"))?;
    Ok(door)
}

fn line(device: &Device) -> AuditEntry {
    AuditEntry {
        at: device.created_at,
        actor: "cli".into(),
        action: "device.create".into(),
        target: format!("device:{}", device.id),
        source: String::new(),
        result: AuditResult::Ok,
        detail: String::new(),
    }
}

fn as_json(device: &Device, code: &NewClaimCode, ca_sha256: &str) -> serde_json::Value {
    json!({
        "device": {
            "id": device.id.0,
            "site": device.site.0,
            "door": device.door.0,
            "name": device.name,
            "state": device.state.as_str(),
            "created_at": device.created_at.to_rfc3339(),
        },
        "claim_code": code.code.to_string(),
        "claim_expires_at": code.expires_at.to_rfc3339(),
        "ca_sha256": ca_sha256,
    })
}

fn as_text(config: &Config, device: &Device, code: &NewClaimCode, ca_sha256: &str) -> String {
    let host = config.server.public_names.first().map_or("<this server>", String::as_str);
    let port = match config.server.listen.port() {
        // A free port was or will be taken; the running server says which.
        0 => "<port>".to_owned(),
        port => port.to_string(),
    };
    let (code, name) = (&code.code, &device.name);
    let minutes = config.identity.claim_code_minutes;
    format!(
        "Device {name} ({}) waits for its claim. Within {minutes} minutes, run on it:\n\n  \
         ostiaryd claim --server https://{host}:{port} --code {code} \\\n    --ca-sha256 {ca_sha256}",
        device.id
    )
}
