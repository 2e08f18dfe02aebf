//! Why a password hash is not taken.

/// Why a password hash is not taken. No message holds any of the hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashFault {
    /// A check would take too long, or too much memory.
    #[error("its {what} is {found}, and a check of more than {most} would take too long")]
    Costly {
        /// What is too high.
        what: &'static str,
        /// How high it is.
        found: u64,
        /// The most that is taken.
        most: u64,
    },
    /// It begins like a hash of this kind, and is none.
    #[error("it begins like {0}, and the rest is no such hash: it may have been cut off")]
    Malformed(&'static str),
    /// None of the formats that are read.
    #[error(
        "its format is not known; expected argon2, bcrypt, scrypt, PBKDF2, SHA-crypt or MD5-crypt, \
         as PHC strings, or as Django, Werkzeug and htpasswd write them. A plain password is taken \
         from no file: `stepgate user passwd` sets one"
    )]
    Unknown,
    /// Guessed within hours by whoever gets a copy of it.
    #[error(
        "{0} is too weak to be kept: most passwords are found within hours from a copy of it; \
         leave the hash away, and set a new password (`stepgate user passwd`)"
    )]
    Weak(&'static str),
}

/// Refuses a cost that is too high.
pub(super) fn bounded(what: &'static str, found: u64, most: u64) -> Result<(), HashFault> {
    if found > most {
        return Err(HashFault::Costly { what, found, most });
    }
    Ok(())
}
