//! Our factors in the words of RFC 8176, which applications and their libraries know.

use crate::domain::{Factor, FactorSet};

/// The authentication method references of what was shown. Several factors may be one word.
pub(super) fn references(shown: FactorSet) -> Vec<&'static str> {
    let mut words: Vec<&str> = shown.iter().flat_map(of).copied().collect();
    let has = |factor| shown.contains(factor);
    let is_possession = |factor| match factor {
        Factor::RecoveryCode | Factor::Totp => true,
        // NIST SP 800-63B-4 §3.1.3.1: an e-mail address is nothing that one has.
        Factor::BootstrapCode
        | Factor::EmailCode
        | Factor::Oidc
        | Factor::Passkey
        | Factor::Password => false,
    };
    // A passkey is two factors by itself: its key, and what unlocks it (user verification).
    if has(Factor::Passkey) || (has(Factor::Password) && shown.iter().any(is_possession)) {
        words.push("mfa");
    }
    words.sort_unstable();
    words.dedup();
    words
}

const fn of(factor: Factor) -> &'static [&'static str] {
    match factor {
        // A one-time password that came by another channel than the browser's.
        Factor::EmailCode => &["mca", "otp"],
        // By what somebody signed in at the provider, the provider alone knows.
        Factor::Oidc => &[],
        Factor::Passkey => &["pop", "user"],
        Factor::Password => &["pwd"],
        Factor::BootstrapCode | Factor::RecoveryCode | Factor::Totp => &["otp"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_told_in_the_words_of_the_registry() {
        for (factors, words) in [
            (&[][..], &[][..]),
            (&[Factor::Password], &["pwd"]),
            (&[Factor::EmailCode], &["mca", "otp"]),
            (&[Factor::Passkey], &["mfa", "pop", "user"]),
            (&[Factor::Password, Factor::Totp], &["mfa", "otp", "pwd"]),
            (
                &[Factor::Password, Factor::EmailCode],
                &["mca", "otp", "pwd"],
            ),
            (&[Factor::Totp, Factor::RecoveryCode], &["otp"]),
        ] {
            let shown = factors.iter().copied().collect();
            assert_eq!(references(shown), words, "{factors:?}");
        }
    }
}
