//! A password of the directory (NIST SP 800-63B-4 §3.1.1.2): long enough, and none that others guess. No rules of
//! which characters it must have.

use super::{ChangeKind, CredentialChange};
use crate::domain::{CredentialEntry, Factor, FactorSet, Secret, User};
use crate::locale::Locale;
use crate::mail::Notice;
use crate::verification::error::VerifyError;
use crate::verification::password_hash::MAX_PASSWORD;
use crate::verification::verifier::{EndpointCaller, Verifier};
use zxcvbn::{Score, zxcvbn};

/// The fewest characters of a password by itself.
const ALONE: usize = 15;
/// The fewest beside an authenticator app or a passkey.
const BESIDE_ANOTHER: usize = 8;
/// How much of a long password is compared with what is known: the rest only makes it better.
const COMPARED: usize = 100;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakPassword {
    /// It is among those that are tried first: common ones, names and words, keyboard patterns, dates, or what
    /// the account and the site are called.
    Guessable,
    /// It has more bytes than are hashed.
    TooLong,
    /// It has fewer characters than this.
    TooShort(usize),
}

impl Verifier {
    /// The fewest characters that this user's password may have.
    pub fn least_password(user: &User) -> usize {
        let other = FactorSet::EMPTY.with(Factor::Password);
        if user.strong_factors().without(other).is_empty() {
            ALONE
        } else {
            BESIDE_ANOTHER
        }
    }

    /// Sets the caller's password in the directory. `site` is what the site is called.
    pub async fn set_password(
        &self,
        caller: &EndpointCaller<'_>,
        password: &Secret<String>,
        site: &str,
        locale: Locale,
    ) -> Result<Result<(), WeakPassword>, VerifyError> {
        self.services.audit.ready()?;
        let account = self.account(&caller.claimant).await?;
        if let Some(weak) = weakness(password, &account, site) {
            return Ok(Err(weak));
        }
        let hash = self.services.passwords.hash(password.clone()).await?;
        let change = CredentialChange {
            factor: Factor::Password,
            kind: ChangeKind::Added,
            notice: Notice::Added(Factor::Password),
            locale,
        };
        let (entropy, now) = (&self.services.entropy, self.services.clock.now());
        let entry = CredentialEntry::new(entropy.bytes(), now);
        let edit = |user: &mut User| {
            user.password = Some(hash.clone());
            user.remove_entries(Factor::Password);
            user.put_entry(Factor::Password, &entry);
            Some(())
        };
        self.change_credentials(caller, &change, edit).await?;
        Ok(Ok(()))
    }
}

fn weakness(password: &Secret<String>, user: &User, site: &str) -> Option<WeakPassword> {
    let text = password.expose();
    let least = Verifier::least_password(user);
    // Each character counts as one, whatever its script (NIST SP 800-63B-4 §3.1.1.2).
    if text.chars().count() < least {
        return Some(WeakPassword::TooShort(least));
    }
    if text.len() > MAX_PASSWORD {
        return Some(WeakPassword::TooLong);
    }
    let words: Vec<&str> = [
        user.id.as_str(),
        user.email.as_deref().unwrap_or_default(),
        site,
    ]
    .into_iter()
    .flat_map(|name| name.split(['@', '.', ':', '-', '_']).chain([name]))
    .filter(|word| word.len() > 2)
    .collect();
    let compared: String = text.chars().take(COMPARED).collect();
    let compared = Secret::new(compared);
    (zxcvbn(compared.expose(), &words).score() < Score::Two).then_some(WeakPassword::Guessable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Timestamp, UserId};

    fn of(password: &str, user: &User) -> Option<WeakPassword> {
        weakness(&Secret::new(password.to_owned()), user, "app.example.com")
    }

    #[test]
    fn a_password_is_long_enough_and_none_that_is_tried_first() {
        let mut user = User::new(UserId::new("alice.liddell"), Timestamp::default());
        user.email = Some("alice@wonderland.example".to_owned());
        assert_eq!(of("correct horse", &user), Some(WeakPassword::TooShort(15)));
        assert_eq!(of("plum kite oval drum", &user), None);
        assert_eq!(of("ключ от старого дома", &user), None);
        user.totp = Some(vec![1]);
        assert_eq!(of("xK4#pq9", &user), Some(WeakPassword::TooShort(8)));
        assert_eq!(of("xK4#pq9v", &user), None);
        for known in [
            "password",
            "P@ssw0rd1",
            "qwertyuiop",
            "aliceliddell",
            "wonderland1",
            "aaaaaaaaaaaaaaaa",
            "app.example.com",
            "12345678901234567890",
        ] {
            assert_eq!(of(known, &user), Some(WeakPassword::Guessable), "{known}");
        }
        let long =
            |length: usize| "plum kite oval drum ".repeat(length / 20 + 1)[..length].to_owned();
        assert_eq!(of(&long(MAX_PASSWORD), &user), None);
        assert_eq!(
            of(&long(MAX_PASSWORD + 1), &user),
            Some(WeakPassword::TooLong)
        );
    }
}
