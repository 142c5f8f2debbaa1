//! Recordings of every kind give the same frames.

use super::*;
use crate::convert::PixelFormat;
use ostiary_models::frame::RgbImage;

fn settings(path: &Path, repeat: bool) -> ReplaySection {
    ReplaySection { path: path.to_owned(), speed: ReplaySpeed::Max, fps: 10.0, repeat }
}

fn jpeg(light: u8) -> Vec<u8> {
    let mut picture = RgbImage::black(32, 16);
    picture.as_raw_mut().fill(light);
    crate::convert::encode_jpeg(&picture, 10_000).unwrap()
}

/// The brightness of each frame.
fn lights(source: &mut ReplaySource, most: usize) -> Vec<u8> {
    std::iter::from_fn(|| match source.next().unwrap() {
        Next::Frame(frame) => Some(frame.picture.to_rgb().unwrap().as_raw()[0]),
        Next::End => None,
    })
    .take(most)
    .collect()
}

#[test]
fn a_folder_and_a_file_of_jpegs() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = Vec::new();
    for (name, light) in [("b.jpg", 200), ("a.JPG", 100), ("c.jpeg", 50)] {
        std::fs::write(dir.path().join(name), jpeg(light)).unwrap();
    }
    [100, 200, 50].iter().for_each(|&light| file.extend(jpeg(light)));
    std::fs::write(dir.path().join("notes.txt"), "not a frame").unwrap();
    std::fs::write(dir.path().join("d.png"), "not a picture").unwrap();
    let mut source = ReplaySource::open(&settings(dir.path(), false)).unwrap();
    assert_eq!(lights(&mut source, 9), [100, 200, 50]);

    let path = dir.path().join("clip.mjpeg");
    std::fs::write(&path, file).unwrap();
    let mut source = ReplaySource::open(&settings(&path, true)).unwrap();
    assert_eq!(lights(&mut source, 7), [100, 200, 50, 100, 200, 50, 100], "begins again");
}

#[test]
fn time_goes_on_over_the_end_and_true_speed_takes_its_time() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.jpg"), jpeg(1)).unwrap();
    let mut source =
        ReplaySource::open(&ReplaySection { speed: ReplaySpeed::True, fps: 50.0, ..settings(dir.path(), true) })
            .unwrap();
    let started = Instant::now();
    for n in 0..6_u32 {
        let Next::Frame(frame) = source.next().unwrap() else { panic!("goes on for ever") };
        assert_eq!((frame.at, frame.seq), (Duration::from_millis(20) * n, u64::from(n)));
    }
    assert!(started.elapsed() >= Duration::from_millis(100));
}

#[test]
fn what_is_missing_or_empty_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let check = |path: &Path, expected: &str| {
        let error = ReplaySource::open(&settings(path, false)).err().expect("refused").to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&dir.path().join("nowhere"), "does not exist");
    check(dir.path(), "holds no");
    let video = dir.path().join("video.mp4");
    std::fs::write(&video, "not a video").unwrap();
    check(&video, "ffmpeg");
    let empty = dir.path().join("e.mjpeg");
    std::fs::write(&empty, "").unwrap();
    let mut source = ReplaySource::open(&settings(&empty, true)).unwrap();
    assert!(source.next().unwrap_err().to_string().contains("holds no frames"));
}

#[test]
fn a_video_through_ffmpeg() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.avi");
    let made = std::process::Command::new("ffmpeg")
        .args(["-loglevel", "error", "-f", "lavfi", "-i", "color=white:size=64x48:rate=5", "-frames:v", "4"])
        .arg(&path)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("SKIPPED: ffmpeg is not installed or cannot write a test clip");
        return;
    }
    let mut source = ReplaySource::open(&settings(&path, false)).unwrap();
    assert_eq!(source.interval, Duration::from_millis(200));
    let Next::Frame(frame) = source.next().unwrap() else { panic!("a frame") };
    assert_eq!((frame.picture.format, frame.picture.width, frame.picture.height), (PixelFormat::I420, 64, 48));
    assert_eq!(lights(&mut source, 9).len(), 3);
}
