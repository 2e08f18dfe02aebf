//! A user of our own directory.

use super::{Secret, Timestamp, UserId};

/// What the directory knows of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The canonical name, the subject's own.
    pub id: UserId,
    /// Other names the application may use for the same user, canonical too.
    pub aliases: Vec<UserId>,
    /// Where codes are sent.
    pub email: Option<String>,
    /// The hash of the password: a PHC string, or what another program wrote.
    pub password: Option<Secret<String>>,
    /// The TOTP secret, sealed; the store cannot read it.
    pub totp: Option<Vec<u8>>,
    /// What else is enrolled, in the order of the record. What a later version keeps of a user is
    /// here too, so that no edit by this version loses it.
    pub credentials: Vec<Credential>,
    /// When the entry was made.
    pub created_at: Timestamp,
}

/// One credential of a user, as the factor of its kind wrote it. A kind may occur more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The word of the factor; this version need not know it.
    pub kind: String,
    /// What is needed to check an answer.
    pub data: Secret<Vec<u8>>,
}

impl User {
    /// A user with nothing enrolled.
    pub const fn new(id: UserId, created_at: Timestamp) -> Self {
        Self {
            id,
            aliases: Vec::new(),
            email: None,
            password: None,
            totp: None,
            credentials: Vec::new(),
            created_at,
        }
    }
}
