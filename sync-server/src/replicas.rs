//! Several servers over one store, and one that is alone.
//!
//! ```text
//! keeper    says every two seconds that this server is there, and takes or keeps the leader's lease
//! leader    answers "do I lead?" without asking anybody: until shortly before the lease ends by this server's own clock
//! follower  asks the store twice a second what changed, at once when another server nudges, and tells who must know
//! ```
//!
//! Nothing rests on the leader being alone: whatever it does is done in transactions that check, so that two who take
//! themselves for the leader for a moment do no harm. The lease saves doing things twice; where it would matter, the
//! store compares the lease's [`Fence`](crate::domain::replica::Fence). Start reading at [`Leader`], then [`Follower`].

mod follower;
mod keeper;
mod leader;

pub use follower::{Doubt, Follower, Heard};
pub use keeper::Keeper;
pub use leader::Leader;
