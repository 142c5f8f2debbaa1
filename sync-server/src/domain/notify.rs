//! Who is told of what, when, and by what means. Pure.
//!
//! Something happens: a [`Signal`]. A [`Rule`] says what of it, where and when is worth telling, and to whom. What
//! matches is gathered in a [`Notice`], so that ten thousand visits of one night are one message and its sequel
//! (`joined`, [`Notice::look`]); who is told is [`audience`]; when a message may leave the house is
//! [`sending`]. Start reading at [`rule`].

pub mod audience;
mod ids;
pub mod notice;
pub mod rule;
pub mod schedule;
pub mod sending;
pub mod signal;
pub mod what;

pub use audience::{Member, Whom};
pub use ids::{DeliveryId, MessageId, NoticeId, PushId, RuleId, ThreadId, WebhookId};
pub use notice::{Look, Notice};
pub use rule::{Escalation, GroupBy, How, Of, Rule};
pub use schedule::{Schedule, Window};
pub use sending::{Preferences, Sending, Verdict, Way};
pub use signal::{Place, Signal};
pub use what::What;
