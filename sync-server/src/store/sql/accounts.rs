//! Accounts: rows opened with their own keys, grants beside them. Start at [`book`](self::book); how they prove who they
//! are is in the files below.

mod book;
mod directory;
mod grants;
mod invitations;
mod keys;
mod legacy;
mod lockout;
mod one_time;
mod places_once;
mod pushes;
mod rows;
mod searches;
mod second_factor;
mod session_rows;
mod sessions;
mod standing;

pub(super) use directory::Directory;
