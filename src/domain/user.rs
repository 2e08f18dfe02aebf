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
    /// The password, as a PHC string.
    pub password: Option<Secret<String>>,
    /// The TOTP secret, sealed; the store cannot read it.
    pub totp: Option<Vec<u8>>,
    /// When the entry was made.
    pub created_at: Timestamp,
}
