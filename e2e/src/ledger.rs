//! Book-keeping: what must be in the store, once each, and who holds which gallery.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::api::{Api, text};
use crate::wait;

/// How often each event of a device stands in the store.
///
/// # Errors
/// If the server refuses, or an event has no id.
pub async fn counts(api: &Api, device: &str) -> Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    for event in api.events().await? {
        if event["device"] == device {
            *counts.entry(text(&event, "id")?).or_default() += 1;
        }
    }
    Ok(counts)
}

/// Waits until every event of `expected` is in the store, then checks that none is there twice.
///
/// # Errors
/// Names how many are lost and how many doubled.
pub async fn exactly_once(api: &Api, device: &str, expected: &[String], deadline: Duration) -> Result<()> {
    let missing = |stored: &BTreeMap<String, usize>| expected.iter().filter(|id| !stored.contains_key(*id)).count();
    let arrived =
        wait::until_true("every event to be stored", deadline, async || Ok(missing(&counts(api, device).await?) == 0));
    let late = arrived.await.err();
    let stored = counts(api, device).await?;
    let (lost, doubled) = (missing(&stored), stored.values().filter(|count| **count > 1).count());
    ensure!(lost == 0 && doubled == 0, "of {} events {lost} are lost, {doubled} doubled: {late:?}", expected.len());
    Ok(())
}

/// Checks that the numbers of a device's events have no hole in any stream.
///
/// # Errors
/// Names the first hole.
pub async fn no_holes(api: &Api, device: &str) -> Result<()> {
    let mut streams: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in api.events().await?.iter().filter(|event| event["device"] == device) {
        let seq = event["seq"].as_u64().with_context(|| format!("a number in {event}"))?;
        streams.entry(text(event, "stream")?).or_default().push(seq);
    }
    for (stream, mut numbers) in streams {
        numbers.sort_unstable();
        let hole = (1..).zip(&numbers).find(|(expected, found)| expected != *found);
        ensure!(hole.is_none(), "stream {stream} has a hole or a double: {hole:?} (expected, found)");
    }
    Ok(())
}

/// Waits until the device says that it holds exactly the server's gallery: the same revision, the same digest.
///
/// # Errors
/// If it does not say so in time.
pub async fn same_gallery(api: &Api, device: &str, deadline: Duration) -> Result<()> {
    let agreed = wait::until_true("the device to hold the server's gallery", deadline, async || {
        let gallery = api.get("/api/v1/gallery").await?;
        let held = held(&api.get(&format!("/api/v1/devices/{device}")).await?);
        Ok(held == Some((gallery["revision"].clone(), gallery["digest"].clone())))
    });
    match agreed.await {
        Ok(()) => Ok(()),
        Err(error) => {
            let gallery = api.get("/api/v1/gallery").await?;
            let device = api.get(&format!("/api/v1/devices/{device}")).await?;
            Err(error).context(format!("gallery {gallery}, device {device}"))
        }
    }
}

/// Waits until the device says that it holds exactly what it may, by its door's rule.
///
/// # Errors
/// If it does not say so in time; what it may hold and what it holds is in the error.
pub async fn holds_what_it_may(api: &Api, device: &str, deadline: Duration) -> Result<()> {
    let path = format!("/api/v1/devices/{device}/gallery");
    let agreed = wait::until_true("the device to hold what it may", deadline, async || {
        let gallery = api.get(&path).await?;
        Ok(gallery["standing"] == "in_sync" && gallery["held"]["digest"] == gallery["digest"])
    });
    match agreed.await {
        Ok(()) => Ok(()),
        Err(error) => Err(error).context(format!("gallery {}", api.get(&path).await?)),
    }
}

/// Revision and digest of what a device said it holds.
fn held(device: &Value) -> Option<(Value, Value)> {
    let held = device.get("held").filter(|held| held.is_object())?;
    Some((held.get("revision")?.clone(), held.get("digest")?.clone()))
}
