//! The rules of step-up authentication: pure functions from values to values, without I/O.
//!
//! No I/O, no clock, no async, no serde here, so nothing here can fail for a reason that is
//! not in its arguments. Time arrives as a [`Timestamp`], evidence arrives as [`Evidence`], and the
//! one question that matters is answered by [`decide`].

mod approval;
mod binding;
mod body;
mod bytes;
mod challenge;
mod client_network;
mod color;
mod cookie;
mod credential;
mod decide;
mod display_name;
mod evidence;
mod factor;
mod grant;
mod host;
mod ids;
mod inline;
mod level;
mod local_path;
mod login_fields;
mod method;
mod naming;
mod occurrence;
mod parameters;
mod path;
mod percent;
mod provenance;
mod reason;
mod request;
mod requirement;
mod route;
mod secret;
mod secret_name;
mod session;
mod subject;
mod table;
mod throttle;
mod time;
mod title;
mod user;
mod user_agent;
mod user_code;
mod value;
mod watched;
mod watched_path;
mod whole_regex;

pub use approval::{ApprovalRule, Approver, Groups, PurposeRule, StatedPurpose};
pub use binding::{binding_parts, needs_body, only_value, reads_body, rests_on_body, values};
pub use body::{Body, BodyRefusal, FormFields, announces_form, answer_denies, answer_shows};
pub(crate) use bytes::{ByteReader, ByteWriter};
pub use challenge::{Challenge, ReturnTarget};
pub use client_network::ClientNetwork;
pub use color::Color;
pub use cookie::{CookieName, CookieNameError, CookiePath};
pub(crate) use cookie::{NameEnding, chunk_lengths, may_follow};
pub use credential::{Credential, CredentialEntry};
pub use decide::{Demand, Met, Proof, Unmet, Verdict, decide, unmet};
pub use display_name::DisplayName;
pub use evidence::{Evidence, Mark, SessionState};
pub use factor::{Alternatives, Factor, FactorSet, UnknownFactor};
pub use grant::{Claim, Grant, GrantKey};
pub use host::{Authority, Origin};
pub use ids::{
    Action, BrowserKeyHash, ChallengeId, GrantId, KeptName, RequestDigest, RouteId, SessionId,
    UserId,
};
pub use inline::Inline;
pub use level::{LevelOutOfRange, RiskLevel};
pub use local_path::LocalPath;
pub use login_fields::{carries_secret, is_passive, may_stand_in_list, shows_secret};
pub use method::{Method, MethodSet, UnknownMethod};
pub use naming::{LetterCase, Naming, NormalForm};
pub(crate) use parameters::{same_key, splits};
use path::captures_folded;
pub use path::{Accept, Ambiguous, Leniency, MAX_READINGS, RequestPath, Template, TemplateError};
pub(crate) use path::{digit_of, is_ignorable};
pub(crate) use percent::{hex_byte, undo_odd_escapes};
pub use provenance::Provenance;
pub use reason::{Actor, Reason, ReasonKind};
pub use request::{RequestHead, RequestLine, claimed_methods, only_line, overrides_method};
pub use requirement::{Binding, Enforcement, Field, Requirement, Scope};
pub use route::{
    BodyMatcher, DefaultAction, Exception, HostPattern, Matcher, PathPattern, Reading, Route,
    ValueTest,
};
pub use secret::Secret;
pub use secret_name::is_secret_name;
pub use session::{Owner, Session, StoredSession};
pub use subject::Subject;
pub use table::{
    Applicability, Captures, Explained, FoundRoutes, Match, MatchPart, RouteTable, TableError,
};
pub use throttle::{AttemptCount, Counter, CounterKey};
pub use time::Timestamp;
pub use title::Title;
pub use user::User;
pub use user_code::{NoUserCode, UserCode};
pub use watched::{
    Standing, Watched, asks_for_page, cookie_says_otherwise, cookies_log_in,
    has_too_many_parameters,
};
pub use watched_path::WatchedPath;
pub use whole_regex::WholeRegex;
