//! What Redis runs for us in one piece: every operation of several steps is one script.

use redis::Script;
use std::sync::OnceLock;

/// A script, known to the server by its hash and sent in full only to a server that lost it.
#[derive(Debug)]
pub(super) struct Lua {
    pub(super) code: &'static str,
    hash: OnceLock<String>,
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
    pub(super) const fn new(code: &'static str) -> Self {
        let hash = OnceLock::new();
        Self { code, hash }
    }

    /// The command that runs it, and its first word.
    pub(super) fn spelled(&self, spelling: Spelling) -> [&str; 2] {
        match spelling {
            Spelling::Code => ["EVAL", self.code],
            Spelling::Hash => {
                let hash = || Script::new(self.code).get_hash().to_owned();
                ["EVALSHA", self.hash.get_or_init(hash)]
            }
        }
    }
}

/// The script of an operation: `lua/NAME.lua` with what several of them need before it.
macro_rules! script {
    ($name:ident) => {{
        use $crate::store::redis::scripts::Lua;
        static SCRIPT: Lua = Lua::new(concat!(
            include_str!("lua/prelude.lua"),
            include_str!(concat!("lua/", stringify!($name), ".lua"))
        ));
        &SCRIPT
    }};
}
pub(super) use script;

/// The one script on the way of requests: loaded as soon as a connection is made.
pub(super) static EVIDENCE: &Lua = script!(evidence);
