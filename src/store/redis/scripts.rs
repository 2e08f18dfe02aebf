//! What Redis runs for us in one piece: every operation of several steps is one script.

use redis::Script;
use std::sync::LazyLock;

/// A script, known to the server by its hash and sent in full only to a server that lost it.
#[derive(Debug)]
pub(super) struct Lua {
    pub(super) code: &'static str,
    hash: LazyLock<String>,
}

/// How a script is named to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// In full.
    Code,
    /// By its hash.
    Hash,
}

impl Lua {
    /// The command that runs it, and its first word.
    pub(super) fn spelled(&self, spelling: Spelling) -> [&str; 2] {
        match spelling {
            Spelling::Code => ["EVAL", self.code],
            Spelling::Hash => ["EVALSHA", &self.hash],
        }
    }
}

macro_rules! scripts {
    ($($name:ident = $file:literal,)*) => {
        $(pub(super) static $name: Lua = Lua {
            code: concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $file))),
            hash: LazyLock::new(|| Script::new($name.code).get_hash().to_owned()),
        };)*
    };
}

scripts! {
    COUNT_ATTEMPT = "count_attempt.lua",
    DISPUTE_SESSION = "dispute_session.lua",
    END_SESSION = "end_session.lua",
    EVIDENCE = "evidence.lua",
    USER = "user.lua",
    GIVE_BACK = "give_back.lua",
    USERS = "users.lua",
    LOCK_SESSION = "lock_session.lua",
    MOVE_SESSION = "move_session.lua",
    NOTE_FACTOR = "note_factor.lua",
    NOTE_PARTS = "note_parts.lua",
    PUT_LOGIN = "put_login.lua",
    PUT_USER = "put_user.lua",
    PUT_VERIFIED = "put_verified.lua",
    REMOVE_USER = "remove_user.lua",
    REVOKE_SESSION = "revoke_session.lua",
    ROTATE_SESSION = "rotate_session.lua",
    IS_SAME_SESSION = "is_same_session.lua",
    SWAP_USER = "swap_user.lua",
    TAKE_TOTP_STEP = "take_totp_step.lua",
    TAKE_CODE = "take_code.lua",
    TOUCH_SESSION = "touch_session.lua",
}
