//! Room kept free for the storage engine, which cannot open what it has without writing: a card that somebody else filled
//! to the last block would otherwise cost the door its gallery until the next start with room.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// What opening writes at most, several times over, bytes.
const BYTES: u64 = 1024 * 1024;
/// Room that must be left beside it, bytes: it is kept of plenty only.
const PLENTY: u64 = 8 * BYTES;

/// A file that takes up room and says nothing.
pub struct Reserve(PathBuf);

impl Reserve {
    /// The one beside a cache.
    pub fn beside(cache: &Path) -> Self {
        Self(cache.with_extension("reserve"))
    }

    /// Gives the room up; whether there was some.
    pub fn give_up(&self) -> bool {
        std::fs::remove_file(&self.0).is_ok()
    }

    /// Keeps room, if there is plenty and none is kept. Blocks are set apart, nothing is written to the card; a file system
    /// that cannot do that keeps none.
    pub fn keep(&self) {
        let Some(folder) = self.0.parent().filter(|_| !self.0.exists()) else { return };
        let free = statvfs(folder).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        if free < PLENTY {
            return;
        }
        let kept = File::create(&self.0).and_then(|file| Ok(fallocate(&file, FallocateFlags::empty(), 0, BYTES)?));
        if let Err(error) = kept {
            tracing::debug!(%error, "no room can be kept free for the cache: {error}");
            self.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn room_is_kept_until_it_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&dir.path().join("cache"));
        assert!(!reserve.give_up());
        reserve.keep();
        let kept = std::fs::metadata(dir.path().join("cache.reserve")).unwrap();
        assert!(kept.blocks() * 512 >= BYTES, "{} blocks are set apart", kept.blocks());
        reserve.keep();
        assert!(reserve.give_up() && !reserve.give_up());
    }

    #[test]
    fn where_there_is_no_folder_nothing_is_kept() {
        let reserve = Reserve::beside(Path::new("/proc/ostiaryd/cache"));
        reserve.keep();
        assert!(!reserve.give_up());
    }
}
