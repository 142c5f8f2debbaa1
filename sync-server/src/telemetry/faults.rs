//! Errors grouped: every line of level ERROR, and every panic, becomes an occurrence of a fault.
//!
//! [`FaultLayer`] sees the lines, [`FaultBook`] adds them up in memory, bounded and without ever waiting, and
//! [`Recorder`] brings what came together into the store every few seconds.

mod book;
mod layer;
mod recorder;

use std::sync::{Arc, LazyLock};

pub use book::FaultBook;
pub use layer::FaultLayer;
pub use recorder::Recorder;

/// Log lines of this target are panics.
pub const PANIC_TARGET: &str = "ostiary_server::panic";

static BOOK: LazyLock<Arc<FaultBook>> = LazyLock::new(Arc::default);

/// The process's book; there is one, since there is one log.
pub fn book() -> Arc<FaultBook> {
    Arc::clone(&BOOK)
}
