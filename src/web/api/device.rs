//! The JSON of proofs that are given elsewhere, in the names of RFC 8628.

use super::fields::{secret, shown_secret};
use super::rfc3339;
use crate::domain::Secret;
use crate::locale::visible;
use crate::verification::{DeviceOffer, DevicePoll, DeviceView};
use crate::web::pages::Site;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a program needs to have its proof given elsewhere (RFC 8628 §3.2).
#[derive(Debug, JsonSchema, Serialize)]
pub struct DeviceFields {
    /// What it polls with.
    #[serde(serialize_with = "shown_secret")]
    #[schemars(with = "String")]
    pub device_code: Secret<String>,
    /// What its owner compares, or types.
    pub user_code: String,
    /// The page on which they do.
    pub verification_uri: String,
    /// The same with the code, to be opened or shown as a QR code.
    pub verification_uri_complete: String,
    /// How many seconds both codes count.
    pub expires_in: u64,
    /// How many seconds to wait between two polls.
    pub interval: u64,
    /// Where it polls.
    pub token_endpoint: String,
}

/// Where a program has its proof given, once a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct DevicePlaces {
    /// The page on which its owner proves it.
    pub verification_uri: String,
    /// Where it polls.
    pub token_endpoint: String,
}

/// The same for npm, in its names (npm-profile, `webAuthOpener`).
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NpmFields {
    /// The page on which its owner proves it.
    pub auth_url: String,
    /// Where it polls.
    #[serde(serialize_with = "shown_secret")]
    #[schemars(with = "String")]
    pub done_url: Secret<String>,
}

/// The answer to a poll of npm, once it is approved.
#[derive(Debug, JsonSchema, Serialize)]
pub struct NpmDone {
    /// The browser key, which npm sends where it would send a code.
    #[serde(serialize_with = "shown_secret")]
    #[schemars(with = "String")]
    pub token: Secret<String>,
}

/// The answer to a poll of npm that was the last.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct NpmOver {
    /// Why, for the person in front of it.
    pub error: String,
    /// The same in the word of RFC 8628.
    pub code: &'static str,
}

/// `POST device/token` (RFC 8628 §3.4).
#[derive(Debug, JsonSchema, Deserialize)]
pub struct DeviceTokenRequest {
    /// [`DEVICE_GRANT_TYPE`].
    #[serde(default)]
    pub grant_type: String,
    /// What was given with the refusal.
    #[serde(default = "nothing", deserialize_with = "secret")]
    #[schemars(with = "String")]
    pub device_code: Secret<String>,
}

/// The one `grant_type` of `device/token`.
pub const DEVICE_GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Why there is nothing to take up (RFC 6749 §5.2, RFC 8628 §3.5).
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct DeviceError {
    /// The word for it.
    pub error: &'static str,
    /// The same for whoever writes the program.
    pub error_description: &'static str,
    /// How many seconds to wait before the next poll, where there should be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
}

/// `POST device`: the owner of the account has seen what a program asks for.
#[derive(Debug, JsonSchema, Deserialize)]
pub struct DeviceDecisionRequest {
    /// The code that names the request.
    pub user_code: String,
    /// `approve`, which asks for the proof, or `deny`.
    pub decision: String,
}

/// The request of a program, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct DeviceDocument {
    /// The code that the program shows as well.
    pub user_code: String,
    /// `pending`, `approved`, `denied` or `void`.
    pub state: &'static str,
    /// The action.
    pub action: String,
    /// What that is called.
    pub title: String,
    /// How dangerous it is, 1 to 4.
    pub level: u8,
    /// Method and target of the request that was refused.
    pub request: (String, String),
    /// What the grant will be bound to: label and value.
    pub bound: Vec<(String, String)>,
    /// The address that it came from.
    pub from: String,
    /// What the program says it is.
    pub program: String,
    /// When it was refused.
    pub asked_at: String,
    /// When it can no longer be approved, nor taken up.
    pub expires_at: String,
}

impl DevicePlaces {
    /// Under the origin that a program sees us at.
    pub fn new(origin: &str, site: &Site) -> Self {
        let page = format!("{origin}{}/device", site.prefix);
        Self {
            token_endpoint: format!("{page}/token"),
            verification_uri: page,
        }
    }
}

impl DeviceFields {
    /// What a program is given.
    pub fn new(offer: DeviceOffer, places: DevicePlaces) -> Self {
        let page = places.verification_uri;
        Self {
            device_code: offer.device_code,
            user_code: offer.user_code.to_string(),
            verification_uri_complete: format!("{page}?user_code={}", offer.user_code),
            token_endpoint: places.token_endpoint,
            verification_uri: page,
            expires_in: offer.expires_in.as_secs(),
            interval: whole_seconds(offer.interval),
        }
    }

    /// The same for a program that polls as npm does.
    pub fn for_npm(&self) -> NpmFields {
        let (page, code) = (&self.verification_uri, self.device_code.expose());
        NpmFields {
            auth_url: self.verification_uri_complete.clone(),
            done_url: Secret::new(format!("{page}/done?device_code={code}")),
        }
    }

    /// What a program that shows text alone can tell whoever runs it: where to go, and which code to find there.
    pub fn told(&self, site: &Site) -> String {
        (site.texts().device).told(&self.verification_uri_complete, &self.user_code)
    }
}

impl DeviceError {
    /// The answer to a poll that takes nothing up; `None` for one that does, or that was barred.
    pub fn of(poll: &DevicePoll, interval: Duration) -> Option<Self> {
        let (error, error_description, wait) = match poll {
            DevicePoll::Barred(_) | DevicePoll::Granted(_) => return None,
            DevicePoll::Denied => ("access_denied", "the owner of the account said no", None),
            DevicePoll::Expired => (
                "expired_token",
                "the code has expired or was used, or a session that it rests on has ended: repeat the call",
                None,
            ),
            DevicePoll::Pending => (
                "authorization_pending",
                "the owner of the account has not decided yet",
                Some(interval),
            ),
            // RFC 8628 §3.5: five seconds more from now on.
            DevicePoll::SlowDown => (
                "slow_down",
                "this poll came too soon after the one before",
                Some(interval + Duration::from_secs(5)),
            ),
            DevicePoll::Unknown => (
                "invalid_grant",
                "this is no device code of this session",
                None,
            ),
        };
        Some(Self {
            error,
            error_description,
            interval: wait.map(whole_seconds),
        })
    }

    /// For a call that is no poll at all.
    pub const fn malformed(error: &'static str, error_description: &'static str) -> Self {
        Self {
            error,
            error_description,
            interval: None,
        }
    }
}

impl DeviceDocument {
    /// Shows a request to the owner of the account.
    pub fn of(view: &DeviceView, site: &Site) -> Self {
        Self {
            user_code: view.user_code.to_string(),
            state: view.state.as_str(),
            action: view.action.to_string(),
            title: view.title.in_language(site.locale.as_str()).to_owned(),
            level: view.level.number(),
            request: view.asker.request.clone(),
            bound: view.shown.clone(),
            from: view.asker.address.to_string(),
            program: visible(&view.asker.agent),
            asked_at: rfc3339(view.asked_at),
            expires_at: rfc3339(view.expires_at),
        }
    }
}

/// Rounded up: a moment too early, a poll would be refused.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

fn nothing() -> Secret<String> {
    Secret::new(String::new())
}
