//! Codes sent by mail: six digits, good for one challenge, kept as a keyed hash.

use crate::domain::{ChallengeId, Secret};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use std::time::Duration;

/// The longest a code may live (NIST SP 800-63B-4 §3.1.3.2).
pub const MAX_CODE_LIFE: Duration = Duration::from_mins(10);

/// Makes a new code.
pub(in crate::verification) fn new_code(entropy: &Entropy) -> Secret<String> {
    Secret::new(format!("{:06}", entropy.six_digits()))
}

/// Hashes a code for one challenge: in another it is worth nothing (ASVS 6.6.2).
pub(in crate::verification) fn hash_code(
    challenge: ChallengeId,
    code: &str,
    keys: &Keys,
) -> [u8; 32] {
    keys.mac(Purpose::Code, &[challenge.as_bytes(), code.as_bytes()])
}

/// Takes out what people put between digits for legibility.
pub(in crate::verification) fn digits(typed: &str) -> Secret<String> {
    Secret::new(
        typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .take(16)
            .collect(),
    )
}

/// Shows where a code went, without telling the address to whoever does not know it.
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
    fn people_type_codes_with_blanks() {
        assert_eq!(digits(" 123 456\n").expose(), "123456");
        assert_eq!(digits("123-456").expose(), "123456");
    }

    #[test]
    fn a_hint_shows_one_letter_of_the_name() {
        assert_eq!(mask("alice@example.com"), "a•••@example.com");
        assert_eq!(mask("é@example.com"), "é•••@example.com");
        assert_eq!(mask("nonsense"), "•••");
    }
}
