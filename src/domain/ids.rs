//! Names and hashes: newtypes, so that no bare string or byte array crosses a module boundary.

use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, PartialOrd, Ord)]
        pub struct $name([u8; $len]);

        impl $name {
            /// How many bytes it has.
            pub const LEN: usize = $len;

            /// Takes the raw bytes.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Shows the raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Reads lower- or upper-case hexadecimal.
            pub fn from_hex(text: &str) -> Option<Self> {
                let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
                Some(Self(bytes.try_into().ok()?))
            }

            /// Writes lower-case hexadecimal.
            pub fn to_hex(self) -> String {
                data_encoding::HEXLOWER.encode(&self.0)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                // Some are hashes of what clients present: the time must not tell how much agrees.
                self.0.ct_eq(&other.0).into()
            }
        }

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Eight digits tell two apart in a log and are of no use to anyone else.
                let short = data_encoding::HEXLOWER.encode(&self.0[..4]);
                write!(f, concat!(stringify!($name), "({}…)"), short)
            }
        }
    };
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the name as it is; the caller has checked it.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// Shows the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

hash_id! {
    /// A session of the application: HMAC-SHA256 over all credentials that the client carries.
    SessionId, 32
}
hash_id! {
    /// Our own second key: HMAC-SHA256 over the value of the browser-key cookie.
    BrowserKeyHash, 32
}
hash_id! {
    /// What a single-use grant is bound to: SHA-256 over the request, or over its named fields.
    RequestDigest, 32
}
hash_id! {
    /// One challenge, random.
    ChallengeId, 16
}
hash_id! {
    /// What a value is kept under in the store: a keyed hash of what names it.
    KeptName, 32
}
hash_id! {
    /// One grant, random; it names the grant in the audit log and opens nothing.
    GrantId, 16
}
name_id! {
    /// The `id` of a route in a policy file.
    RouteId
}
name_id! {
    /// What a route does in the user's eyes, such as `account.delete`; grants are for actions.
    Action
}
name_id! {
    /// A user of our own directory (canonical spelling).
    UserId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_only_the_head_of_a_hash() {
        assert_eq!(
            format!("{:?}", SessionId::new([0xab; 32])),
            "SessionId(abababab…)"
        );
    }
}
