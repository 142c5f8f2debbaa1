//! Whether anything moves before the camera, so that an empty door costs next to nothing.
//!
//! A frame's luminance is averaged over blocks ([`LumaGrid`]); a model of each block's usual light and noise
//! ([`Background`]) tells which blocks changed; [`MotionGate`] says whether the frame is worth a look. What it
//! may never do is overlook someone: while a face is in sight every frame passes, a scene that stands still is
//! looked at again every few seconds, and a change of light counts as something new.

mod background;
mod gate;
mod grid;

pub use background::{Background, Change};
pub use gate::{Glance, MotionGate, Why};
pub use grid::{Luma, LumaGrid};
