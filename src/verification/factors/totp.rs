//! Time-based codes (RFC 6238): SHA-1, six digits, thirty seconds, as every authenticator app reads.

use super::{AnswerValue, Check, FactorRow, Input, digits};
use crate::domain::{Factor, Secret, Timestamp, UserId};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use crate::store::Taken;
use crate::verification::error::VerifyError;
use totp_rs::{Builder, Totp, TotpError};
use zeroize::Zeroize;

/// How many bytes a new secret has: 160 bits (RFC 4226 §4 R6).
const SECRET_LEN: usize = 20;
const STEP_SECONDS: u64 = 30;

pub(super) const ROW: FactorRow = FactorRow {
    factor: Factor::Totp,
    is_enrolled: |user, _| user.totp.is_some(),
    accepts: AnswerValue::is_text,
    input: Input::Digits,
};

pub(super) async fn check(check: &Check<'_>) -> Result<bool, VerifyError> {
    let code = digits(check.answer);
    let (services, skew) = (check.services, check.services.settings.totp_skew);
    let enrolled = check.user.and_then(|user| {
        let secret = TotpSecret::open(user.totp.as_ref()?, &user.id, &services.keys)?;
        Some((secret, &user.id))
    });
    let Some((secret, user)) = enrolled else {
        // The same work as with a secret, so that timing does not tell who has one.
        let stand_in = TotpSecret::generate(&services.entropy);
        let _ = stand_in.matching_step(code.expose(), skew, check.now);
        return Ok(false);
    };
    let Some(step) = secret.matching_step(code.expose(), skew, check.now) else {
        return Ok(false);
    };
    // RFC 6238 §5.2: a code is accepted once.
    Ok(check.store.take_totp_step(user, step).await? == Taken::Now)
}

/// The secret that an authenticator app shares with us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotpSecret(Secret<Vec<u8>>);

/// Why a secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TotpSecretError {
    /// It is not base32.
    #[error("the TOTP secret is not base32")]
    NotBase32,
    /// It is too short.
    #[error("the TOTP secret has {0} bytes; at least 16 are needed (RFC 4226 §4)")]
    Short(usize),
}

impl TotpSecret {
    /// Makes a new secret.
    pub fn generate(entropy: &Entropy) -> Self {
        Self(Secret::new(entropy.bytes::<SECRET_LEN>().to_vec()))
    }

    /// Reads a secret as apps write it; blanks, hyphens and letter case do not matter.
    pub fn from_base32(text: &str) -> Result<Self, TotpSecretError> {
        let mut text: String = text
            .chars()
            .filter(|c| !c.is_ascii_whitespace() && !matches!(c, '-' | '='))
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let bytes = data_encoding::BASE32_NOPAD.decode(text.as_bytes());
        text.zeroize();
        let bytes = bytes.map_err(|_| TotpSecretError::NotBase32)?;
        if bytes.len() < 16 {
            return Err(TotpSecretError::Short(bytes.len()));
        }
        Ok(Self(Secret::new(bytes)))
    }

    /// Writes the secret for a person to type.
    pub fn to_base32(&self) -> Secret<String> {
        Secret::new(data_encoding::BASE32_NOPAD.encode(self.0.expose()))
    }

    /// The `otpauth:` URI that apps read from a QR code.
    pub fn to_uri(&self, issuer: &str, account: &str) -> Result<Secret<String>, TotpError> {
        // A colon separates issuer and account in the label, so neither may hold one.
        let (issuer, account) = (issuer.replace(':', " "), account.replace(':', " "));
        let totp = self
            .builder()
            .with_issuer(Some(issuer))
            .with_account_name(account)
            .build()?;
        totp.to_url().map(Secret::new)
    }

    /// Seals the secret for the directory; it opens only for the same user.
    pub fn seal(&self, user: &UserId, keys: &Keys, entropy: &Entropy) -> Vec<u8> {
        keys.seal(
            Purpose::Totp,
            user.as_str().as_bytes(),
            self.0.expose(),
            entropy,
        )
    }

    /// Opens what [`TotpSecret::seal`] sealed for this user.
    pub fn open(sealed: &[u8], user: &UserId, keys: &Keys) -> Option<Self> {
        keys.open(Purpose::Totp, user.as_str().as_bytes(), sealed)
            .map(Self)
    }

    /// The time step whose code this is, if it is one at all within `skew` steps of now.
    ///
    /// The caller must then take the step in the store: a code is accepted once (RFC 6238 §5.2).
    pub fn matching_step(&self, code: &str, skew: u8, now: Timestamp) -> Option<u64> {
        self.totp(skew).check(code, now.as_secs())
    }

    /// The code for a point in time; for enrolment and tests.
    pub fn code_at(&self, at: Timestamp) -> Secret<String> {
        Secret::new(self.totp(0).generate(at.as_secs()).to_string())
    }

    fn totp(&self, skew: u8) -> Totp {
        // Its three rules (digits, step, secret length) are kept by this type.
        self.builder()
            .with_skew(u16::from(skew))
            .build_noncompliant()
    }

    fn builder(&self) -> Builder {
        Builder::new()
            .with_digits(6)
            .with_step_duration(STEP_SECONDS)
            .with_secret(self.0.expose().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::tests::keys;
    use std::time::Duration;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238_appendix_b() {
        let secret = TotpSecret(Secret::new(b"12345678901234567890".to_vec()));
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.code_at(at(seconds)).expose(), code);
            let step = secret.matching_step(code, 0, at(seconds));
            assert_eq!(step, Some(seconds / 30));
        }
    }

    #[test]
    fn one_step_of_slack_and_no_more() {
        let secret = TotpSecret::generate(&Entropy::system());
        let start = at(1_000_000_020);
        let code = secret.code_at(start);
        let accepted = |later: u64, skew| {
            let now = start.after(Duration::from_secs(later));
            secret.matching_step(code.expose(), skew, now).is_some()
        };
        assert!(accepted(0, 1) && accepted(30, 1));
        assert!(!accepted(30, 0));
        let code_of_next_but_one = secret.code_at(start.after(Duration::from_mins(1)));
        assert_eq!(
            secret.matching_step(code_of_next_but_one.expose(), 1, start),
            None
        );
    }

    #[test]
    fn what_is_not_six_digits_is_no_code() {
        let secret = TotpSecret::generate(&Entropy::system());
        for code in ["", "12345", "1234567", "+12345", "12 456", "１２", "abcdef"] {
            assert_eq!(secret.matching_step(code, 1, at(0)), None, "{code}");
            assert_eq!(secret.matching_step(code, 255, at(u64::MAX / 1000)), None);
        }
    }

    #[test]
    fn a_secret_opens_only_for_its_user() {
        let (keys, entropy) = (keys(), Entropy::system());
        let secret = TotpSecret::generate(&entropy);
        let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
        let sealed = secret.seal(&alice, &keys, &entropy);
        assert_eq!(TotpSecret::open(&sealed, &alice, &keys), Some(secret));
        assert_eq!(TotpSecret::open(&sealed, &bob, &keys), None);
    }

    #[test]
    fn a_secret_reads_back_as_people_type_it() {
        let secret = TotpSecret::generate(&Entropy::system());
        let text = secret.to_base32().expose().to_lowercase();
        let typed = text
            .as_bytes()
            .chunks(4)
            .map(|four| std::str::from_utf8(four).unwrap())
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(TotpSecret::from_base32(&typed), Ok(secret));
        assert_eq!(
            TotpSecret::from_base32("abc1"),
            Err(TotpSecretError::NotBase32)
        );
        assert_eq!(
            TotpSecret::from_base32("MFRGGZDF"),
            Err(TotpSecretError::Short(5))
        );
    }

    #[test]
    fn the_uri_names_issuer_and_account() {
        let secret = TotpSecret::generate(&Entropy::system());
        let uri = secret.to_uri("Example: App", "alice@example.com").unwrap();
        assert!(uri.expose().starts_with("otpauth://totp/Example"));
        assert!(uri.expose().contains("issuer="));
        assert!(!format!("{secret:?} {uri:?}").contains(secret.to_base32().expose()));
    }
}
