//! After the storm: everything is made whole, has time to arrive, and is compared.

use std::time::Duration;

use anyhow::{Context, Result};

use super::super::books::{Stored, Written};
use super::super::verdict::Verdict;
use super::setting::Setting;
use crate::api::Api;
use crate::daemon::View;
use crate::{ledger, wait};

/// How long everything may take to arrive once all is whole.
const DRAINS: Duration = Duration::from_secs(600);
/// How long a device may take to hold what it may.
const CONVERGES: Duration = Duration::from_secs(120);

/// Lets everything arrive, then compares books and galleries.
///
/// # Errors
/// If the store or a log cannot be read, or a device cannot be started; broken promises go into the verdict.
pub(super) async fn judge(mut setting: Setting, written: &mut [Written], verdict: &mut Verdict) -> Result<()> {
    let api = setting.house.server.api.clone();
    let marked: Vec<bool> = setting.doors.iter().map(|door| matches!(door.view, View::Drill(_))).collect();
    setting.doors.iter_mut().try_for_each(|door| door.daemon.kill())?;
    written.iter_mut().try_for_each(Written::read)?;
    let before: Vec<usize> = written.iter().map(|book| book.ids.len()).collect();
    for door in &mut setting.doors {
        // Nothing new is written down but the word that it has started.
        door.view = View::Drill(0.0);
        door.run()?;
    }
    let mut stored = Stored::default();
    if let Err(error) = arrive(&api, &setting, written, &before, &mut stored).await {
        eprintln!("{error:#}");
    }
    for door in &setting.doors {
        if let Err(error) = ledger::holds_what_it_may(&api, &door.daemon.device, CONVERGES).await {
            eprintln!("{} holds something else: {error:#}", door.name);
            verdict.held_wrongly += 1;
        }
    }
    // The devices' books are not read again: what they say from now on has had no time to arrive.
    stored.read(&api).await.context("reading the store")?;
    for ((door, book), marked) in setting.doors.iter().zip(written.iter()).zip(marked) {
        verdict.compare(&book.ids, stored.of(&door.daemon.device), marked);
    }
    verdict.quarantines += stored.reports.get("cache_quarantined").copied().unwrap_or_default();
    eprintln!("reports of devices: {:?}", stored.reports);
    Ok(())
}

/// Waits until each device has said that it has started, which it does once, and the store holds everything that was
/// written down.
async fn arrive(
    api: &Api,
    setting: &Setting,
    written: &mut [Written],
    before: &[usize],
    stored: &mut Stored,
) -> Result<()> {
    wait::until_true("everything to arrive", DRAINS, async || {
        written.iter_mut().try_for_each(Written::read)?;
        // The last server may still be busy with what has piled up.
        if stored.read(api).await.is_err() {
            return Ok(false);
        }
        let started = written.iter().zip(before).all(|(book, before)| book.ids.len() > *before);
        let mut pairs = setting.doors.iter().zip(written.iter());
        Ok(started && pairs.all(|(door, book)| stored.missing(&door.daemon.device, &book.ids) == 0))
    })
    .await
}
