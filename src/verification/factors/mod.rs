//! The factors.

mod email_code;
mod totp;

pub use email_code::MAX_CODE_LIFE;
pub(super) use email_code::{digits, hash_code, mask, new_code};
pub use totp::{TotpSecret, TotpSecretError};

use crate::domain::{Factor, FactorSet, User};

/// The factors that a user can show.
pub fn usable_factors(user: Option<&User>, mail: MailState) -> FactorSet {
    let Some(user) = user else {
        return FactorSet::EMPTY;
    };
    let has_mail = user.email.is_some() && mail == MailState::Configured;
    [
        (Factor::Password, user.password.is_some()),
        (Factor::Totp, user.totp.is_some()),
        (Factor::EmailCode, has_mail),
    ]
    .into_iter()
    .filter_map(|(factor, usable)| usable.then_some(factor))
    .collect()
}

/// Whether mails can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
    /// There is no mail server in the settings.
    Absent,
    /// There is one.
    Configured,
}
