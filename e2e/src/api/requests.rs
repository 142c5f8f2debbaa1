//! The requests that demo and tests are made of.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Answer, Api, text};

impl Api {
    /// Adds a person who has consented; gives the id.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn add_person(&self, name: &str) -> Result<String> {
        let person = self.post("/api/v1/persons", &json!({"name": name, "consent": true})).await?.ok()?;
        text(&person, "id")
    }

    /// Sends a photo of a person.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn send_photo(&self, person: &str, bytes: Vec<u8>) -> Result<Answer> {
        self.post_bytes(&format!("/api/v1/persons/{person}/photos"), "application/octet-stream", bytes).await
    }

    /// Enrolls a person by a photo that is good enough; gives the gallery's revision.
    ///
    /// # Errors
    /// If the server refuses the photo.
    pub async fn enroll(&self, person: &str, photo: Vec<u8>) -> Result<u64> {
        let answer = self.send_photo(person, photo).await?.ok()?;
        ensure!(answer["results"][0]["accepted"] == true, "the photo was not accepted: {answer}");
        answer["revision"].as_u64().with_context(|| format!("a revision in {answer}"))
    }

    /// Every event, the oldest first.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn events(&self) -> Result<Vec<Value>> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event["cursor"].as_i64().unwrap_or_default());
            let page = self.get(&format!("/api/v1/events?limit=200&after={after}")).await?;
            let Some(items) = page["items"].as_array() else { bail!("no items in {page}") };
            if items.is_empty() {
                return Ok(all);
            }
            all.extend(items.iter().cloned());
        }
    }

    /// The newest lines of the audit log whose action is `action`.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn audited(&self, action: &str) -> Result<Vec<Value>> {
        let page = self.get("/api/v1/audit?limit=200").await?;
        let items = page["items"].as_array().with_context(|| format!("items in {page}"))?;
        Ok(items.iter().filter(|line| line["action"] == action).cloned().collect())
    }
}
