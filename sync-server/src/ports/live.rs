//! Where committed events are told to those who watch.

/// Where committed events are told to those who watch. Losing one here loses nothing: watchers read the
/// store by cursor and take this only as "there is more".
pub trait LiveFeed: Send + Sync {
    /// Events up to this cursor are committed.
    fn committed(&self, cursor: i64);
}
