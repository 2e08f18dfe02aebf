//! Which user of the directory a subject is, and which alternatives that user can complete.

use crate::domain::{FactorSet, Requirement, Subject, Timestamp, User, UserId};
use crate::store::{Store, StoreError};
use crate::verification::oidc::ProviderState;
use crate::verification::trial::PasswordSource;

/// Whether codes go to a subject that is a mail address and has no entry in the directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmailSubjects {
    /// No: only users of the directory can verify.
    #[default]
    Ignored,
    /// Yes: for accounts that sign in by a link or elsewhere, codes go to the subject's address.
    Trusted,
}

/// Finds the user for a subject.
///
/// A user whom another source names has the address of that source, unless they have set one here. A subject without an
/// entry gets one for this request if it has a mail address (one that a trusted
/// proxy asserts, or the subject itself where [`EmailSubjects`] allows it), if the application checks its
/// password, or if it signs in at the identity provider.
pub async fn find_user(
    store: &Store,
    subject: &Subject,
    asserted_email: Option<&str>,
    email_subjects: EmailSubjects,
    passwords: PasswordSource,
    provider: ProviderState,
) -> Result<Option<User>, StoreError> {
    let name = UserId::new(subject.as_str());
    let found = store.user(&name).await?;
    let itself = match email_subjects {
        EmailSubjects::Ignored => None,
        EmailSubjects::Trusted => Some(subject.as_str()),
    };
    let email = asserted_email
        .or(itself)
        .filter(|email| is_plain_email(email))
        .map(str::to_owned);
    let has_other_factor =
        passwords == PasswordSource::UpstreamLogin || provider == ProviderState::Knows;
    Ok(match found {
        Some(user) if user.email.is_none() && user.is_known_elsewhere() => {
            Some(User { email, ..user })
        }
        Some(user) => Some(user),
        None if email.is_some() || has_other_factor => Some(User {
            email,
            ..User::new(name, Timestamp::default())
        }),
        None => None,
    })
}

/// The record of a user as it is stored; an empty one where there is none.
pub(super) fn account_or_empty(stored: Option<User>, name: &UserId, now: Timestamp) -> User {
    stored.unwrap_or_else(|| User::known_elsewhere(name.clone(), now))
}

/// The alternatives of a requirement that can be completed with `usable`, in order of preference.
pub fn open_alternatives(requirement: &Requirement, usable: FactorSet) -> Vec<FactorSet> {
    requirement
        .factors
        .sets()
        .iter()
        .copied()
        .filter(|set| usable.covers(*set))
        .collect()
}

/// Whether `text` is an ASCII address without quotes or comments (a subset of RFC 5321 §4.1.2).
/// Characters of other alphabets that look alike are refused, and so are quotes: mail servers disagree about them.
pub(super) fn is_plain_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_atom =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    !local.is_empty()
        // RFC 5321 §4.5.3.1.1.
        && local.len() <= 64
        && local.bytes().all(is_atom)
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Alternatives, Factor, Secret};
    use crate::verification::factors::{FactorSources, MailState, usable_factors};
    use crate::verification::tests::requirement;

    #[test]
    fn only_plain_addresses_stand_for_themselves() {
        for email in ["alice@example.com", "a.b+c@mail.example.co.uk"] {
            assert!(is_plain_email(email), "{email}");
        }
        for other in [
            "alice",
            "@example.com",
            "alice@",
            "alice@localhost",
            "аlice@example.com",
            "a@b@example.com",
            "\"a b\"@example.com",
            "a b@example.com",
            "a@example..com",
            "a@exämple.com",
            "a@[192.0.2.1]",
            "a,b@example.com",
            "<a@example.com",
        ] {
            assert!(!is_plain_email(other), "{other}");
        }
    }

    #[test]
    fn an_alternative_is_open_if_all_its_factors_can_be_shown() {
        let both = FactorSet::EMPTY.with(Factor::Password).with(Factor::Totp);
        let mail = FactorSet::EMPTY.with(Factor::EmailCode);
        let mut requirement = (*requirement()).clone();
        requirement.factors = Alternatives::new(vec![both, mail]).unwrap();
        let mut user = User {
            email: Some("alice@example.com".to_owned()),
            password: Some(Secret::new("$argon2id$…".to_owned())),
            ..User::new(UserId::new("alice"), Timestamp::default())
        };
        let sources = |mail| FactorSources {
            mail,
            passkeys: None,
            passwords: PasswordSource::Directory,
            provider: ProviderState::Absent,
        };
        let open = |user: &User, mail| {
            open_alternatives(&requirement, usable_factors(Some(user), sources(mail)))
        };
        assert_eq!(open(&user, MailState::Configured), [mail]);
        assert_eq!(open(&user, MailState::Absent), []);
        user.totp = Some(vec![1]);
        assert_eq!(open(&user, MailState::Configured), [both, mail]);
        assert_eq!(
            usable_factors(None, sources(MailState::Configured)),
            FactorSet::EMPTY
        );
    }
}
