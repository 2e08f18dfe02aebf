//! The names of all keys and fields in Redis.
//!
//! The keys of one session share the hash tag `{…}`, so that a Redis Cluster keeps them on one node.
//!
//! | Key | Type | Holds |
//! |---|---|---|
//! | `sg:s:{session}` | hash | `s` session, `p` its parts, `r` revoked until, `l` the first value of its cookie, `e` if the cookie was replaced, `w` if it kept everything when it got this value, `v` mark, grants ([`GrantField`]), `n:action` its last grant ([`LatestField`]), what waits for approval ([`WaitingField`]), `x:` + grant id for what was taken |
//! | `sg:l:{session}` | sorted set | all values that a session's cookie has had since this one, by when they were set |
//! | `sg:d:{session}:challenge` | string | the challenge was answered |
//! | `sg:i:subject` | sorted set | the sessions of a subject |
//! | `sg:revoked` | sorted set | revoked sessions by the end of their revocation |
//! | `sg:endings` | stream | sessions that were logged out or locked, by a letter of `endings::EndingCode` |
//! | `sg:n:key` | hash | a counter: `c` count, `u` until |
//! | `sg:f:{challenge}` | set | the factors shown for a challenge |
//! | `sg:k:{challenge}` | string | the code sent for a challenge |
//! | `sg:a:{challenge}` | hash | a request for approval, or that of a program: `q` what is asked, `d` what was decided, `u` if it was taken up |
//! | `sg:approvals` | sorted set | the requests that are not decided, by the end of each |
//! | `sg:t:user` | string | the last TOTP step taken |
//! | `sg:o:{name}` | set | values that are kept under a keyed hash: sign-ins under way at the identity provider, what they proved, and when that ended there |
//! | `sg:users`, `sg:aliases`, `sg:names` | hash | users by id; ids by alias; aliases by id |
//! | `sg:ping` | string | proof that writing works |

use crate::domain::{Action, ChallengeId, CounterKey, GrantKey, KeptName, SessionId, UserId};
use data_encoding::HEXLOWER;
use redis::{RedisWrite, ToRedisArgs};
use std::io::Write;
use std::sync::Arc;

/// The field of a session's hash that holds the session.
pub(crate) const SESSION_FIELD: &str = "s";
/// The field that holds the end of a revocation.
pub(crate) const REVOKED_FIELD: &str = "r";
/// The field that holds the first value of the session's cookie, where it had several.
pub(crate) const FIRST_FIELD: &str = "l";
/// The field that is set if the cookie was replaced.
pub(crate) const REPLACED_FIELD: &str = "e";
/// The field that holds the mark.
pub(crate) const MARK_FIELD: &str = "v";

/// All keys begin with one prefix, so that several installations can share a server.
#[derive(Clone, Debug)]
pub(crate) struct KeySpace {
    prefix: Arc<str>,
}

impl KeySpace {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    pub(crate) fn session<'a>(&'a self, id: &'a SessionId) -> SessionHashKey<'a> {
        SessionHashKey {
            prefix: &self.prefix,
            id,
        }
    }

    /// A glob pattern that matches the keys of all sessions, for `SCAN`; the prefix is escaped.
    pub(crate) fn session_pattern(&self) -> String {
        let mut pattern = String::new();
        for letter in self.prefix.chars() {
            if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern + "s:{*}"
    }

    /// The id in a session's key.
    pub(crate) fn session_of(&self, key: &[u8]) -> Option<SessionId> {
        let key = std::str::from_utf8(key).ok()?;
        let hex = key
            .strip_prefix(&*self.prefix)?
            .strip_prefix("s:{")?
            .strip_suffix('}')?;
        SessionId::from_hex(hex)
    }

    pub(crate) fn answered(&self, session: SessionId, challenge: ChallengeId) -> String {
        format!(
            "{}d:{{{}}}:{}",
            self.prefix,
            session.to_hex(),
            challenge.to_hex()
        )
    }

    pub(crate) fn subject(&self, subject: &str) -> String {
        format!("{}{subject}", self.subjects())
    }

    /// What the keys of all subjects begin with.
    pub(crate) fn subjects(&self) -> String {
        self.named("i:")
    }

    pub(crate) fn counter(&self, key: &CounterKey) -> String {
        format!("{}n:{}", self.prefix, key.as_str())
    }

    pub(crate) fn factors(&self, challenge: ChallengeId) -> String {
        format!("{}f:{{{}}}", self.prefix, challenge.to_hex())
    }

    pub(crate) fn code(&self, challenge: ChallengeId) -> String {
        format!("{}k:{{{}}}", self.prefix, challenge.to_hex())
    }

    pub(crate) fn approval(&self, id: ChallengeId) -> String {
        format!("{}{{{}}}", self.approval_prefix(), id.to_hex())
    }

    /// What the keys of all requests for approval begin with.
    pub(crate) fn approval_prefix(&self) -> String {
        self.named("a:")
    }

    /// The requests for approval that are not decided.
    pub(crate) fn approvals(&self) -> String {
        self.named("approvals")
    }

    pub(crate) fn totp(&self, user: &UserId) -> String {
        format!("{}t:{user}", self.prefix)
    }

    pub(crate) fn kept(&self, name: KeptName) -> String {
        format!("{}o:{{{}}}", self.prefix, name.to_hex())
    }

    pub(crate) fn revoked(&self) -> String {
        self.named("revoked")
    }

    /// The stream of sessions that ended otherwise, trimmed to the latest.
    pub(crate) fn endings(&self) -> String {
        self.named("endings")
    }

    /// The channel on which revocations are announced, and that there is a new ending.
    pub(crate) fn revocations(&self) -> String {
        self.named("revocations")
    }

    pub(crate) fn users(&self) -> String {
        self.named("users")
    }

    pub(crate) fn aliases(&self) -> String {
        self.named("aliases")
    }

    pub(crate) fn names(&self) -> String {
        self.named("names")
    }

    pub(crate) fn ping(&self) -> String {
        self.named("ping")
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// The key of one session, written into the command without a string in between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionHashKey<'a> {
    prefix: &'a str,
    id: &'a SessionId,
}

impl Pieces for SessionHashKey<'_> {
    fn with_pieces(&self, take: impl FnOnce(&[&[u8]])) {
        let hex = hex(self.id.as_bytes());
        take(&[self.prefix.as_bytes(), b"s:{", &hex, b"}"]);
    }
}

/// The field of a grant, in Redis and in the embedded store alike: `g:action`,
/// `gb:digest:action`, and for single use `o:action`, `ob:digest:action`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrantField<'a>(pub(crate) &'a GrantKey);

impl GrantField<'_> {
    /// Whether a field is one of a grant that counts as evidence.
    pub(crate) fn is_one(field: &[u8]) -> bool {
        let kinds: [&[u8]; 4] = [b"g:", b"gb:", b"o:", b"ob:"];
        kinds.iter().any(|kind| field.starts_with(kind))
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::new();
        self.with_pieces(|pieces| out = pieces.concat());
        out
    }
}

impl Pieces for GrantField<'_> {
    fn with_pieces(&self, take: impl FnOnce(&[&[u8]])) {
        let action = self.0.action.as_str().as_bytes();
        // A grant for one use is not found where any use is asked for, nor the other way round.
        let kind: &[u8] = match (self.0.single_use, self.0.binding.is_some()) {
            (false, false) => b"g:",
            (false, true) => b"gb:",
            (true, false) => b"o:",
            (true, true) => b"ob:",
        };
        match &self.0.binding {
            None => take(&[kind, action]),
            Some(digest) => {
                let hex = hex(digest.as_bytes());
                take(&[kind, &hex, b":", action]);
            }
        }
    }
}

/// The field of the last grant for an action, which stays when that is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatestField<'a>(pub(crate) &'a Action);

impl LatestField<'_> {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [b"n:", self.0.as_str().as_bytes()].concat()
    }
}

impl Pieces for LatestField<'_> {
    fn with_pieces(&self, take: impl FnOnce(&[&[u8]])) {
        take(&[b"n:", self.0.as_str().as_bytes()]);
    }
}

/// The field of a grant that waits for an approval. No evidence is read from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitingField(pub(crate) ChallengeId);

impl WaitingField {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        format!("a:{}", self.0.to_hex()).into_bytes()
    }
}

/// A name that is written in pieces, without a string in between.
pub(crate) trait Pieces {
    /// Passes the pieces to `take`, in order.
    fn with_pieces(&self, take: impl FnOnce(&[&[u8]]));
}

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    let mut out = [0; 64];
    HEXLOWER.encode_mut(bytes, &mut out);
    out
}

macro_rules! written_in_pieces {
    ($($name:ident)*) => {
        $(impl ToRedisArgs for $name<'_> {
            fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
                let mut writer = out.writer_for_next_arg();
                self.with_pieces(|pieces| {
                    for piece in pieces {
                        // Writing to memory cannot fail.
                        let _ = writer.write_all(piece);
                    }
                });
            }
        })*
    };
}

written_in_pieces! { SessionHashKey GrantField LatestField }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RequestDigest;

    #[test]
    fn all_keys_of_a_session_share_a_hash_tag() {
        let (space, id) = (KeySpace::new("sg:"), SessionId::new([0xab; 32]));
        let tag = |key: &str| {
            let start = key.find('{').unwrap();
            key[start..=key.find('}').unwrap()].to_owned()
        };
        let key = String::from_utf8(space.session(&id).to_redis_args().remove(0)).unwrap();
        assert_eq!(tag(&key), format!("{{{}}}", id.to_hex()));
        assert_eq!(
            tag(&space.answered(id, ChallengeId::new([1; 16]))),
            tag(&key)
        );
        assert_eq!(space.session_of(key.as_bytes()), Some(id));
        assert_eq!(space.session_of(b"sg:s:{short}"), None);
    }

    #[test]
    fn grants_of_different_keys_are_filed_apart() {
        let digest = "ab".repeat(32);
        let key = |action: &str, bound: bool, single_use| GrantKey {
            action: Action::new(action),
            binding: bound.then(|| RequestDigest::new([0xab; 32])),
            single_use,
        };
        let sly = format!("{digest}:a");
        let keys = [
            key("a", false, false),
            key("a", false, true),
            key("a", true, false),
            key("a", true, true),
            key(&sly, false, false),
            key(&sly, false, true),
        ];
        let mut fields: Vec<_> = keys.iter().map(|key| GrantField(key).to_bytes()).collect();
        assert_eq!(fields[3], format!("ob:{digest}:a").into_bytes());
        fields.sort();
        fields.dedup();
        assert_eq!(fields.len(), keys.len());
    }

    #[test]
    fn a_prefix_stands_for_itself_in_a_scan() {
        assert_eq!(KeySpace::new("a*[b]:").session_pattern(), r"a\*\[b\]:s:{*}");
    }
}
