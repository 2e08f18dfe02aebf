//! The JSON of `sessions`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to `GET sessions`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SessionsResponse {
    /// The subject's sessions: this one first, then the newest.
    pub sessions: Vec<OwnSessionView>,
}

/// One session. Times are in UTC, as RFC 3339 writes them.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct OwnSessionView {
    /// Names it in `POST sessions/revoke`; none for this one, which signs out.
    pub session: Option<String>,
    /// Whether the call was made in it.
    pub current: bool,
    /// The browser or program, such as `Firefox`.
    pub browser: Option<String>,
    /// The system, such as `Windows`.
    pub system: Option<String>,
    /// The address that it was begun from.
    pub address: Option<String>,
    /// The page at which its subject signed in.
    pub place: Option<String>,
    /// When its subject was last seen to sign in to it.
    #[schemars(extend("format" = "date-time"))]
    pub signed_in_at: Option<String>,
    /// When it was first seen.
    #[schemars(extend("format" = "date-time"))]
    pub first_seen_at: String,
    /// When it was last used; known where `session.idle` is set.
    #[schemars(extend("format" = "date-time"))]
    pub last_used_at: Option<String>,
    /// Until when it opens levels 1 and 2, by a proof or a fresh sign-in.
    #[schemars(extend("format" = "date-time"))]
    pub verified_until: Option<String>,
}

/// `POST sessions/revoke`: one of the two.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct RevokeRequest {
    /// One of the sessions that `GET sessions` told.
    #[serde(default)]
    pub session: Option<String>,
    /// All but this one.
    #[serde(default)]
    pub others: bool,
}

/// The answer to `POST sessions/revoke`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct RevokeResponse {
    /// How many sessions ended by this call.
    pub ended: usize,
}

/// The answer to `POST sessions/lock`.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LockAllResponse {
    /// In how many sessions all that was proved is dropped.
    pub locked: usize,
}
