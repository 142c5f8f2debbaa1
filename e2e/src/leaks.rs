//! Looks for what must not lie open in the bytes of files: texts in every usual form, embeddings by any eight
//! consecutive values, pictures by runs of their bytes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Bytes by which a needle is looked up; shorter ones are not looked for, since chance would find them.
const HEAD: usize = 8;
/// Values of an embedding that are looked for together.
const VALUES: usize = 8;
/// Bytes of a picture that are looked for together, and how far the runs lie apart.
const RUN: usize = 24;
const RUN_EVERY: usize = 16;
/// The tables every JPEG of the same quality begins with.
const JPEG_TABLES: usize = 640;
/// How a JPEG begins, as most programs write it.
const JFIF: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00";

/// What is looked for.
pub struct Leaks {
    by_head: HashMap<[u8; HEAD], Vec<(Vec<u8>, String)>>,
    /// Whether a head begins with these two bytes: most of a file is passed by for a look here.
    begins: Vec<bool>,
}

impl Default for Leaks {
    fn default() -> Self {
        Self { by_head: HashMap::new(), begins: vec![false; 1 << 16] }
    }
}

/// Something that lies open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// In which file.
    pub file: PathBuf,
    /// At which byte.
    pub at: usize,
    /// What, and in which form.
    pub what: String,
}

impl Leaks {
    /// Looks for nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A text: UTF-8, UTF-16 of both kinds, hexadecimal, base64 wherever it begins in what is encoded.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.needle(text.as_bytes(), &format!("`{text}`"));
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        self.needle(&utf16(u16::to_le_bytes), &format!("`{text}` in UTF-16 LE"));
        self.needle(&utf16(u16::to_be_bytes), &format!("`{text}` in UTF-16 BE"));
        self.needle(hex::encode(text).as_bytes(), &format!("`{text}` in hexadecimal"));
        self.needle(hex::encode_upper(text).as_bytes(), &format!("`{text}` in hexadecimal"));
        for ahead in 0..3 {
            for (engine, name) in [(&STANDARD, "base64"), (&URL_SAFE, "base64url")] {
                let encoded = engine.encode([vec![0; ahead], text.as_bytes().to_vec()].concat());
                // What depends on the bytes before and behind is left out.
                let (from, to) = (if ahead == 0 { 0 } else { 4 }, encoded.len() - 4);
                if let Some(inner) = encoded.get(from..to) {
                    self.needle(inner.as_bytes(), &format!("`{text}` in {name}"));
                }
            }
        }
        self
    }

    /// An embedding: any eight consecutive values as numbers of 32 and of 16 bits, either end first.
    #[must_use]
    pub fn embedding(mut self, values: &[f32]) -> Self {
        for window in values.windows(VALUES) {
            let wide = |bytes: fn(f32) -> [u8; 4]| window.iter().copied().flat_map(bytes).collect::<Vec<u8>>();
            self.needle(&wide(f32::to_le_bytes), "an embedding (f32 LE)");
            self.needle(&wide(f32::to_be_bytes), "an embedding (f32 BE)");
            let narrow =
                |bytes: fn(u16) -> [u8; 2]| window.iter().map(|it| half(*it)).flat_map(bytes).collect::<Vec<u8>>();
            self.needle(&narrow(u16::to_le_bytes), "an embedding (f16 LE)");
            self.needle(&narrow(u16::to_be_bytes), "an embedding (f16 BE)");
        }
        self
    }

    /// A picture: how JPEGs begin, and runs of this one's bytes.
    #[must_use]
    pub fn jpeg(mut self, jpeg: &[u8]) -> Self {
        self.needle(JFIF, "the beginning of a JPEG");
        for run in jpeg.get(JPEG_TABLES..).unwrap_or_default().windows(RUN).step_by(RUN_EVERY) {
            self.needle(run, "bytes of a picture");
        }
        self
    }

    fn needle(&mut self, bytes: &[u8], what: &str) {
        let Some(head) = bytes.first_chunk::<HEAD>() else { return };
        // Runs of one value (a flat background) lie everywhere.
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return;
        }
        self.begins[two(head)] = true;
        self.by_head.entry(*head).or_default().push((bytes.to_vec(), what.to_owned()));
    }

    /// The first thing found in some bytes: where and what.
    #[must_use]
    pub fn first_in(&self, bytes: &[u8]) -> Option<(usize, &str)> {
        bytes.windows(HEAD).enumerate().filter(|(_, head)| self.begins[two(head)]).find_map(|(at, head)| {
            let known = self.by_head.get(<&[u8; HEAD]>::try_from(head).ok()?)?;
            let found = known.iter().find(|(needle, _)| bytes[at..].starts_with(needle))?;
            Some((at, found.1.as_str()))
        })
    }

    /// What lies open in the files of a folder and those below it.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn in_folder(&self, folder: &Path) -> Result<Vec<Leak>> {
        let mut leaks = Vec::new();
        for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let kind = fs::symlink_metadata(&path)?.file_type();
            if kind.is_dir() {
                leaks.extend(self.in_folder(&path)?);
            } else if kind.is_file() {
                let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
                let found = self.first_in(&bytes);
                leaks.extend(found.map(|(at, what)| Leak { file: path, at, what: what.to_owned() }));
            }
        }
        Ok(leaks)
    }
}

/// The first two bytes as a number.
fn two(head: &[u8]) -> usize {
    usize::from(head[0]) << 8 | usize::from(head[1])
}

/// The nearest number of 16 bits (IEEE 754 binary16), ties to even; for the small numbers that embeddings are made of.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let exponent = ((bits >> 23) & 0xff) as i32 - 112;
    let mantissa = bits & 0x007f_ffff;
    if exponent >= 31 {
        return sign | 0x7c00;
    }
    let (kept, shift) = if exponent > 0 {
        (((exponent as u32) << 23) | mantissa, 13)
    } else if exponent > -11 {
        (mantissa | 0x0080_0000, (14 - exponent) as u32)
    } else {
        return sign;
    };
    let (floor, rest) = (kept >> shift, kept & ((1 << shift) - 1));
    let middle = 1 << (shift - 1);
    let up = u32::from(rest > middle || (rest == middle && floor & 1 == 1));
    sign | (floor + up) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(leaks: &Leaks, bytes: &[u8], is_found: bool) {
        let around = [&[0x55; 37], bytes, &[0xaa; 21]].concat();
        assert_eq!(leaks.first_in(&around).is_some(), is_found, "{:?} in {bytes:?}", leaks.first_in(&around));
    }

    #[test]
    fn finds_a_planted_text_in_every_form() {
        let name = "Zacharias Quillfeather";
        let leaks = Leaks::new().text(name);
        check(&leaks, name.as_bytes(), true);
        check(&leaks, &name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), true);
        check(&leaks, &name.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>(), true);
        check(&leaks, hex::encode(name).as_bytes(), true);
        for ahead in 0..6 {
            let within = format!("{}{name} and more", "x".repeat(ahead));
            check(&leaks, STANDARD.encode(&within).as_bytes(), true);
            check(&leaks, URL_SAFE.encode(&within).as_bytes(), true);
        }
        check(&leaks, b"Zacharias Quillfeathers cousin, Zacharias Quill", true);
        check(&leaks, b"Zacharias Quill", false);
    }

    #[test]
    fn finds_a_piece_of_an_embedding_and_of_a_picture() {
        let embedding: Vec<f32> = (0..512).map(|n| ((n as f32 * 12.989_8).sin() * 43_758.547).fract() / 16.0).collect();
        let leaks = Leaks::new().embedding(&embedding);
        let piece = &embedding[100..108];
        check(&leaks, &piece.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>(), true);
        check(&leaks, &piece.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<_>>(), true);
        check(&leaks, &piece.iter().flat_map(|it| half(*it).to_le_bytes()).collect::<Vec<_>>(), true);
        check(&leaks, &piece.iter().flat_map(|it| half(*it).to_be_bytes()).collect::<Vec<_>>(), true);
        check(&leaks, &piece[..7].iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>(), false);
        let mut state = 1_u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let picture: Vec<u8> = (0..4_000).map(|_| byte()).collect();
        let leaks = Leaks::new().jpeg(&picture);
        check(&leaks, &picture[1_000..1_100], true);
        check(&leaks, JFIF, true);
        check(&leaks, &picture[..JPEG_TABLES], false);
    }

    #[test]
    fn halves_are_as_ieee_754_has_them() {
        for (value, expected) in
            [(0.0, 0), (1.0, 0x3c00), (-2.0, 0xc000), (0.1, 0x2e66), (65_504.0, 0x7bff), (6.0e-8, 1)]
        {
            assert_eq!(half(value), expected, "{value}");
        }
        assert_eq!(half(1e9), 0x7c00);
    }
}
