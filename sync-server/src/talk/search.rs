//! Finds messages by what they say.
//!
//! Texts lie sealed in the store, where no query can read them. Each server keeps the newest of them open in memory, and
//! asks the store before every search what changed since, as [`names`](crate::names) does. What was taken back, what
//! ended with a person and what may not be seen is left out by whoever shows what was found: only ids come from here.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::notify::{MessageId, ThreadId};
use crate::ports::StoreError;
use crate::ports::talk::TalkStore;

/// Messages read at once.
const PAGE: u32 = 1_000;
/// Bytes of text kept; beyond it, the oldest messages are not found any more.
const MOST_BYTES: usize = 64 << 20;

/// Texts as they are searched, by message.
#[derive(Default)]
struct Texts {
    upto: i64,
    bytes: usize,
    by_message: BTreeMap<MessageId, (ThreadId, Arc<str>)>,
}

/// What is said, kept current from the store.
pub struct TalkIndex {
    store: Arc<dyn TalkStore>,
    most_bytes: usize,
    kept: Mutex<Texts>,
}

impl TalkIndex {
    /// Over this store; nothing is read before the first search.
    pub fn new(store: Arc<dyn TalkStore>) -> Self {
        Self { store, most_bytes: MOST_BYTES, kept: Mutex::default() }
    }

    /// Messages that have every word of `words` somewhere in them, whatever case and accents, the newest first; `most` at
    /// most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, words: &str, most: usize) -> Result<Vec<(MessageId, ThreadId)>, StoreError> {
        let words: Vec<String> = folded(words).split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<(MessageId, ThreadId, Arc<str>)> = {
            let mut kept = self.kept.lock().await;
            self.follow(&mut kept).await?;
            kept.by_message.iter().rev().map(|(id, (thread, text))| (*id, *thread, Arc::clone(text))).collect()
        };
        let search = move || {
            let has_all = |text: &str| words.iter().all(|word| text.contains(word.as_str()));
            let found = texts.into_iter().filter(|(_, _, text)| has_all(text));
            found.map(|(id, thread, _)| (id, thread)).take(most).collect()
        };
        // Much text takes some milliseconds, for which other requests shall not wait.
        Ok(tokio::task::spawn_blocking(search).await.expect("comparing texts does not panic"))
    }

    async fn follow(&self, texts: &mut Texts) -> Result<(), StoreError> {
        if self.store.newest_edit().await? == texts.upto {
            return Ok(());
        }
        loop {
            let page = self.store.searchable(texts.upto, PAGE).await?;
            let Some(last) = page.last().map(|message| message.edit) else { return Ok(()) };
            for message in page {
                texts.put(message.message, message.thread, message.text.as_deref());
            }
            texts.upto = last;
            texts.bound(self.most_bytes);
        }
    }
}

impl Texts {
    fn put(&mut self, id: MessageId, thread: ThreadId, text: Option<&str>) {
        if let Some((_, gone)) = self.by_message.remove(&id) {
            self.bytes -= gone.len();
        }
        if let Some(text) = text {
            let text: Arc<str> = folded(text).into();
            self.bytes += text.len();
            self.by_message.insert(id, (thread, text));
        }
    }

    fn bound(&mut self, most_bytes: usize) {
        while self.bytes > most_bytes {
            let Some((_, (_, gone))) = self.by_message.pop_first() else { return };
            self.bytes -= gone.len();
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
    fn the_oldest_go_when_there_is_too_much() {
        let mut texts = Texts::default();
        let ids: Vec<MessageId> = (0..4).map(|n| MessageId(uuid::Uuid::from_u128(n))).collect();
        let thread = ThreadId::generate();
        ids.iter().for_each(|id| texts.put(*id, thread, Some("zehn Bytes")));
        texts.put(ids[3], thread, Some("ZWÖLF"));
        texts.put(ids[2], thread, None);
        assert_eq!((texts.bytes, texts.by_message.len()), (25, 3));
        assert_eq!(&*texts.by_message[&ids[3]].1, "zwolf");
        texts.bound(15);
        assert_eq!(texts.by_message.keys().copied().collect::<Vec<_>>(), [ids[1], ids[3]]);
        assert_eq!(texts.bytes, 15);
    }
}
