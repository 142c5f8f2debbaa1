//! Meanwhile, at the office: people are enrolled and removed, so that galleries change under everybody's feet.

use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::tally::Tally;
use crate::api::Api;
use crate::clip::Sitter;
use crate::photos::portrait;

/// Between two changes, at most.
const PAUSE_MS: u64 = 12_000;
/// So many are enrolled at once, at most.
const MOST: usize = 8;
/// Whose photo it is does not matter: nobody is told apart here.
const SITTERS: [Sitter; 3] = [Sitter::Obama2012, Sitter::Biden2010, Sitter::Astronaut];

/// Changes who is enrolled until enough was tried.
///
/// # Errors
/// If a photo is missing. That the server does not answer is part of the storm.
pub async fn work(api: Api, seed: u64, tally: &Tally) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut enrolled: Vec<String> = Vec::new();
    while !tally.is_over() {
        tally.sleep(Duration::from_millis(random.random_range(500..PAUSE_MS))).await;
        let removes = enrolled.len() >= MOST || (!enrolled.is_empty() && random.random_bool(0.4));
        let changed = if removes {
            let person = enrolled.swap_remove(random.random_range(0..enrolled.len()));
            api.delete(&format!("/api/v1/persons/{person}")).await.is_ok()
        } else {
            let sitter = SITTERS.choose(&mut random).copied().unwrap_or(Sitter::Astronaut);
            let added = enroll(&api, portrait(sitter)?).await;
            enrolled.extend(added.as_ref().ok().cloned());
            added.is_ok()
        };
        tally.tried().changes += u64::from(changed);
    }
    Ok(())
}

async fn enroll(api: &Api, photo: Vec<u8>) -> Result<String> {
    let person = api.add_person("Somebody").await?;
    api.enroll(&person, photo).await?;
    Ok(person)
}
