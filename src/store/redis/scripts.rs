//! Lua scripts: an operation of several steps is one script, which Redis runs atomically.

use redis::Script;
use std::sync::OnceLock;

/// A script; called by its SHA-1, and sent in full only to a server that does not have it.
#[derive(Debug)]
pub(super) struct LuaScript {
    pub(super) code: &'static str,
    hash: OnceLock<String>,
}

/// How a command names a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScriptRef {
    /// In full.
    Source,
    /// By its SHA-1.
    Hash,
}

impl LuaScript {
    pub(super) const fn new(code: &'static str) -> Self {
        let hash = OnceLock::new();
        Self { code, hash }
    }

    /// The command that runs it, and the first argument.
    pub(super) fn command(&self, by: ScriptRef) -> [&str; 2] {
        match by {
            ScriptRef::Source => ["EVAL", self.code],
            ScriptRef::Hash => {
                let hash = || Script::new(self.code).get_hash().to_owned();
                ["EVALSHA", self.hash.get_or_init(hash)]
            }
        }
    }
}

/// The script of an operation: `lua/NAME.lua`, after the functions that several scripts share.
macro_rules! script {
    ($name:ident) => {{
        use $crate::store::redis::scripts::LuaScript;
        static SCRIPT: LuaScript = LuaScript::new(concat!(
            include_str!("lua/prelude.lua"),
            include_str!(concat!("lua/", stringify!($name), ".lua"))
        ));
        &SCRIPT
    }};
}
pub(super) use script;

/// Every guarded request with a single-use grant runs it: loaded as soon as a connection is made.
pub(super) static EVIDENCE: &LuaScript = script!(evidence);
