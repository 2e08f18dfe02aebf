//! The JSON of `GET status`.

use super::device::DevicePlaces;
use super::words::{FactorWord, ReasonWord};
use schemars::JsonSchema;
use serde::Serialize;

/// The answer to `GET status`.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct StatusResponse {
    /// The highest level that the session opens by itself now: 0, or 2 while it is fresh.
    #[schemars(range(max = 4))]
    pub level: u8,
    /// What was shown for that.
    #[schemars(with = "Vec<FactorWord>")]
    pub methods: Vec<&'static str>,
    /// When the subject was last seen to sign in.
    #[schemars(extend("format" = "date-time"))]
    pub authenticated_at: Option<String>,
    /// When the subject last verified.
    #[schemars(extend("format" = "date-time"))]
    pub verified_at: Option<String>,
    /// When the freshness ends.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: Option<String>,
    /// What is opened beside that, by action and the time at which it ends.
    pub grants: Vec<GrantView>,
    /// What `?method=&path=` asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteStatus>,
}

/// A grant that the session holds, and that some route would take now.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct GrantView {
    /// What it is for.
    pub action: String,
    /// The level that it was earned at.
    #[schemars(range(max = 4))]
    pub level: u8,
    /// What was shown for it.
    #[schemars(with = "Vec<FactorWord>")]
    pub methods: Vec<&'static str>,
    /// Whether it is for one request or certain values alone.
    pub bound: bool,
    /// Whether the first request spends it.
    pub single_use: bool,
    /// When it was earned.
    #[schemars(extend("format" = "date-time"))]
    pub granted_at: String,
    /// When it ends, by the policy in force.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
}

/// What a request to a route would meet.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct RouteStatus {
    /// Whether any route matches.
    pub guarded: bool,
    /// Whether a request would be forwarded now.
    pub satisfied: bool,
    /// What it must meet.
    #[serde(flatten)]
    pub needs: RouteNeeds,
    /// Why it would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ReasonWord>")]
    pub reason: Option<&'static str>,
}

/// What a request must meet.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct RouteNeeds {
    /// The strictest action that is not satisfied, or that matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Its level.
    #[schemars(range(max = 4))]
    pub level: u8,
    /// What it accepts of what the subject can show: any one of these lists, each of which must be complete.
    #[schemars(with = "Vec<Vec<FactorWord>>")]
    pub factors: Vec<Vec<&'static str>>,
    /// The phrase to be typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// How many seconds a proof counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Whether it counts once.
    pub single_use: bool,
    /// Whether somebody else must approve.
    pub approval: bool,
    /// Where the proof can be given for a program that brings what the caller brings; missing where it must be given in
    /// the session itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DevicePlaces>,
}
