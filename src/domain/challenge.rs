//! A step-up under way, as it stands in the sealed token that the client carries.

use super::{
    BrowserKeyHash, ChallengeId, Demand, LocalPath, RouteId, SessionId, Subject, Timestamp,
};

/// Opens with a refusal, ends in a grant. A refusal writes nothing: all of this is in the token.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Names it; the store counts attempts under this once somebody answers.
    pub id: ChallengeId,
    /// The session that was refused.
    pub session: SessionId,
    /// Its subject; the factor is always checked for this one.
    pub subject: Subject,
    /// The browser that was refused, if it had a key.
    pub browser_key: Option<BrowserKeyHash>,
    /// Whether the session was that browser's, or no browser's yet.
    pub in_own_session: bool,
    /// The route that was not satisfied.
    pub route: RouteId,
    /// What it demands of the request.
    pub demand: Demand,
    /// What the person is shown of the request: label and value.
    pub shown: Vec<(String, String)>,
    /// Where to go afterwards.
    pub return_to: ReturnTarget,
    /// The request of a program that its answer approves, in place of earning anything here (RFC 8628).
    pub device: Option<ChallengeId>,
    /// Where the person was, to go back to instead.
    pub back: Option<LocalPath>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Where a person goes after verifying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnTarget {
    /// The client repeats its own call; there is nowhere to go.
    Caller,
    /// A form is carried by the prompt page, for this path and query.
    Form(LocalPath),
    /// A page of the application.
    Path(LocalPath),
    /// The page of a form that could not be carried: it has to be filled in again.
    Refill(LocalPath),
}
