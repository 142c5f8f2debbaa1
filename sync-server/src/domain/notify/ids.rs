//! Ids of what people are told by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(pub Uuid);

            impl $name {
                /// A new id, ordered by the present time (UUID version 7).
                #[must_use]
                pub fn generate() -> Self {
                    Self(Uuid::now_v7())
                }

                /// The id's 16 bytes.
                #[must_use]
                pub const fn as_bytes(&self) -> &[u8; 16] {
                    self.0.as_bytes()
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl FromStr for $name {
                type Err = uuid::Error;
                fn from_str(text: &str) -> Result<Self, uuid::Error> {
                    Uuid::try_parse(text).map(Self)
                }
            }
        )*
    };
}

ids! {
    /// A rule of whom to tell.
    RuleId,
    /// What people were told of.
    NoticeId,
    /// One message to one place.
    DeliveryId,
    /// A place messages are sent to by HTTP.
    WebhookId,
    /// A conversation.
    ThreadId,
    /// What somebody said in one.
    MessageId,
    /// A browser that takes messages.
    PushId,
}
