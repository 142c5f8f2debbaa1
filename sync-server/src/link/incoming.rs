//! A message as the broker hands it over, and how to say that it is dealt with.

use async_trait::async_trait;
use bytes::Bytes;

/// What one message was, and whom to tell that it is dealt with.
pub struct Incoming {
    /// Where it came on.
    pub topic: String,
    /// What it says.
    pub payload: Bytes,
    /// To be given once nothing more is to be done for it.
    pub receipt: Receipt,
}

/// Whoever brought a message and keeps it until it is dealt with.
#[async_trait]
pub trait Courier: Send + Sync {
    /// The message is dealt with and need not be brought again.
    async fn settled(self: Box<Self>);
}

/// The broker's acknowledgement, still to be given. Dropped, it is not given, and the broker sends the message
/// again.
pub struct Receipt(Box<dyn Courier>);

impl Receipt {
    /// A receipt that goes to this courier.
    pub fn to(courier: impl Courier + 'static) -> Self {
        Self(Box::new(courier))
    }

    /// Tells the broker that the message is dealt with. If the connection it came on has ended there is nobody
    /// to tell, and the message comes again.
    pub(super) async fn give(self) {
        self.0.settled().await;
    }
}
