//! The factors: a file each, and a row each in [`FACTORS`].
//!
//! A factor's file says what it takes to be enrolled, what its panel on the prompt page asks for, and
//! how an answer is checked. What must come before an answer, such as a code that is sent, is there
//! too. A new factor is a variant of [`Factor`], its file, its row and arm here, and its texts.

mod bootstrap_code;
mod email_code;
mod oidc;
mod passkey;
mod password;
mod printed_code;
mod recovery_code;
mod totp;
mod value;

pub use email_code::MAX_CODE_LIFE;
pub(super) use email_code::{CodeRequest, hash_code, is_sent, mask, new_code, send};
pub use passkey::{NoRelyingParty, PasskeyOptions, PasskeyRequest, RelyingParty};
pub(super) use printed_code::recovery_codes;
pub use printed_code::{bootstrap_code, codes_left};
pub use totp::{TotpSecret, TotpSecretError};
pub use value::AnswerValue;

use super::error::VerifyError;
use super::services::Services;
use crate::domain::{
    Challenge, Factor, FactorSet, Reason, Secret, Timestamp, User, digit_of, is_ignorable,
};
use crate::store::Store;
use crate::verification::oidc::{ProviderProof, ProviderState};
use crate::verification::trial::{PasswordSource, PasswordTrial};

/// What is known of a factor without checking an answer.
#[derive(Clone, Copy, Debug)]
struct FactorRow {
    factor: Factor,
    /// Whether this user can show it.
    is_enrolled: fn(&User, FactorSources<'_>) -> bool,
    /// Whether an answer has the form that the check reads.
    accepts: fn(&AnswerValue) -> bool,
    /// What its panel asks for.
    input: Input,
}

/// All factors.
const FACTORS: [FactorRow; 7] = [
    bootstrap_code::ROW,
    email_code::ROW,
    oidc::ROW,
    passkey::ROW,
    password::ROW,
    recovery_code::ROW,
    totp::ROW,
];

/// What the panel of a factor asks for on the prompt page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A code of digits.
    Digits,
    /// What the browser says for a passkey: filled in by the script of the page.
    Passkey,
    /// A password.
    Password,
    /// Nothing: the person signs in at the identity provider.
    SignIn,
    /// A code that is written down, of letters and digits.
    PrintedCode,
}

/// Whether mails can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
    /// There is no mail server in the settings.
    Absent,
    /// There is one.
    Configured,
}

/// What factors need besides what is kept of a user.
#[derive(Clone, Copy, Debug)]
pub struct FactorSources<'a> {
    /// Whether codes can be sent.
    pub mail: MailState,
    /// Whose passkeys can be asked for.
    pub passkeys: Option<&'a RelyingParty>,
    /// Whose password the password is.
    pub passwords: PasswordSource,
    /// Whether people sign in at an identity provider.
    pub provider: ProviderState,
}

/// What came of the check of an answer.
#[derive(Debug)]
pub(super) enum CheckOutcome {
    /// It is right.
    Right,
    /// It is right, by the word of the identity provider.
    RightAt(Box<ProviderProof>),
    /// It is not, for this reason.
    Wrong(Reason),
}

impl From<bool> for CheckOutcome {
    fn from(is_right: bool) -> Self {
        if is_right {
            Self::Right
        } else {
            Self::Wrong(Reason::WrongAnswer)
        }
    }
}

/// An answer to be checked, and what its check needs.
pub(super) struct Check<'a> {
    pub(super) factor: Factor,
    pub(super) challenge: &'a Challenge,
    /// `None` if the subject has no entry: the check then does the same work, and fails.
    pub(super) user: Option<&'a User>,
    pub(super) answer: &'a AnswerValue,
    /// How the application is asked about a password, where it is.
    pub(super) trial: Option<&'a dyn PasswordTrial>,
    pub(super) now: Timestamp,
    pub(super) services: &'a Services,
    pub(super) store: &'a Store,
}

/// Checks an answer by its factor.
pub(super) async fn check(check: &Check<'_>) -> Result<CheckOutcome, VerifyError> {
    let is_right = match check.factor {
        Factor::BootstrapCode => printed_code::take_bootstrap(check).await,
        Factor::EmailCode => email_code::check(check).await,
        Factor::Oidc => return oidc::check(check).await,
        Factor::Passkey => passkey::check(check).await,
        Factor::Password => password::check(check).await,
        Factor::Totp => totp::check(check).await,
        Factor::RecoveryCode => printed_code::take_recovery(check).await,
    };
    is_right.map(CheckOutcome::from)
}

/// The factors that a user can show.
pub fn usable_factors(user: Option<&User>, sources: FactorSources<'_>) -> FactorSet {
    let usable = |row: &&FactorRow| user.is_some_and(|user| (row.is_enrolled)(user, sources));
    FACTORS
        .iter()
        .filter(usable)
        .map(|row| row.factor)
        .collect()
}

/// Whether `answer` has the form of an answer by `factor`: text, where nothing else is known of it.
pub(super) fn accepts(factor: Factor, answer: &AnswerValue) -> bool {
    row_of(factor).map_or_else(|| answer.is_text(), |row| (row.accepts)(answer))
}

/// What the panel of `factor` asks for; `None` if it cannot be used.
pub fn input_of(factor: Factor) -> Option<Input> {
    row_of(factor).map(|row| row.input)
}

fn row_of(factor: Factor) -> Option<&'static FactorRow> {
    FACTORS.iter().find(|row| row.factor == factor)
}

/// The digits of a code in any script, without the blanks and hyphens that people type between them, and
/// without the invisible marks that come along when it is pasted.
pub(super) fn digits(answer: &AnswerValue) -> Secret<String> {
    let typed = answer.text().map_or("", |text| text.expose());
    Secret::new(
        typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-' && !is_ignorable(*c))
            .map(|c| digit_of(c).map_or(c, |digit| char::from(b'0' + digit)))
            .take(16)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_factor_has_a_row() {
        let rows: FactorSet = FACTORS.iter().map(|row| row.factor).collect();
        assert_eq!(rows, Factor::ALL.into_iter().collect());
    }

    #[test]
    fn people_type_codes_with_blanks() {
        for typed in [
            " 123 456\n",
            "123-456",
            "\u{200E}123\u{202F}456\u{2060}",
            "１２３４５６",
            "١٢٣٤٥٦",
            "१२३-४५६",
        ] {
            let answer = AnswerValue::Text(Secret::new(typed.to_owned()));
            assert_eq!(digits(&answer).expose(), "123456");
        }
    }
}
