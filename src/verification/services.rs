//! The services and settings that all verifiers share.

use super::directory::EmailSubjects;
use super::factors::RelyingParty;
use super::oidc::OidcProvider;
use super::password_hash::PasswordChecker;
use super::throttle::Limits;
use super::trial::PasswordSource;
use crate::audit::Audit;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::mail::Mailer;
use crate::seal::Keys;
use std::sync::Arc;
use std::time::Duration;

/// What begins the first enrollment of somebody who has nothing set up that does not rest on a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstEnrollment {
    /// A code by mail to the address that the directory, or a source of the session, has of them.
    EmailCode,
    /// A code that an operator hands out.
    #[default]
    Proof,
}

/// The settings of verification.
#[derive(Clone, Copy, Debug)]
pub struct VerificationSettings {
    /// How long a challenge is valid.
    pub challenge_life: Duration,
    /// How long a code is valid, at most [`MAX_CODE_LIFE`](super::MAX_CODE_LIFE) and the challenge.
    pub code_life: Duration,
    /// How many TOTP steps before and after the present one are accepted, 0 or 1 (RFC 6238 §5.2).
    pub totp_skew: u8,
    /// The limits of attempts and codes.
    pub limits: Limits,
    /// Whether codes go to a subject that is a mail address and has no entry in the directory.
    pub email_subjects: EmailSubjects,
    /// What begins the first enrollment of somebody who has nothing set up.
    pub first_enrollment: FirstEnrollment,
    /// Whether programs may have their owner prove who they are in a browser (RFC 8628).
    pub device: bool,
    /// How long such a program waits between two polls (RFC 8628 §3.2).
    pub device_interval: Duration,
    /// The longest life of a grant; a longer `max_age` of a policy is cut to it.
    pub grant_life: Duration,
    /// How long a session is remembered without being used.
    pub session_keep: Duration,
    /// Where passwords are checked.
    pub password_source: PasswordSource,
    /// For how long `status` reports a verification or sign-in as fresh.
    pub fresh: Duration,
}

impl Default for VerificationSettings {
    fn default() -> Self {
        Self {
            challenge_life: Duration::from_mins(10),
            code_life: Duration::from_mins(10),
            totp_skew: 1,
            limits: Limits::default(),
            email_subjects: EmailSubjects::default(),
            first_enrollment: FirstEnrollment::default(),
            device: true,
            device_interval: Duration::from_secs(5),
            grant_life: Duration::from_hours(24),
            session_keep: Duration::from_hours(30 * 24),
            password_source: PasswordSource::default(),
            fresh: Duration::from_mins(10),
        }
    }
}

/// The services that all verifiers share, on every thread.
#[derive(Clone, Debug)]
pub struct Services {
    /// The keys that seal and hash.
    pub keys: Arc<Keys>,
    /// The clock.
    pub clock: Clock,
    /// The random source.
    pub entropy: Entropy,
    /// The audit log.
    pub audit: Audit,
    /// Sends codes; `None` if there is no mail server.
    pub mailer: Option<Mailer>,
    /// Where people sign in afresh; `None` if there is no identity provider.
    pub oidc: Option<Arc<OidcProvider>>,
    /// Checks passwords.
    pub passwords: PasswordChecker,
    /// Whose passkeys are asked for; `None` if browsers would offer none.
    pub passkeys: Option<RelyingParty>,
    /// The settings.
    pub settings: VerificationSettings,
}

impl Services {
    /// What people call the identity provider, empty without one; and whose password the password is.
    pub fn named(&self) -> (String, PasswordSource) {
        let provider = self.oidc.as_ref();
        let name = provider.map_or_else(String::new, |provider| provider.options.name.clone());
        (name, self.settings.password_source)
    }
}
