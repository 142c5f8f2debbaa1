//! A zip that is handed on while it is written.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

/// What was written and not yet handed on.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A zip in the making.
pub struct Archive {
    zip: ZipWriter<StreamWriter<Written>>,
    written: Written,
}

impl Archive {
    /// An empty one.
    pub fn new() -> Self {
        let written = Written::default();
        Self { zip: ZipWriter::new_stream(written.clone()), written }
    }

    /// Begins a file of text, which is compressed.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn begin(&mut self, name: &str) -> io::Result<()> {
        Ok(self.zip.start_file(name, SimpleFileOptions::default().large_file(true))?)
    }

    /// Goes on with the file begun last.
    ///
    /// # Errors
    /// If none was begun.
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.zip.write_all(bytes)
    }

    /// A whole file of text.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.begin(name)?;
        self.add(text.as_bytes())
    }

    /// A whole picture, which is compressed already.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn picture(&mut self, name: &str, jpeg: &[u8]) -> io::Result<()> {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        self.zip.start_file(name, stored)?;
        self.zip.write_all(jpeg)
    }

    /// What was written since this was last asked.
    pub fn take(&mut self) -> Bytes {
        Bytes::from(mem::take(&mut *self.written.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The end of the archive.
    ///
    /// # Errors
    /// If the last file cannot be ended.
    pub fn finish(self) -> io::Result<Bytes> {
        let Self { zip, mut written } = self;
        zip.finish()?;
        let rest = mem::take(&mut *written.0.lock().unwrap_or_else(PoisonError::into_inner));
        written.flush()?;
        Ok(Bytes::from(rest))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    #[test]
    fn what_was_handed_on_is_a_whole_archive() {
        let (mut archive, mut sent) = (Archive::new(), Vec::new());
        archive.text("README.txt", "for you").unwrap();
        sent.extend(archive.take());
        archive.begin("events.ndjson").unwrap();
        for line in ["{}\n", "{\"a\":1}\n"] {
            archive.add(line.as_bytes()).unwrap();
            sent.extend(archive.take());
        }
        archive.picture("pictures/1.jpg", &[0xff, 0xd8, 1, 2, 3]).unwrap();
        sent.extend(archive.take());
        sent.extend(archive.finish().unwrap());
        let mut read = zip::ZipArchive::new(Cursor::new(sent)).unwrap();
        let mut text = String::new();
        read.by_name("events.ndjson").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), read.len()), ("{}\n{\"a\":1}\n", 3));
        let mut picture = Vec::new();
        read.by_name("pictures/1.jpg").unwrap().read_to_end(&mut picture).unwrap();
        assert_eq!(picture, [0xff, 0xd8, 1, 2, 3]);
    }
}
