//! Codes sent by mail: six digits, valid for one challenge, stored as a keyed hash.

use super::{AnswerValue, Check, FactorRow, Input, MailState, digits};
use crate::domain::{Challenge, ChallengeId, Factor, Secret, Timestamp};
use crate::entropy::Entropy;
use crate::locale::Locale;
use crate::mail::{CodeMail, Mailer};
use crate::seal::{Keys, Purpose};
use crate::store::{CodeAnswer, SentCode, Store, StoreError};
use crate::telemetry::chain;
use crate::verification::error::VerifyError;
use crate::verification::services::Services;
use crate::verification::token::code_id;
use std::net::IpAddr;
use std::time::Duration;

/// The longest a code may be valid (NIST SP 800-63B-4 §3.1.3.2).
pub const MAX_CODE_LIFE: Duration = Duration::from_mins(10);

pub(super) const ROW: FactorRow = FactorRow {
    factor: Factor::EmailCode,
    is_enrolled: |user, sources| user.email.is_some() && sources.mail == MailState::Configured,
    accepts: AnswerValue::is_text,
    input: Input::Digits,
};

pub(super) async fn check(check: &Check<'_>) -> Result<bool, VerifyError> {
    let id = code_id(check.challenge, &check.services.keys);
    let code = digits(check.answer);
    let hash = hash_code(id, code.expose(), &check.services.keys);
    // Compared and removed in one step of the store: of two right answers at once, one finds it.
    let answer = check.store.take_code(id, &hash, check.now).await?;
    Ok(answer == CodeAnswer::Matched)
}

/// A code that was asked for, and has been counted.
pub(in crate::verification) struct CodeRequest<'a> {
    pub(in crate::verification) challenge: &'a Challenge,
    pub(in crate::verification) email: &'a str,
    pub(in crate::verification) locale: Locale,
    pub(in crate::verification) address: IpAddr,
    pub(in crate::verification) request_id: Option<&'a str>,
}

/// Stores a new code and mails it. Returns when it expires, or `None` if the mail server refused.
pub(in crate::verification) async fn send(
    request: &CodeRequest<'_>,
    mailer: &Mailer,
    services: &Services,
    store: &Store,
) -> Result<Option<Timestamp>, StoreError> {
    let challenge = request.challenge;
    let now = services.clock.now();
    let life = services.settings.code_life.min(MAX_CODE_LIFE);
    let expires_at = now.after(life).min(challenge.expires_at);
    let (id, code) = (
        code_id(challenge, &services.keys),
        new_code(&services.entropy),
    );
    let kept = SentCode {
        hash: hash_code(id, code.expose(), &services.keys),
        expires_at,
    };
    // Stored first: the mail may be read before `send` returns.
    store.put_code(id, &kept, now).await?;
    let mail = CodeMail {
        to: request.email,
        locale: request.locale,
        code: &code,
        title: (challenge.demand.requirement.title).in_language(request.locale.as_str()),
        client: request.address,
        asked_at: now,
        expires_at,
    };
    if let Err(error) = mailer.send(&mail).await {
        let error = chain(&error);
        tracing::warn!(error, request_id = request.request_id, "no code sent");
        return Ok(None);
    }
    Ok(Some(expires_at))
}

/// Whether a code for what is asked is on its way, and still good.
pub(in crate::verification) async fn is_sent(
    challenge: &Challenge,
    services: &Services,
    store: &Store,
) -> Result<bool, StoreError> {
    let id = code_id(challenge, &services.keys);
    // No code has this hash, so none is taken.
    let answer = store.take_code(id, &[0; 32], services.clock.now()).await?;
    Ok(answer == CodeAnswer::Wrong)
}

/// Makes a new code.
pub(in crate::verification) fn new_code(entropy: &Entropy) -> Secret<String> {
    // NIST SP 800-63B-4 §3.1.3.2: at least six digits.
    Secret::new(format!("{:06}", entropy.six_digits()))
}

/// Hashes a code together with its challenge, so that it is wrong in any other (ASVS 6.6.2).
pub(in crate::verification) fn hash_code(
    challenge: ChallengeId,
    code: &str,
    keys: &Keys,
) -> [u8; 32] {
    // With a key: a million codes are soon tried against a plain hash.
    keys.mac(Purpose::Code, &[challenge.as_bytes(), code.as_bytes()])
}

/// Masks an address: enough for its owner to recognize, too little for others to learn it.
pub(in crate::verification) fn mask(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}•••@{domain}")
        }
        None => "•••".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::tests::keys;

    #[test]
    fn a_code_is_six_digits_with_its_zeros() {
        for _ in 0..200 {
            let code = new_code(&Entropy::system());
            let code = code.expose();
            assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn a_code_is_bound_to_its_challenge() {
        let keys = keys();
        let (one, two) = (ChallengeId::new([1; 16]), ChallengeId::new([2; 16]));
        assert_ne!(
            hash_code(one, "000000", &keys),
            hash_code(two, "000000", &keys)
        );
    }

    #[test]
    fn a_hint_shows_one_letter_of_the_name() {
        assert_eq!(mask("alice@example.com"), "a•••@example.com");
        assert_eq!(mask("é@example.com"), "é•••@example.com");
        assert_eq!(mask("nonsense"), "•••");
    }
}
