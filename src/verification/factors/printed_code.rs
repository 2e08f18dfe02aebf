//! Codes that are written down: recovery codes, and those that an operator hands out. 80 bits each, kept as keyed
//! hashes, each good for one use.

use super::{AnswerValue, Check};
use crate::domain::{
    ByteReader, ByteWriter, CredentialEntry, Factor, Secret, Timestamp, User, UserId, is_ignorable,
};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use crate::verification::enroll::edit_user;
use crate::verification::error::VerifyError;
use std::time::Duration;

/// How many characters a code has, of 5 bits each. NIST SP 800-63B-4 §4.2.1.1: at least 64 bits.
const LENGTH: usize = 16;
/// Crockford's base32, without letters that look like digits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const HASH_LEN: usize = 32;

/// Makes a code as it is shown: four groups of four characters.
fn new_code(entropy: &Entropy) -> Secret<String> {
    let mut code = String::with_capacity(LENGTH + 3);
    for (at, byte) in entropy.bytes::<LENGTH>().into_iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        // 256 is a multiple of 32: each character is equally likely.
        let place = usize::from(byte % 32);
        code.push(ALPHABET.get(place).copied().map_or('0', char::from));
    }
    Secret::new(code)
}

/// Makes an entry of `count` codes, and the codes to be shown once.
pub(in crate::verification) fn recovery_codes(
    count: usize,
    keys: &Keys,
    entropy: &Entropy,
    now: Timestamp,
) -> (CredentialEntry, Vec<Secret<String>>) {
    let mut entry = CredentialEntry::new(entropy.bytes(), now);
    let codes: Vec<_> = (0..count).map(|_| new_code(entropy)).collect();
    let hashes = codes
        .iter()
        .flat_map(|code| keys.mac(Purpose::RecoveryCode, &parts(&entry, &plain(code))))
        .collect();
    entry.secret = Secret::new(hashes);
    (entry, codes)
}

/// Makes the entry of a code that an operator hands out, good for `life`, and the code to be shown once.
pub fn bootstrap_code(
    life: Duration,
    keys: &Keys,
    entropy: &Entropy,
    now: Timestamp,
) -> (CredentialEntry, Secret<String>) {
    let mut entry = CredentialEntry::new(entropy.bytes(), now);
    let code = new_code(entropy);
    let mut secret = ByteWriter::default();
    secret
        .time(now.after(life))
        .array(&keys.mac(Purpose::BootstrapCode, &parts(&entry, &plain(&code))));
    entry.secret = Secret::new(secret.into_bytes());
    (entry, code)
}

/// How many recovery codes are left.
pub fn codes_left(user: &User) -> usize {
    let entries = user.entries(Factor::RecoveryCode);
    entries
        .map(|entry| entry.secret.expose().len() / HASH_LEN)
        .sum()
}

/// Takes a recovery code. The record changes with it, so of two right answers at once one finds it.
pub(super) async fn take_recovery(check: &Check<'_>) -> Result<bool, VerifyError> {
    take(check, Purpose::RecoveryCode, |entry, hashes, user| {
        let kept = entry.secret.expose().chunks(HASH_LEN);
        let rest: Vec<u8> = kept
            .filter(|hash| !matches_any(hash, hashes))
            .flatten()
            .copied()
            .collect();
        let is_found = rest.len() < entry.secret.expose().len();
        entry.secret = Secret::new(rest);
        entry.used_at = Some(check.now);
        is_found.then(|| user.put_entry(Factor::RecoveryCode, entry))
    })
    .await
}

/// Takes the code that an operator handed out, unless its time is over.
pub(super) async fn take_bootstrap(check: &Check<'_>) -> Result<bool, VerifyError> {
    take(check, Purpose::BootstrapCode, |entry, hashes, user| {
        let mut secret = ByteReader::new(entry.secret.expose());
        let expires_at = secret.time()?;
        let hash: [u8; HASH_LEN] = secret.array()?;
        (check.now < expires_at && matches_any(&hash, hashes))
            .then(|| user.remove_entries(Factor::BootstrapCode))
    })
    .await
}

/// Reads the record afresh, also of a subject that has none: the same work for everybody.
async fn take(
    check: &Check<'_>,
    purpose: Purpose,
    take: impl Fn(&mut CredentialEntry, &[Secret<Vec<u8>>], &mut User) -> Option<()>,
) -> Result<bool, VerifyError> {
    let name = UserId::new(check.challenge.subject.as_str());
    // By the subject of the challenge, never by a name that the client sends.
    let typed = canonical(check.answer);
    let keys = &check.services.keys;
    let edit = |user: &mut User| {
        let entries: Vec<_> = user.entries(check.factor).collect();
        entries.into_iter().find_map(|mut entry| {
            let parts = parts(&entry, &typed);
            let hashes = [
                Some(keys.mac(purpose, &parts)),
                keys.previous_mac(purpose, &parts),
            ];
            let hashes = hashes.into_iter().flatten();
            let hashes: Vec<_> = hashes.map(|hash| Secret::new(hash.to_vec())).collect();
            take(&mut entry, &hashes, user)
        })
    };
    let taken = edit_user(check.store, &name, check.now, edit).await?;
    Ok(taken.is_some())
}

/// What is hashed: with the id of its entry, so that it is wrong in any other.
fn parts<'a>(entry: &'a CredentialEntry, code: &'a Secret<String>) -> [&'a [u8]; 2] {
    [&entry.id, code.expose().as_bytes()]
}

/// In constant time.
fn matches_any(hash: &[u8], wanted: &[Secret<Vec<u8>>]) -> bool {
    let hash = Secret::new(hash.to_vec());
    wanted.contains(&hash)
}

fn plain(code: &Secret<String>) -> Secret<String> {
    canonical(&AnswerValue::Text(code.clone()))
}

/// A code as people type it: in any case, with blanks and hyphens, and letters for the digits that they look like.
fn canonical(answer: &AnswerValue) -> Secret<String> {
    let typed = answer.text().map_or("", |text| text.expose());
    let is_code = |c: &char| !c.is_whitespace() && !is_ignorable(*c) && !matches!(c, '-' | '–');
    let letters = typed.chars().filter(is_code).take(2 * LENGTH);
    Secret::new(
        letters
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_eighty_bits_and_reads_back_as_people_type_it() {
        let entropy = Entropy::system();
        for _ in 0..100 {
            let code = new_code(&entropy);
            let text = code.expose();
            assert_eq!((text.len(), text.matches('-').count()), (19, 3), "{text}");
            let lower = text.to_lowercase().replace('-', " ").replace('0', "o");
            let typed =
                AnswerValue::Text(Secret::new(format!("\u{200e}{lower}\n").replace('1', "l")));
            assert_eq!(canonical(&typed), plain(&code));
            assert_eq!(plain(&code).expose().len(), LENGTH);
        }
    }
}
