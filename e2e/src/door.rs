//! A long scene at a door, for measuring: mostly nobody, now and then a visit by one or two people, some known and
//! some not, and things that move without being a face. What is true of it is written beside it.
//!
//! The video is Y4M: raw planes, as most cameras give them, so that what a pipeline is measured by is not the time a
//! JPEG takes to decode; each frame went through a JPEG of the camera's quality all the same. Everything follows from
//! cast, plan and seed. Start reading at [`Door::write`]; who comes when is `plan.rs`, how they move `gait.rs`.

mod cast;
mod gait;
mod plan;
mod stir;
mod truth;
mod y4m;

use std::io::{self, Write};
use std::thread;

pub use cast::{Actor, Cast, CastError, Shot};
pub use plan::{Kind, Plan, Role, Slot, Story};
pub use truth::{Truth, TruthVisit};

use crate::clip::{Camera, Pose, Room, draw};

/// Frames rendered before they are written, so that memory stays small and every core has work.
const BATCH: usize = 64;

/// A door with its camera, and what will happen before it.
pub struct Door<'a> {
    cast: &'a Cast,
    plan: &'a Plan,
    camera: &'a Camera,
    room: Room,
}

impl<'a> Door<'a> {
    /// Sets the scene.
    #[must_use]
    pub fn new(cast: &'a Cast, plan: &'a Plan, camera: &'a Camera) -> Self {
        Self { cast, plan, camera, room: Room::new(camera) }
    }

    /// How many frames there are.
    #[must_use]
    pub fn frames(&self) -> usize {
        (self.plan.seconds * self.camera.fps as f32).round() as usize
    }

    /// What is true of the scene.
    #[must_use]
    pub fn truth(&self) -> Truth {
        truth::of(self.cast, self.plan, self.camera, self.frames())
    }

    /// Renders everything as Y4M, on every core.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        y4m::header(self.camera, out)?;
        let numbers: Vec<usize> = (0..self.frames()).collect();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for batch in numbers.chunks(BATCH) {
            let share = batch.len().div_ceil(cores);
            let render = |part: &[usize]| part.iter().map(|&number| self.frame(number)).collect::<Vec<_>>();
            let parts: Vec<Vec<Vec<u8>>> = thread::scope(|scope| {
                let started: Vec<_> = batch.chunks(share).map(|part| scope.spawn(move || render(part))).collect();
                started.into_iter().map(|part| part.join().expect("rendering does not panic")).collect()
            });
            for frame in parts.iter().flatten() {
                y4m::frame(frame, out)?;
            }
        }
        out.flush()
    }

    /// One frame's planes.
    fn frame(&self, number: usize) -> Vec<u8> {
        let (opens, length) = (self.time(number as f32), self.camera.shutter / self.camera.fps as f32);
        let mut canvas = self.room.canvas();
        stir::draw(&mut canvas, &self.plan.stirs, opens);
        canvas.light(stir::daylight(opens, self.camera));
        for (slot, place) in self.plan.at(opens) {
            let (actor, pose) = self.pose(slot, place, opens);
            let (_, closes) = self.pose(slot, place, opens + length);
            draw(&mut canvas, &actor.portrait, &pose, &closes);
        }
        y4m::planes(&self.camera.develop(&canvas, number as u64))
    }

    fn pose(&self, slot: &Slot, place: usize, at: f32) -> (&Shot, Pose) {
        let shot = self.cast.shot(&slot.roles[place]);
        (shot, gait::pose(slot, place, at, &shot.portrait, self.camera))
    }

    fn time(&self, frame: f32) -> f32 {
        frame / self.camera.fps as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(seed: u64) -> (Vec<u8>, Truth) {
        let camera = Camera { width: 64, height: 48, seed, ..Camera::default() };
        let cast = Cast::of_the_repository().unwrap();
        let plan = Plan::new(Story::Together(2), 0.2, seed, &cast.counts());
        let door = Door::new(&cast, &plan, &camera);
        let mut video = Vec::new();
        door.write(&mut video).unwrap();
        (video, door.truth())
    }

    #[test]
    fn a_scene_follows_from_its_seed_and_holds_every_frame() {
        let (video, truth) = small(1);
        assert_eq!((&video, &truth), (&small(1).0, &small(1).1));
        assert_ne!(video, small(2).0);
        let head = video.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        assert_eq!(video.len() - head, truth.frames * ("FRAME\n".len() + 64 * 48 * 3 / 2));
        assert_eq!(truth.frames, 180);
        assert!(!truth.visits.is_empty());
    }
}
