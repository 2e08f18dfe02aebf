//! The hashes of crypt(5) and htpasswd: bcrypt, SHA-crypt, and MD5-crypt in two variants.

use super::fault::{HashFault, bounded};
use md5::{Digest, Md5};
use sha_crypt::{PasswordHashRef, PasswordVerifier, ShaCrypt};
use subtle::ConstantTimeEq;

/// About four seconds of one core (measured: 16 takes 3.3 s).
const MAX_BCRYPT_COST: u32 = 16;
/// Three seconds for the longest password.
const MAX_SHA_ROUNDS: u64 = 1_000_000;

const BCRYPT: &str = "bcrypt";
const MD5_CRYPT: &str = "MD5-crypt";
const SHA_CRYPT: &str = "SHA-crypt";

/// `$2b$12$…`. It reads no more than 72 bytes of a password, as did whoever made it.
pub(super) struct Bcrypt {
    hash: String,
    prehash: Prehash,
}

/// What is done to a password before bcrypt gets it.
#[derive(Clone, Copy)]
pub(super) enum Prehash {
    None,
    /// Django's `bcrypt_sha256`: SHA-256 in hexadecimal digits.
    Sha256Hex,
}

impl Bcrypt {
    pub(super) fn read(hash: &str, prehash: Prehash) -> Result<Self, HashFault> {
        let parts: Result<bcrypt::HashParts, _> = hash.parse();
        let parts = parts.map_err(|_| HashFault::Malformed(BCRYPT))?;
        let (cost, most) = (parts.get_cost(), MAX_BCRYPT_COST);
        bounded("bcrypt cost", cost.into(), most.into())?;
        let hash = hash.to_owned();
        Ok(Self { hash, prehash })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let is_right = match self.prehash {
            Prehash::None => bcrypt::verify(password, &self.hash),
            Prehash::Sha256Hex => {
                let digest = ring::digest::digest(&ring::digest::SHA256, password);
                let hex = data_encoding::HEXLOWER.encode(digest.as_ref());
                bcrypt::verify(hex, &self.hash)
            }
        };
        is_right.unwrap_or(false)
    }
}

/// `$5$…` and `$6$…`.
pub(super) struct ShaCryptHash(String);

impl ShaCryptHash {
    pub(super) fn read(hash: &str, fields: &str) -> Result<Self, HashFault> {
        if let Some(rounds) = fields.strip_prefix("rounds=") {
            let (rounds, _) = rounds.split_once('$').unwrap_or((rounds, ""));
            let rounds = rounds
                .parse()
                .map_err(|_| HashFault::Malformed(SHA_CRYPT))?;
            bounded("number of SHA-crypt rounds", rounds, MAX_SHA_ROUNDS)?;
        }
        // 32 and 64 bytes in the base 64 of crypt(5), which has no padding.
        let tag = fields.rsplit('$').next().unwrap_or_default();
        let known = PasswordHashRef::new(hash).is_ok() && matches!(tag.len(), 43 | 86);
        let hash = known.then(|| Self(hash.to_owned()));
        hash.ok_or(HashFault::Malformed(SHA_CRYPT))
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let hash = PasswordHashRef::new(&self.0);
        hash.is_ok_and(|hash| ShaCrypt::SHA512.verify_password(password, hash).is_ok())
    }
}

/// `$1$salt$…`, and Apache's `$apr1$salt$…`: 1,000 rounds of MD5.
pub(super) struct Md5Crypt {
    magic: &'static [u8],
    salt: Vec<u8>,
    expected: [u8; 16],
}

impl Md5Crypt {
    pub(super) fn read(id: &str, fields: &str) -> Result<Self, HashFault> {
        let magic: &[u8] = if id == "apr1" { b"$apr1$" } else { b"$1$" };
        let read = || {
            let (salt, hash) = fields.split_once('$')?;
            let is_sound = !salt.is_empty() && salt.len() <= 8;
            Some(Self {
                magic,
                salt: is_sound.then(|| salt.as_bytes().to_vec())?,
                expected: crypt_base64(hash)?,
            })
        };
        read().ok_or(HashFault::Malformed(MD5_CRYPT))
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        md5_crypt(password, &self.salt, self.magic)
            .ct_eq(&self.expected)
            .into()
    }
}

/// MD5-crypt as FreeBSD has it, and as Apache took it over (`apr_md5_encode`). `md5crypt` on crates.io
/// knows one magic only; the steps are Poul-Henning Kamp's.
fn md5_crypt(password: &[u8], salt: &[u8], magic: &[u8]) -> [u8; 16] {
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut first = Md5::new()
        .chain_update(password)
        .chain_update(magic)
        .chain_update(salt);
    for at in (0..password.len()).step_by(16) {
        let left = (password.len() - at).min(16);
        first.update(inner.get(..left).unwrap_or_default());
    }
    // One byte for each bit of the length: an early mistake that all implementations keep.
    let mut bits = password.len();
    while bits > 0 {
        let odd = bits & 1 == 1;
        first.update(if odd {
            &[0]
        } else {
            password.get(..1).unwrap_or_default()
        });
        bits >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..1_000 {
        let odd = round % 2 == 1;
        let mut next = Md5::new();
        next.update(if odd { password } else { &digest });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if odd { &digest[..] } else { password });
        digest = next.finalize();
    }
    digest.into()
}

/// The bytes that MD5-crypt writes as 22 characters: in threes, of three places each, low bits first.
fn crypt_base64(text: &str) -> Option<[u8; 16]> {
    const PLACES: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    const ALPHABET: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut values = Vec::with_capacity(22);
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte)?;
        values.push(u32::try_from(value).ok()?);
    }
    let (groups, last) = values
        .split_at_checked(20)
        .filter(|(_, last)| last.len() == 2)?;
    let read = |group: &[u32]| group.iter().rev().fold(0, |read, value| read << 6 | value);
    let mut bytes = [0; 16];
    for (group, places) in groups.chunks(4).zip(PLACES) {
        let [_, high, middle, low] = read(group).to_be_bytes();
        for (place, byte) in places.into_iter().zip([high, middle, low]) {
            *bytes.get_mut(place)? = byte;
        }
    }
    *bytes.get_mut(11)? = u8::try_from(read(last)).ok()?;
    Some(bytes)
}
