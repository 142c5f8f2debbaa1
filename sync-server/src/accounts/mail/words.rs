//! What messages say.

use std::time::Duration;

use crate::domain::account::Email;
use crate::ports::mailer::Message;

fn lasting(life: Duration) -> String {
    match life.as_secs() / 60 {
        minutes if minutes % 60 == 0 && minutes >= 60 => format!("{} h", minutes / 60),
        minutes => format!("{minutes} min"),
    }
}

/// An invitation.
pub fn invitation(to: Email, link: &str, life: Duration) -> Message {
    let text = format!(
        "You are invited to Ostiary, which watches over doors.\n\n\
         Open this link to make your account. It serves once and ends after {}:\n\n{link}\n\n\
         If you do not know why you get this, do nothing.\n",
        lasting(life)
    );
    Message::plain(to, "Your invitation to Ostiary", text)
}

/// A link for a new password.
pub fn password_reset(to: Email, link: &str, life: Duration) -> Message {
    let text = format!(
        "Somebody, we hope you, asked for a new password for your account with Ostiary.\n\n\
         Open this link to choose one. It serves once and ends after {}:\n\n{link}\n\n\
         If it was not you, do nothing: your password stays as it is.\n",
        lasting(life)
    );
    Message::plain(to, "A new password for Ostiary", text)
}

/// Word that the password was changed, to whoever did not change it.
pub fn password_changed(to: Email) -> Message {
    let text = "The password of your account with Ostiary was changed, and you were logged out elsewhere.\n\n\
                If it was not you, ask an admin to shut the account out, and tell them when you got this message.\n";
    Message::plain(to, "Your password for Ostiary was changed", text.to_owned())
}
