//! Registering oneself, where the installation allows it. The account waits for an admin, and has no grants.

use super::invite::{Choice, NotMade};
use super::{Accounts, AccountsError};
use crate::domain::account::{NewAccount, State};
use crate::ports::StoreError;

impl Accounts {
    /// Registers; `None` if the login is taken, which is not to be told: whoever asks has no account yet, and could
    /// find out who has. To be run apart from the answer, which must not take longer either way.
    ///
    /// # Errors
    /// [`NotMade`].
    pub async fn register(&self, choice: Choice) -> Result<Option<NewAccount>, NotMade> {
        choice.check_password()?;
        let now = self.now();
        let password_hash = self.passwords.hash(choice.password).await.map_err(AccountsError::from)?;
        let account = NewAccount {
            name: choice.name,
            email: choice.email,
            state: State::Pending,
            ..NewAccount::person(choice.login, password_hash, Vec::new(), now)
        };
        match self.book.add_account(&account).await {
            Ok(()) => Ok(Some(account)),
            Err(StoreError::Conflict(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
