//! The panel in a real browser: first steps, work at the desk, watching, what others must not see, and every page by
//! rules for everybody. One server and one window for each, since both take seconds to start.

mod desk;
mod ends;
mod enroll;
mod every_page;
mod first_steps;
mod judging;
mod promoting;
mod pushing;
mod reach;
mod scene;
mod screens;
mod talk;
mod told;
mod watching;
