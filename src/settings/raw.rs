//! What may be written in `stepgate.yaml`. Plain types; what they mean is checked in `compile/`.
//!
//! Every field is named and explained in `examples/quickstart/stepgate.yaml`; a test sees to it.

use super::raw_brand::RawBrand;
use super::raw_client::RawClient;
use super::raw_forward_auth::RawForwardAuth;
use super::raw_identity::RawIdentity;
use super::raw_listen::RawListen;
use super::raw_oidc::RawOidc;
use super::raw_session::RawSession;
use super::raw_source::RawSource;
use super::raw_subject::RawSubject;
use super::raw_upstream_login::RawUpstreamLogin;
use crate::policy::{RawGraphQl, RawTest};
use crate::yaml::{OneOrMore, Size, Span, Table};
use serde::Deserialize;

/// The file
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSettings {
    pub(super) version: Option<i64>,
    pub(super) threads: Option<u64>,
    pub(super) listen: Option<OneOrMore<RawListen>>,
    pub(super) public_url: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) brand: Option<RawBrand>,
    pub(super) secret: Option<RawSource>,
    pub(super) previous_secret: Option<RawSource>,
    pub(super) upstream: Option<RawUpstream>,
    pub(super) trusted_proxies: Option<OneOrMore<String>>,
    pub(super) forward_auth: Option<RawForwardAuth>,
    pub(super) identity_headers: Option<OneOrMore<String>>,
    pub(super) limits: Option<RawLimits>,
    pub(super) deadlines: Option<RawDeadlines>,
    pub(super) client: Option<RawClient>,
    pub(super) cors_origins: Option<OneOrMore<String>>,
    pub(super) policies: Option<OneOrMore<String>>,
    pub(super) groups: Option<Table<OneOrMore<String>>>,
    pub(super) store: Option<RawStore>,
    pub(super) session: Option<RawSession>,
    pub(super) verification: Option<RawVerification>,
    pub(super) mail: Option<RawMail>,
    pub(super) audit: Option<RawAudit>,
    pub(super) admin: Option<RawAdmin>,
    pub(super) log: Option<RawLog>,
}

/// `upstream`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUpstream {
    pub(super) url: Option<String>,
    pub(super) ca: Option<String>,
    pub(super) connect: Option<Span>,
    pub(super) response: Option<Span>,
    pub(super) progress: Option<Span>,
    pub(super) request: Option<Span>,
    pub(super) keep_alive: Option<Span>,
    pub(super) tunnel_silence: Option<Span>,
    pub(super) max_connections: Option<u64>,
    pub(super) max_headers: Option<u64>,
    pub(super) forwarded: Option<RawForwarded>,
    pub(super) rewrite_urls: Option<RawRewriteUrls>,
    pub(super) headers: Option<RawHeaders>,
    pub(super) identity: Option<RawIdentity>,
    pub(super) accept: Option<RawAccept>,
}

/// `forwarded`
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum RawForwarded {
    #[serde(rename = "both")]
    Both,
    #[serde(rename = "rfc7239")]
    Rfc7239,
    #[serde(rename = "x-forwarded")]
    XForwarded,
}

/// `rewrite_urls`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawRewriteUrls {
    Pass,
    Proxies,
    Remove,
}

/// `upstream.headers`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHeaders {
    pub(super) pass: Option<OneOrMore<String>>,
    pub(super) remove: Option<OneOrMore<String>>,
}

/// `accept`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAccept {
    pub(super) backslashes: Option<bool>,
    pub(super) controls: Option<bool>,
    pub(super) dot_segments: Option<bool>,
    pub(super) fragments: Option<bool>,
    pub(super) invalid_utf8: Option<bool>,
    pub(super) malformed_escapes: Option<bool>,
    pub(super) raw_bytes: Option<bool>,
    pub(super) unicode_escapes: Option<bool>,
}

/// `limits`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) connections: Option<u64>,
    pub(super) connections_per_address: Option<u64>,
    pub(super) open_per_session: Option<u64>,
    pub(super) header_bytes: Option<Size>,
    pub(super) headers: Option<u64>,
    pub(super) streams: Option<u32>,
    pub(super) body: Option<Size>,
    pub(super) body_limit: Option<Size>,
}

/// `deadlines`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDeadlines {
    pub(super) handshake: Option<Span>,
    pub(super) header: Option<Span>,
    pub(super) body: Option<Span>,
    pub(super) progress: Option<Span>,
    pub(super) idle: Option<Span>,
    pub(super) drain: Option<Span>,
}

/// `store`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStore {
    pub(super) embedded: Option<RawEmbedded>,
    pub(super) redis: Option<RawRedis>,
}

/// `store.embedded`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEmbedded {
    pub(super) path: Option<String>,
    pub(super) deadline: Option<Span>,
}

/// `store.redis`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRedis {
    pub(super) url: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<RawSource>,
    pub(super) ca: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) deadline: Option<Span>,
    pub(super) connect: Option<Span>,
}

/// `session.learn`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLearn {
    pub(super) logins: Option<Vec<RawLogin>>,
    pub(super) logouts: Option<Vec<RawLogout>>,
}

/// An entry of `logins`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLogin {
    pub(super) r#match: Option<RawWatched>,
    pub(super) methods: Option<OneOrMore<String>>,
    pub(super) path: Option<String>,
    pub(super) query: Option<Table<RawTest>>,
    pub(super) headers: Option<Table<RawTest>>,
    pub(super) form: Option<Table<RawTest>>,
    pub(super) json: Option<Table<RawTest>>,
    pub(super) graphql: Option<RawGraphQl>,
    pub(super) subject: Option<RawSubject>,
    pub(super) success: Option<RawSuccess>,
    pub(super) token: Option<RawToken>,
}

/// `token`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawToken {
    pub(super) json: Option<String>,
    pub(super) header: Option<String>,
    pub(super) cookie: Option<String>,
    pub(super) scheme: Option<String>,
}

/// `success`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSuccess {
    pub(super) status: Option<OneOrMore<u16>>,
    pub(super) location: Option<String>,
    pub(super) cookie: Option<String>,
    pub(super) body: Option<String>,
    pub(super) not_body: Option<String>,
    pub(super) json: Option<Table<RawTest>>,
}

/// An entry of `logouts`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLogout {
    pub(super) r#match: Option<RawWatched>,
    pub(super) methods: Option<OneOrMore<String>>,
    pub(super) path: Option<String>,
    pub(super) query: Option<Table<RawTest>>,
    pub(super) headers: Option<Table<RawTest>>,
    pub(super) form: Option<Table<RawTest>>,
    pub(super) json: Option<Table<RawTest>>,
    pub(super) graphql: Option<RawGraphQl>,
}

/// The `match` of a login or logout
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWatched {
    pub(super) methods: Option<OneOrMore<String>>,
    pub(super) path: Option<String>,
    pub(super) query: Option<Table<RawTest>>,
    pub(super) headers: Option<Table<RawTest>>,
    pub(super) form: Option<Table<RawTest>>,
    pub(super) json: Option<Table<RawTest>>,
    pub(super) graphql: Option<RawGraphQl>,
}

/// `verification`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVerification {
    pub(super) challenge_life: Option<Span>,
    pub(super) code_life: Option<Span>,
    pub(super) grant_life: Option<Span>,
    pub(super) totp_skew: Option<u8>,
    pub(super) email_subjects: Option<RawEmailSubjects>,
    pub(super) first_enrollment: Option<RawFirstEnrollment>,
    pub(super) device: Option<bool>,
    pub(super) device_interval: Option<Span>,
    pub(super) argon2: Option<RawArgon2>,
    pub(super) passkeys: Option<RawPasskeys>,
    pub(super) upstream_login: Option<RawUpstreamLogin>,
    pub(super) oidc: Option<RawOidc>,
    pub(super) limits: Option<RawThrottles>,
}

/// `email_subjects`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawEmailSubjects {
    Ignored,
    Trusted,
}

/// `first_enrollment`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawFirstEnrollment {
    EmailCode,
    Proof,
}

/// `verification.argon2`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawArgon2 {
    pub(super) memory: Option<Size>,
    pub(super) passes: Option<u32>,
    pub(super) lanes: Option<u32>,
    pub(super) threads: Option<u64>,
    pub(super) queue: Option<u64>,
    pub(super) deadline: Option<Span>,
}

/// `verification.passkeys`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPasskeys {
    pub(super) rp_id: Option<String>,
}

/// `verification.limits`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawThrottles {
    pub(super) challenge: Option<u32>,
    pub(super) session: Option<RawLimit>,
    pub(super) session_total: Option<RawLimit>,
    pub(super) address: Option<RawLimit>,
    pub(super) factor: Option<u32>,
    pub(super) codes: Option<RawLimit>,
    pub(super) codes_in_session: Option<RawLimit>,
    pub(super) approvals: Option<RawLimit>,
    pub(super) devices: Option<RawLimit>,
    pub(super) devices_in_session: Option<RawLimit>,
    pub(super) resend_after: Option<Span>,
}

/// So many attempts in a window
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimit {
    pub(super) attempts: Option<u32>,
    pub(super) window: Option<Span>,
}

/// `mail`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMail {
    pub(super) smtp: Option<String>,
    pub(super) security: Option<RawSecurity>,
    pub(super) user: Option<String>,
    pub(super) password: Option<RawSource>,
    pub(super) ca: Option<String>,
    pub(super) helo: Option<String>,
    pub(super) from: Option<String>,
    pub(super) site: Option<String>,
    pub(super) timeout: Option<Span>,
    pub(super) patience: Option<Span>,
    pub(super) queue: Option<u64>,
    pub(super) connections: Option<u64>,
}

/// `mail.security`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawSecurity {
    Plain,
    StartTls,
    Tls,
}

/// `audit`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAudit {
    pub(super) target: Option<String>,
    pub(super) on_trouble: Option<RawOnTrouble>,
    pub(super) queue: Option<u64>,
}

/// `audit.on_trouble`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawOnTrouble {
    Drop,
    Refuse,
}

/// `admin`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAdmin {
    pub(super) listen: Option<String>,
    pub(super) drain_delay: Option<Span>,
}

/// `log`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    pub(super) format: Option<RawLogFormat>,
    pub(super) level: Option<String>,
}

/// `log.format`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawLogFormat {
    Auto,
    Json,
    Pretty,
}
