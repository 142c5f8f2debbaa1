//! Meanwhile, at the office: people are enrolled and removed, move between groups, and doors are told to know all or
//! some of them, so that galleries change under everybody's feet.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::tally::Tally;
use crate::api::{Api, text};
use crate::clip::Sitter;
use crate::photos::portrait;

/// Between two changes, at most.
const PAUSE_MS: u64 = 10_000;
/// So many are enrolled at once, at most.
const MOST: usize = 8;
/// Whose photo it is does not matter: nobody is told apart here.
const SITTERS: [Sitter; 3] = [Sitter::Obama2012, Sitter::Biden2010, Sitter::Astronaut];

/// Somebody at work.
#[derive(Debug)]
pub struct Office {
    api: Api,
    random: StdRng,
    groups: Vec<String>,
    doors: Vec<String>,
    enrolled: Vec<String>,
}

impl Office {
    /// Begins with two groups and nobody enrolled; `devices` are those at whose doors rules change.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn open(api: Api, seed: u64, devices: &[String]) -> Result<Self> {
        let (mut groups, mut doors) = (Vec::new(), Vec::new());
        for name in ["Day", "Night"] {
            groups.push(text(&api.post("/api/v1/groups", &json!({"name": name})).await?.ok()?, "id")?);
        }
        for device in devices {
            doors.push(text(&api.get(&format!("/api/v1/devices/{device}")).await?, "door")?);
        }
        Ok(Self { api, random: StdRng::seed_from_u64(seed), groups, doors, enrolled: Vec::new() })
    }

    /// Changes something now and then until enough was tried.
    ///
    /// # Errors
    /// If a photo is missing. That the server does not answer is part of the storm.
    pub async fn work(mut self, tally: &Tally) -> Result<()> {
        while !tally.is_over() {
            tally.sleep(Duration::from_millis(self.random.random_range(300..PAUSE_MS))).await;
            let changed = match self.random.random_range(0..10) {
                0..3 if self.enrolled.len() < MOST => self.enroll().await?,
                0..5 => self.remove().await,
                5..8 => self.regroup().await,
                _ => self.rule().await,
            };
            tally.tried().changes += u64::from(changed.is_ok());
        }
        Ok(())
    }

    /// What the server says of it is the inner result.
    async fn enroll(&mut self) -> Result<Result<()>> {
        let sitter = SITTERS.choose(&mut self.random).copied().context("somebody to enroll")?;
        let photo = portrait(sitter)?;
        let added = self.api.add_person("Somebody").await;
        let person = match added {
            Ok(person) => person,
            Err(error) => return Ok(Err(error)),
        };
        self.enrolled.push(person.clone());
        Ok(self.api.enroll(&person, photo).await.map(|_| ()))
    }

    async fn remove(&mut self) -> Result<()> {
        let place = self.random.random_range(0..MOST);
        let person = self.enrolled.get(place).context("nobody")?.clone();
        self.api.delete(&format!("/api/v1/persons/{person}")).await?.ok()?;
        self.enrolled.swap_remove(place);
        Ok(())
    }

    /// Somebody comes into a group or leaves it.
    async fn regroup(&mut self) -> Result<()> {
        let person = self.enrolled.choose(&mut self.random).context("nobody")?;
        let group = self.groups.choose(&mut self.random).context("no group")?;
        let what = if self.random.random_bool(0.6) { "add" } else { "remove" };
        self.api.post(&format!("/api/v1/groups/{group}/members"), &json!({what: [person]})).await?.ok()?;
        Ok(())
    }

    /// A door is to know everyone, some, or nobody.
    async fn rule(&mut self) -> Result<()> {
        let door = self.doors.choose(&mut self.random).context("no door")?;
        let rule: Value = match self.random.random_range(0..4) {
            0 | 1 => json!({"know": "everyone"}),
            2 => json!({"know": "groups", "groups": [self.groups.choose(&mut self.random)]}),
            _ => json!({"know": "groups", "groups": []}),
        };
        self.api.put(&format!("/api/v1/doors/{door}/gallery-rule"), &rule).await?.ok()?;
        Ok(())
    }
}
