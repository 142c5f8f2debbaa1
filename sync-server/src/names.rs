//! Finds persons by name.
//!
//! Names lie sealed in the store, where no query can read them. Each server keeps them open in memory instead, and asks
//! the store before every search what changed since: one row if nothing did. Nothing readable, and nothing a frequency
//! count could make readable, is written anywhere. A hundred thousand names take about 10 MB.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostiary_common::ids::PersonId;
use tokio::sync::Mutex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::profile::NameStamp;
use crate::ports::{Store, StoreError};

/// Names read at once.
const PAGE: u32 = 2000;

/// Names as they are searched, by person.
type Names = BTreeMap<PersonId, Box<str>>;

/// The names of everyone, kept current from the store.
pub struct NameIndex {
    store: Arc<dyn Store>,
    kept: Mutex<Option<(NameStamp, Arc<Names>)>>,
}

impl NameIndex {
    /// Over this store; nothing is read before the first search.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, kept: Mutex::default() }
    }

    /// Everyone whose name has every word of `words` somewhere in it, whatever case and accents, in order of id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, words: &str) -> Result<Vec<PersonId>, StoreError> {
        let names = self.current().await?;
        let words: Vec<String> = folded(words).split_whitespace().map(str::to_owned).collect();
        let search = move || {
            let has_all = |name: &str| words.iter().all(|word| name.contains(word.as_str()));
            names.iter().filter(|(_, name)| has_all(name)).map(|(id, _)| *id).collect()
        };
        // A large installation takes some milliseconds, for which other requests shall not wait.
        Ok(tokio::task::spawn_blocking(search).await.expect("comparing texts does not panic"))
    }

    async fn current(&self) -> Result<Arc<Names>, StoreError> {
        let mut kept = self.kept.lock().await;
        let newer = match kept.take() {
            Some((stamp, names)) => self.follow(stamp, names).await?,
            None => self.whole().await?,
        };
        Ok(Arc::clone(&kept.insert(newer).1))
    }

    async fn follow(&self, stamp: NameStamp, mut names: Arc<Names>) -> Result<(NameStamp, Arc<Names>), StoreError> {
        if self.store.name_stamp().await? == stamp {
            return Ok((stamp, names));
        }
        let changes = self.store.name_changes(stamp).await?;
        if !changes.named.is_empty() || !changes.gone.is_empty() {
            let names = Arc::make_mut(&mut names);
            names.extend(changes.named.iter().map(|(id, name)| (*id, folded(name).into_boxed_str())));
            changes.gone.iter().for_each(|id| drop(names.remove(id)));
        }
        Ok((changes.stamp, names))
    }

    async fn whole(&self) -> Result<(NameStamp, Arc<Names>), StoreError> {
        let stamp = self.store.name_stamp().await?;
        let mut names = Names::new();
        loop {
            let after = names.last_key_value().map(|(id, _)| *id);
            let page = self.store.names(after, PAGE).await?;
            if page.is_empty() {
                return Ok((stamp, Arc::new(names)));
            }
            names.extend(page.into_iter().map(|(id, name)| (id, folded(&name).into_boxed_str())));
        }
    }
}

/// Lower case, without accents.
fn folded(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_matter() {
        let check = |text: &str, expected: &str| assert_eq!(folded(text), expected);
        check("Zoë ÁLVAREZ", "zoe alvarez");
        check("Ｆｕｌｌ", "full");
        check("ЁЛКА", "елка");
        check("李 小龍", "李 小龍");
        check("Straße", "straße");
    }
}
