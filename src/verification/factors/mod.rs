//! The factors: a file each, and a row each in [`FACTORS`].
//!
//! A factor's file says what it takes to be enrolled, what its panel on the prompt page asks for, and
//! how an answer is checked. What must come before an answer, such as a code that is sent, is there
//! too. A new factor is a variant of [`Factor`], its file, its row and arm here, and its texts.

mod email_code;
mod password;
mod totp;

pub use email_code::MAX_CODE_LIFE;
pub(super) use email_code::{CodeRequest, mask, send};
pub use totp::{TotpSecret, TotpSecretError};

use super::error::VerifyError;
use super::services::Equipment;
use crate::domain::{Challenge, Factor, FactorSet, Secret, Timestamp, User};
use crate::store::Store;

/// What is asked of one factor without checking an answer.
#[derive(Clone, Copy, Debug)]
struct Row {
    factor: Factor,
    /// Whether this user can show it.
    is_enrolled: fn(&User, MailState) -> bool,
    /// What its panel asks for.
    input: Input,
}

/// All factors that work.
const FACTORS: [Row; 3] = [email_code::ROW, password::ROW, totp::ROW];

/// What the panel of a factor asks for on the prompt page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A code of digits.
    Digits,
    /// A password.
    Password,
}

/// Whether mails can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
    /// There is no mail server in the settings.
    Absent,
    /// There is one.
    Configured,
}

/// An answer to be checked, and what it takes.
pub(super) struct Check<'a, S> {
    pub(super) challenge: &'a Challenge,
    /// `None` if the directory does not know the subject: the check takes as long, and fails.
    pub(super) user: Option<&'a User>,
    pub(super) answer: &'a Secret<String>,
    pub(super) now: Timestamp,
    pub(super) services: &'a Equipment,
    pub(super) store: &'a S,
}

/// Checks an answer by `factor`.
pub(super) async fn check<S: Store + Clone + 'static>(
    factor: Factor,
    check: &Check<'_, S>,
) -> Result<bool, VerifyError> {
    match factor {
        Factor::EmailCode => email_code::check(check).await,
        Factor::Password => password::check(check).await,
        Factor::Totp => totp::check(check).await,
        // Refused before it is counted.
        Factor::Passkey | Factor::RecoveryCode => Ok(false),
    }
}

/// The factors that a user can show.
pub fn usable_factors(user: Option<&User>, mail: MailState) -> FactorSet {
    let usable = |row: &&Row| user.is_some_and(|user| (row.is_enrolled)(user, mail));
    FACTORS
        .iter()
        .filter(usable)
        .map(|row| row.factor)
        .collect()
}

/// What the panel of `factor` asks for; `None` if it cannot be used.
pub fn input_of(factor: Factor) -> Option<Input> {
    let row = FACTORS.iter().find(|row| row.factor == factor);
    row.map(|row| row.input)
}

/// Takes out what people put between digits for legibility.
fn digits(typed: &str) -> Secret<String> {
    Secret::new(
        typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .take(16)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factors_with_a_row_are_those_that_are_implemented() {
        let rows: FactorSet = FACTORS.iter().map(|row| row.factor).collect();
        assert_eq!(rows, Factor::implemented().collect());
    }

    #[test]
    fn people_type_codes_with_blanks() {
        assert_eq!(digits(" 123 456\n").expose(), "123456");
        assert_eq!(digits("123-456").expose(), "123456");
    }
}
