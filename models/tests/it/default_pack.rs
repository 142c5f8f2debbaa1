//! The default pack on a portrait: found where it is, refined, embedded the same however it is turned.

use ostiary_models::engine::FaceEngine;
use ostiary_models::frame::{RgbImage, RgbView};
use ostiary_models::geometry::{Point, Rect};

use crate::support::{astronaut, default_engine};

/// Where the face is in the 512x512 portrait, from onnxruntime's run of the same detector.
const FACE: Rect = Rect { left: 176.0, top: 66.0, width: 96.0, height: 96.0 };

/// The portrait drawn into a frame at `scale`, its corner at (x, y), the rest grey.
fn pasted(width: u32, height: u32, scale: f32, x: f32, y: f32) -> RgbImage {
    let portrait = astronaut();
    let mut frame = RgbImage::from_raw(width, height, vec![96; (3 * width * height) as usize]).unwrap();
    let row = 3 * width as usize;
    for (index, pixel) in frame.as_raw_mut().as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (px, py) = ((index * 3 % row / 3) as f32, (index * 3 / row) as f32);
        let (sx, sy) = (((px - x) / scale).floor(), ((py - y) / scale).floor());
        if (0.0..512.0).contains(&sx) && (0.0..512.0).contains(&sy) {
            let at = 3 * sx as usize;
            pixel.copy_from_slice(&portrait.view().row(sy as u32)[at..at + 3]);
        }
    }
    frame
}

fn only_face(engine: &mut FaceEngine, view: RgbView<'_>) -> ostiary_models::detect::DetectedFace {
    let faces = engine.find_faces(view).unwrap();
    assert_eq!(faces.len(), 1, "{faces:?}");
    engine.refine(view, &faces[0]).unwrap()
}

#[test]
fn the_face_is_found_where_it_is() {
    let mut engine = default_engine();
    let portrait = astronaut();
    let face = only_face(&mut engine, portrait.view());
    assert!(face.bbox.iou(&FACE) > 0.7 && face.score > 0.8, "{face:?}");
    let eyes = face.landmarks.right_eye.midpoint(face.landmarks.left_eye);
    assert!(eyes.y < face.landmarks.nose.y && face.landmarks.nose.y < face.landmarks.mouth_centre().y);
    assert!(face.landmarks.right_eye.x < face.landmarks.left_eye.x);
}

#[test]
fn moving_and_scaling_the_picture_moves_and_scales_the_face() {
    let mut engine = default_engine();
    let portrait = astronaut();
    let reference = only_face(&mut engine, portrait.view());
    for (scale, x, y) in [(0.8, 30.0, 20.0), (0.9, 100.0, 10.0), (0.6, 250.0, 150.0)] {
        let frame = pasted(640, 480, scale, x, y);
        let face = only_face(&mut engine, frame.view());
        let expect = |p: Point| Point::new(p.x * scale + x, p.y * scale + y);
        let tolerance = 0.05 * face.width_px();
        for (found, wanted) in [
            (face.landmarks.right_eye, expect(reference.landmarks.right_eye)),
            (face.landmarks.left_eye, expect(reference.landmarks.left_eye)),
            (face.landmarks.mouth_centre(), expect(reference.landmarks.mouth_centre())),
        ] {
            assert!(found.distance(wanted) < tolerance, "{scale} at {x},{y}: {found:?} for {wanted:?}");
        }
    }
}

#[test]
fn the_same_face_has_the_same_embedding_at_every_size() {
    let mut engine = default_engine();
    let portrait = astronaut();
    let mut embedding = |picture: &RgbImage| {
        let face = only_face(&mut engine, picture.view());
        let chip = engine.chip(picture.view(), &face);
        let quality = engine.quality(&face, &chip);
        (engine.embed(&chip).unwrap(), quality)
    };
    let (reference, quality) = embedding(&portrait);
    assert_eq!(quality.problem(&default_engine().thresholds().enroll_gate()), None, "{quality:?}");
    for scale in [0.9, 0.75, 0.65] {
        let (other, quality) = embedding(&pasted(640, 480, scale, 80.0, 40.0));
        let similarity = reference.similarity(&other);
        assert!(similarity > 0.97, "{scale}: {similarity} {quality:?}");
    }
}

#[test]
fn a_photo_of_any_size_gives_the_same_face() {
    let mut engine = default_engine();
    let portrait = astronaut();
    let whole = engine.find_faces_in_photo(portrait.view()).unwrap();
    assert_eq!(whole.len(), 1);
    // So close that the face fills the photo.
    let tight = portrait.view().cropped(165, 55, 120, 120).to_image();
    let faces = engine.find_faces_in_photo(tight.view()).unwrap();
    assert_eq!(faces.len(), 1, "a face that fills the photo");
    assert!((faces[0].width_px() / whole[0].width_px() - 1.0).abs() < 0.25, "{faces:?} {whole:?}");
    // So far that it is a small part of a large one.
    let far = pasted(3000, 2000, 1.0, 2300.0, 200.0);
    let faces = engine.find_faces_in_photo(far.view()).unwrap();
    assert_eq!(faces.len(), 1, "a face in the corner of a large photo");
    let moved = Rect::new(FACE.left + 2300.0, FACE.top + 200.0, FACE.width, FACE.height);
    assert!(faces[0].bbox.iou(&moved) > 0.7, "{faces:?}");
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let mut engine = default_engine();
    for (width, height) in [(640, 480), (1, 1), (5000, 3), (33, 700)] {
        let grey = RgbImage::from_raw(width, height, vec![128; (3 * width * height) as usize]).unwrap();
        assert!(engine.find_faces(grey.view()).unwrap().is_empty(), "{width}x{height}");
        assert!(engine.find_faces_in_photo(grey.view()).unwrap().is_empty(), "{width}x{height}");
    }
}

#[test]
fn a_chip_of_another_size_is_refused() {
    let mut engine = default_engine();
    let chip = ostiary_models::align::AlignedChip::from_picture(RgbImage::black(112, 112)).unwrap();
    assert!(engine.embed(&chip).unwrap_err().to_string().contains("150"));
}

#[test]
fn clones_work_side_by_side_and_agree() {
    let portrait = astronaut();
    let faces: Vec<_> = std::thread::scope(|scope| {
        let find = |mut engine: FaceEngine| engine.find_faces(portrait.view()).unwrap();
        let threads: Vec<_> =
            (0..3).map(|_| default_engine()).map(|engine| scope.spawn(move || find(engine))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(faces.windows(2).all(|pair| pair[0] == pair[1]));
}
