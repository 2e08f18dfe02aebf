//! Password hashes as other programs keep them: which formats are read, and why others are not.
//!
//! A hash from elsewhere decides how much work its check is, so every cost has an upper end. Whatever is
//! not argon2id of today's cost is replaced by it when the password is next given.

use super::argon2id;
use super::crypt::{Bcrypt, Md5Crypt, Prehash, ShaCryptHash};
use super::derived::Derived;
use super::fault::HashFault;
use argon2::Block;
use argon2::password_hash::phc::PasswordHash;

/// A hash that can be checked.
pub(super) enum StoredHash {
    /// PHC, and Django's `argon2$…`.
    Argon2(Box<PasswordHash>),
    Bcrypt(Bcrypt),
    /// PBKDF2 and scrypt.
    Derived(Derived),
    Md5Crypt(Md5Crypt),
    ShaCrypt(ShaCryptHash),
}

/// Whether a password hash from elsewhere can be kept in the directory.
pub fn accept_hash(text: &str) -> Result<(), HashFault> {
    StoredHash::read(text).map(drop)
}

impl StoredHash {
    /// Reads a hash in any of the formats.
    pub(super) fn read(text: &str) -> Result<Self, HashFault> {
        // RFC 2307 and Dovecot name the scheme in front: `{CRYPT}$6$…`.
        let bare = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let text = match bare {
            Some((_, hash)) if hash.starts_with('$') => hash,
            Some((scheme, _)) => return Err(weak_scheme(scheme)),
            None => text,
        };
        match text.split_once('$') {
            Some(("", rest)) => by_crypt_id(text, rest),
            Some((name, rest)) => by_name(name, rest),
            None => Err(bare_fault(text)),
        }
    }

    /// Whether `password` is the one. Takes as long as the cost says.
    pub(super) fn matches(&self, password: &[u8], memory: &mut Vec<Block>) -> bool {
        match self {
            Self::Argon2(hash) => argon2id::matches(password, hash, memory),
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Derived(hash) => hash.matches(password),
            Self::Md5Crypt(hash) => hash.matches(password),
            Self::ShaCrypt(hash) => hash.matches(password),
        }
    }
}

/// `$id$…`: PHC strings, and those of crypt(5).
fn by_crypt_id(text: &str, rest: &str) -> Result<StoredHash, HashFault> {
    let (id, fields) = rest.split_once('$').ok_or(HashFault::Unknown)?;
    match id {
        "argon2id" | "argon2i" | "argon2d" => argon2(text),
        "2a" | "2b" | "2y" => Bcrypt::read(text, Prehash::None).map(StoredHash::Bcrypt),
        // crypt(5): `2` takes no notice of the length, `2x` marks hashes of a sign extension bug.
        "2" | "2x" => Err(HashFault::Weak("bcrypt of a faulty early version")),
        "1" | "apr1" => Md5Crypt::read(id, fields).map(StoredHash::Md5Crypt),
        "5" | "6" => ShaCryptHash::read(text, fields).map(StoredHash::ShaCrypt),
        "scrypt" => Derived::scrypt_phc(fields).map(StoredHash::Derived),
        _ => match id.strip_prefix("pbkdf2") {
            Some(digest) => Derived::pbkdf2_phc(digest, fields).map(StoredHash::Derived),
            None => Err(HashFault::Unknown),
        },
    }
}

/// `name$…`: Django's, and those of Werkzeug (Flask) with their parameters in the name.
fn by_name(name: &str, rest: &str) -> Result<StoredHash, HashFault> {
    match name {
        "argon2" => argon2(&format!("${rest}")),
        "bcrypt" => Bcrypt::read(rest, Prehash::None).map(StoredHash::Bcrypt),
        "bcrypt_sha256" => Bcrypt::read(rest, Prehash::Sha256Hex).map(StoredHash::Bcrypt),
        "scrypt" => Derived::scrypt_django(rest).map(StoredHash::Derived),
        "md5" | "sha1" | "sha256" | "sha512" | "unsalted_md5" | "unsalted_sha1" => {
            Err(HashFault::Weak("a plain MD5 or SHA"))
        }
        "crypt" => Err(HashFault::Weak(DES)),
        _ => {
            if let Some(digest) = name.strip_prefix("pbkdf2_") {
                Derived::pbkdf2_django(digest, rest).map(StoredHash::Derived)
            } else if let Some(options) = name.strip_prefix("pbkdf2:") {
                Derived::pbkdf2_werkzeug(options, rest).map(StoredHash::Derived)
            } else if let Some(options) = name.strip_prefix("scrypt:") {
                Derived::scrypt_werkzeug(options, rest).map(StoredHash::Derived)
            } else {
                Err(HashFault::Unknown)
            }
        }
    }
}

fn argon2(text: &str) -> Result<StoredHash, HashFault> {
    let hash = argon2id::readable(text)?;
    Ok(StoredHash::Argon2(Box::new(hash)))
}

/// `{SSHA}…` and the other schemes of directory servers.
fn weak_scheme(scheme: &str) -> HashFault {
    HashFault::Weak(match scheme.to_ascii_uppercase().as_str() {
        "SSHA" | "SHA" => "LDAP's and htpasswd's {SHA} or {SSHA}, one round of SHA-1,",
        "SSHA256" | "SSHA384" | "SSHA512" | "SHA256" | "SHA384" | "SHA512" => {
            "LDAP's {SSHA256} or its kin, one round of SHA-2,"
        }
        "MD5" | "SMD5" | "PLAIN-MD5" | "LDAP-MD5" => "LDAP's {MD5} or {SMD5}, one round of MD5,",
        "CLEAR" | "CLEARTEXT" | "PLAIN" => "a password in clear text",
        "CRYPT" => DES,
        _ => return HashFault::Unknown,
    })
}

/// Why a hash without any `$` is not taken.
fn bare_fault(text: &str) -> HashFault {
    let is_of = |is_one: fn(&u8) -> bool| text.bytes().all(|byte| is_one(&byte));
    let is_hex = is_of(u8::is_ascii_hexdigit);
    match text.len() {
        13 if is_of(|byte| byte.is_ascii_alphanumeric() || b"./".contains(byte)) => {
            HashFault::Weak(DES)
        }
        // Hexadecimal digits of MD5, SHA-1 and the SHA-2 family.
        32 | 40 | 64 | 96 | 128 if is_hex => HashFault::Weak("a plain MD5 or SHA"),
        _ => HashFault::Unknown,
    }
}

const DES: &str = "the DES hash of traditional crypt(3)";

#[cfg(test)]
mod tests;
