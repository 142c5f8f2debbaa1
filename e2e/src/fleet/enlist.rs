//! Makes the fleet's devices on the server, and lets each claim and renew its identity over HTTPS.

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use crate::api::{Api, text};
use crate::device::RawDevice;
use crate::server::Server;

/// Requests under way at once.
const AT_ONCE: usize = 16;
/// Doors of one site.
const DOORS_PER_SITE: u32 = 500;

/// Makes `count` devices, each before a door of its own.
///
/// # Errors
/// If the server refuses one of them.
pub async fn enlist(server: &Server, count: u32) -> Result<Vec<RawDevice>> {
    let mut sites = Vec::new();
    for site in 0..count.div_ceil(DOORS_PER_SITE) {
        let made = server.api.post("/api/v1/sites", &json!({"name": format!("Site {site}")})).await?.ok()?;
        sites.push(text(&made, "id")?);
    }
    let one = |number: u32| {
        let site = sites[(number / DOORS_PER_SITE) as usize].clone();
        async move { device(server, &site, number).await.with_context(|| format!("device {number}")) }
    };
    stream::iter(0..count).map(one).buffered(AT_ONCE).try_collect().await
}

async fn device(server: &Server, site: &str, number: u32) -> Result<RawDevice> {
    let api: &Api = &server.api;
    let door = api.post("/api/v1/doors", &json!({"site": site, "name": format!("Door {number}")})).await?.ok()?;
    let new = json!({"name": format!("fleet-{number}"), "door": text(&door, "id")?});
    let added = api.post("/api/v1/devices", &new).await?.ok()?;
    let code = text(&added, "claim_code")?;
    let mut device = RawDevice::claim_by_code(api, server.endpoints.mqtts.clone(), code).await?;
    device.renew().await?;
    Ok(device)
}
