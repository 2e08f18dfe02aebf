//! How verifications go: durations, costs and throttles.

use super::Draft;
use crate::settings::raw::{
    RawArgon2, RawEmailSubjects, RawFirstEnrollment, RawLimit, RawThrottles, RawVerification,
};
use crate::verification::{
    EmailSubjects, FirstEnrollment, Limit, Limits, MAX_CODE_LIFE, MAX_MEMORY_KIB, MAX_WORK_KIB,
    PasswordCost, PasswordSettings, PasswordSource, VerificationSettings,
};
use crate::yaml::{Path, Size, Span};
use std::time::Duration;

/// What the section means.
pub(super) struct Verification {
    pub(super) settings: VerificationSettings,
    pub(super) passwords: PasswordSettings,
}

pub(super) fn compile(
    raw: Option<&RawVerification>,
    session_keep: Duration,
    draft: &mut Draft<'_>,
) -> Verification {
    let none = RawVerification::default();
    let raw = raw.unwrap_or(&none);
    let at = |field: &str| Path::root().key("verification").key(field);
    let default = VerificationSettings::default();
    let challenge_life = draft.span(
        raw.challenge_life,
        default.challenge_life,
        &at("challenge_life"),
    );
    let code_life = draft.span(
        raw.code_life,
        // A code is of no use after its challenge.
        default.code_life.min(challenge_life),
        &at("code_life"),
    );
    if code_life > MAX_CODE_LIFE {
        let message = format!("longer than {}, the most for a code", Span(MAX_CODE_LIFE));
        draft.file.report(at("code_life"), message);
    }
    let totp_skew = raw.totp_skew.unwrap_or(default.totp_skew);
    // RFC 6238 §5.2 recommends one step at most: each step more is one more code that a guess may
    // hit.
    if totp_skew > 1 {
        let message = format!("`{totp_skew}`: expected 0 or 1");
        draft.file.report(at("totp_skew"), message);
    }
    let email_subjects = match raw.email_subjects {
        Some(RawEmailSubjects::Trusted) => EmailSubjects::Trusted,
        Some(RawEmailSubjects::Ignored) | None => EmailSubjects::Ignored,
    };
    let first_enrollment = match raw.first_enrollment {
        Some(RawFirstEnrollment::EmailCode) => FirstEnrollment::EmailCode,
        Some(RawFirstEnrollment::Proof) | None => FirstEnrollment::Proof,
    };
    Verification {
        settings: VerificationSettings {
            challenge_life,
            code_life,
            totp_skew,
            limits: limits(raw.limits.as_ref(), draft),
            email_subjects,
            first_enrollment,
            device: raw.device.unwrap_or(default.device),
            device_interval: draft.span(
                raw.device_interval,
                default.device_interval,
                &at("device_interval"),
            ),
            grant_life: draft.span(raw.grant_life, default.grant_life, &at("grant_life")),
            session_keep,
            password_source: match raw.upstream_login {
                None => PasswordSource::Directory,
                Some(_) => PasswordSource::UpstreamLogin,
            },
            fresh: default.fresh,
        },
        passwords: passwords(raw.argon2.as_ref(), draft),
    }
}

fn passwords(raw: Option<&RawArgon2>, draft: &mut Draft<'_>) -> PasswordSettings {
    let none = RawArgon2::default();
    let raw = raw.unwrap_or(&none);
    let at = |field: &str| Path::root().key("verification").key("argon2").key(field);
    let default = PasswordSettings::default();
    let memory_kib = match raw.memory {
        None => default.cost.memory_kib,
        Some(Size(bytes))
            if bytes % 1024 == 0 && (8..=u64::from(MAX_MEMORY_KIB)).contains(&(bytes / 1024)) =>
        {
            u32::try_from(bytes / 1024).unwrap_or(default.cost.memory_kib)
        }
        Some(Size(bytes)) => {
            let message = format!("{bytes} bytes: expected `8KiB` to `2GiB`, in whole KiB");
            draft.file.report(at("memory"), message);
            default.cost.memory_kib
        }
    };
    let cost = PasswordCost {
        memory_kib,
        passes: draft.count32(raw.passes, default.cost.passes, &at("passes")),
        lanes: draft.count32(raw.lanes, default.cost.lanes, &at("lanes")),
    };
    if u64::from(cost.memory_kib) * u64::from(cost.passes) > MAX_WORK_KIB {
        let message = "more than `8GiB` of memory times passes: a check takes over ten seconds";
        draft.file.report(at("passes"), message);
    }
    // RFC 9106 §3.1: the memory is at least 8 KiB for each lane.
    if cost.lanes > 64 || u64::from(cost.memory_kib) < 8 * u64::from(cost.lanes) {
        let message = "at most 64 lanes, each with at least `8KiB` of memory";
        draft.file.report(at("lanes"), message);
    }
    let weakest = PasswordCost::default();
    // OWASP lists pairs of about equal work, with more passes for less memory.
    let work = |cost: PasswordCost| u64::from(cost.memory_kib) * u64::from(cost.passes);
    if work(cost) < work(weakest) {
        let message = "cheaper to guess than OWASP's minimum of `19MiB` and 2 passes";
        draft
            .file
            .warn(Path::root().key("verification").name("argon2"), message);
    }
    PasswordSettings {
        cost,
        threads: draft.count(raw.threads, default.threads, &at("threads")),
        queue: draft.count(raw.queue, default.queue, &at("queue")),
        deadline: draft.span(raw.deadline, default.deadline, &at("deadline")),
    }
}

fn limits(raw: Option<&RawThrottles>, draft: &mut Draft<'_>) -> Limits {
    let none = RawThrottles::default();
    let raw = raw.unwrap_or(&none);
    let section = Path::root().key("verification").key("limits");
    let at = |field: &str| section.key(field);
    let default = Limits::default();
    let mut limit = |raw: Option<RawLimit>, default: Limit, field: &str| {
        let at = section.key(field);
        let attempts = raw.and_then(|raw| raw.attempts);
        let window = raw.and_then(|raw| raw.window);
        Limit {
            attempts: draft.count32(attempts, default.attempts, &at.key("attempts")),
            window: draft.span(window, default.window, &at.key("window")),
        }
    };
    let session = limit(raw.session, default.session, "session");
    let session_total = limit(raw.session_total, default.session_total, "session_total");
    let address = default
        .address
        .map(|default| limit(raw.address, default, "address"));
    let codes = limit(raw.codes, default.codes, "codes");
    let codes_in_session = limit(
        raw.codes_in_session,
        default.codes_in_session,
        "codes_in_session",
    );
    let approvals = limit(raw.approvals, default.approvals, "approvals");
    let devices = limit(raw.devices, default.devices, "devices");
    let devices_in_session = limit(
        raw.devices_in_session,
        default.devices_in_session,
        "devices_in_session",
    );
    let factor = draft.count32(raw.factor, default.factor, &at("factor"));
    if factor > 100 {
        let message = format!("`{factor}`: at most 100 (NIST SP 800-63B-4 §3.2.2)");
        draft.file.report(at("factor"), message);
    }
    Limits {
        challenge: draft.count32(raw.challenge, default.challenge, &at("challenge")),
        session,
        session_total,
        address,
        factor,
        codes,
        codes_in_session,
        approvals,
        devices,
        devices_in_session,
        resend_after: draft.span(raw.resend_after, default.resend_after, &at("resend_after")),
    }
}
