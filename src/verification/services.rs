//! What every verifier works with, and how verifications go.

use super::directory::EmailSubjects;
use super::password_hash::PasswordChecker;
use super::throttle::Limits;
use crate::audit::Audit;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::mail::Mailer;
use crate::seal::Keys;
use std::sync::Arc;
use std::time::Duration;

/// How verifications go.
#[derive(Clone, Copy, Debug)]
pub struct VerificationSettings {
    /// How long a challenge lives.
    pub challenge_life: Duration,
    /// How long a code lives, at most [`MAX_CODE_LIFE`](super::MAX_CODE_LIFE) and the challenge.
    pub code_life: Duration,
    /// How many TOTP steps before and after the present one are accepted (0 or 1).
    pub totp_skew: u8,
    /// How far is counted.
    pub limits: Limits,
    /// Whether a subject that is a mail address stands for itself.
    pub email_subjects: EmailSubjects,
    /// The longest any grant lives, whatever a policy says.
    pub grant_life: Duration,
    /// How long a session is remembered without being used.
    pub session_keep: Duration,
    /// For how long a verification or sign-in counts in what `status` tells.
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
            grant_life: Duration::from_hours(24),
            session_keep: Duration::from_hours(30 * 24),
            fresh: Duration::from_mins(10),
        }
    }
}

/// What every verifier works with; shared by all threads.
#[derive(Clone, Debug)]
pub struct Services {
    /// The keys.
    pub keys: Arc<Keys>,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub entropy: Entropy,
    /// The audit log.
    pub audit: Audit,
    /// Sends codes; `None` if there is no mail server.
    pub mailer: Option<Mailer>,
    /// Checks passwords.
    pub passwords: PasswordChecker,
    /// How verifications go.
    pub settings: VerificationSettings,
}
