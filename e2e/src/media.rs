//! Where the portraits come from: which file of which package, and which part of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::codecs::jpeg::JpegEncoder;
use image::imageops;
use sha2::{Digest, Sha256};

/// One portrait's origin.
struct Origin {
    /// Path below the folder the packages were unpacked in.
    source: &'static str,
    /// The source file's SHA-256; another file is refused.
    sha256: &'static str,
    /// Part taken: x, y, width, height, in pixels.
    part: [u32; 4],
    /// Our file.
    file: &'static str,
}

const ORIGINS: [Origin; 5] = [
    Origin {
        source: "face_recognition-1.3.0/tests/test_images/obama.jpg",
        sha256: "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
        part: [200, 0, 600, 600],
        file: "obama-2012.jpg",
    },
    Origin {
        source: "face_recognition-1.3.0/tests/test_images/obama2.jpg",
        sha256: "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
        part: [126, 80, 500, 600],
        file: "obama-2009.jpg",
    },
    Origin {
        source: "face_recognition-1.3.0/tests/test_images/obama3.jpg",
        sha256: "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
        part: [450, 150, 600, 600],
        file: "obama-2010.jpg",
    },
    Origin {
        source: "face_recognition-1.3.0/tests/test_images/biden.jpg",
        sha256: "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
        part: [200, 50, 600, 600],
        file: "biden-2010.jpg",
    },
    Origin {
        source: "skimage/data/astronaut.png",
        sha256: "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        part: [30, 0, 400, 400],
        file: "astronaut.jpg",
    },
];

/// JPEG quality of our files.
const QUALITY: u8 = 90;

/// Cuts every portrait out of the unpacked packages and writes it, printing each file's SHA-256. The same
/// sources give the same bytes.
///
/// # Errors
/// If a source is missing or not the expected one, or a file cannot be written.
pub fn cut(packages: &Path, out: &Path) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    for origin in &ORIGINS {
        let jpeg = origin.cut(packages)?;
        println!("{}  {}", hex::encode(Sha256::digest(&jpeg)), origin.file);
        fs::write(out.join(origin.file), jpeg).with_context(|| format!("writing {}", origin.file))?;
    }
    Ok(())
}

impl Origin {
    fn cut(&self, packages: &Path) -> Result<Vec<u8>> {
        let bytes = fs::read(packages.join(self.source)).with_context(|| format!("reading {}", self.source))?;
        let found = hex::encode(Sha256::digest(&bytes));
        ensure!(found == self.sha256, "{} has SHA-256 {found}, expected {}", self.source, self.sha256);
        let picture = image::load_from_memory(&bytes).with_context(|| format!("decoding {}", self.source))?.to_rgb8();
        let [x, y, width, height] = self.part;
        let part = imageops::crop_imm(&picture, x, y, width, height).to_image();
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&part)?;
        Ok(jpeg)
    }
}
