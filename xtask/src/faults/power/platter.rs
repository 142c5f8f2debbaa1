//! A disk with a write cache: what was written is read back at once, but only a flush makes it stay.

use crate::random::Random;

/// What a disk writes whole or not at all, bytes.
const SECTOR: usize = 512;

/// The disk.
pub struct Platter {
    /// What is read: everything written.
    seen: Vec<u8>,
    /// What is there after the power was cut, whatever happens.
    durable: Vec<u8>,
    /// Written since the last flush, in order.
    cached: Vec<Write>,
    /// Bytes ever written.
    pub written_bytes: u64,
    /// Flushes, and writes that asked to stay at once.
    pub flushes: u64,
}

struct Write {
    at: usize,
    bytes: Vec<u8>,
    /// It was to stay at once.
    forced: bool,
}

/// What of the cache is left when the power goes.
#[derive(Clone, Copy, Debug)]
enum Left {
    Nothing,
    SomeWrites,
    SomeSectors,
    FirstWrites,
}

impl Platter {
    /// A disk that holds `content`.
    pub fn new(content: Vec<u8>) -> Self {
        Self { seen: content.clone(), durable: content, cached: Vec::new(), written_bytes: 0, flushes: 0 }
    }

    /// Its size, bytes.
    pub const fn len(&self) -> u64 {
        self.seen.len() as u64
    }

    /// What was written; `None` beyond the end.
    pub fn read(&self, at: u64, length: u32) -> Option<&[u8]> {
        let at = usize::try_from(at).ok()?;
        self.seen.get(at..at.checked_add(length as usize)?)
    }

    /// Writes into the cache, or with `forced` for good. Whether it was within the disk.
    pub fn write(&mut self, at: u64, bytes: Vec<u8>, forced: bool) -> bool {
        let Ok(at) = usize::try_from(at) else { return false };
        let Some(place) = self.seen.get_mut(at..at.saturating_add(bytes.len())) else { return false };
        place.copy_from_slice(&bytes);
        self.written_bytes += bytes.len() as u64;
        self.flushes += u64::from(forced);
        self.cached.push(Write { at, bytes, forced });
        true
    }

    /// Everything in the cache stays from now on.
    pub fn flush(&mut self) {
        self.flushes += 1;
        for write in std::mem::take(&mut self.cached) {
            self.durable[write.at..write.at + write.bytes.len()].copy_from_slice(&write.bytes);
        }
    }

    /// The power goes: of what was not flushed, some is left, whole, in part, or torn within a write.
    pub fn cut(&mut self, random: &mut Random) {
        let left = [Left::Nothing, Left::SomeWrites, Left::SomeSectors, Left::FirstWrites][random.below(4) as usize];
        let cached = std::mem::take(&mut self.cached);
        let first = random.below(cached.len() as u64 + 1) as usize;
        for (n, write) in cached.iter().enumerate() {
            let whole = write.forced
                || match left {
                    Left::Nothing | Left::SomeSectors => false,
                    Left::SomeWrites => random.coin(),
                    Left::FirstWrites => n < first,
                };
            let torn = matches!(left, Left::SomeSectors) || (matches!(left, Left::FirstWrites) && n == first);
            for (sector, bytes) in write.bytes.chunks(SECTOR).enumerate() {
                if whole || (torn && random.coin()) {
                    let at = write.at + sector * SECTOR;
                    self.durable[at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
        }
        self.seen.copy_from_slice(&self.durable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_flushed_or_forced_is_sure_to_stay() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut disk = Platter::new(vec![0; 8 * SECTOR]);
            assert!(disk.write(0, vec![1; SECTOR], false));
            disk.flush();
            assert!(disk.write(512, vec![2; SECTOR], true));
            assert!(disk.write(1024, vec![3; 2 * SECTOR], false));
            assert!(!disk.write(8 * 512, vec![4], false), "beyond the end");
            assert_eq!(disk.read(1024, 1), Some(&[3][..]), "read back before it stays");
            disk.cut(&mut random);
            assert_eq!(disk.read(0, 512).unwrap(), [1; SECTOR]);
            assert_eq!(disk.read(512, 512).unwrap(), [2; SECTOR]);
            let torn = disk.read(1024, 1024).unwrap();
            assert!(torn.chunks(SECTOR).all(|sector| sector == [3; SECTOR] || sector == [0; SECTOR]));
        }
    }
}
