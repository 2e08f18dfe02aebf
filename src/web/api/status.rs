//! The JSON of `GET status`.

use serde::Serialize;

/// The answer to `GET status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusResponse {
    /// The highest level that the session opens by itself now: 0, or 2 while it is fresh.
    pub level: u8,
    /// What was shown for that.
    pub methods: Vec<&'static str>,
    /// When the subject was last seen to sign in.
    pub authenticated_at: Option<String>,
    /// When the subject last verified.
    pub verified_at: Option<String>,
    /// When the freshness ends.
    pub expires_at: Option<String>,
    /// What `?method=&path=` asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteStatus>,
}

/// What a request to a route would meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteStatus {
    /// Whether any route matches.
    pub guarded: bool,
    /// Whether a request would be forwarded now.
    pub satisfied: bool,
    /// The strictest action that is not satisfied, or that matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Its level.
    pub level: u8,
    /// What it accepts.
    pub factors: Vec<Vec<&'static str>>,
    /// Why it would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}
