//! The password: checked by the hash workers, and rehashed when the configured cost has risen; or tried at the
//! application's own login.

use super::{AnswerValue, Check, FactorRow, Input};
use crate::domain::{Factor, Secret, User};
use crate::verification::error::VerifyError;
use crate::verification::password_hash::{Checked, MAX_PASSWORD};
use crate::verification::trial::{NotJudged, PasswordSource};

pub(super) const ROW: FactorRow = FactorRow {
    factor: Factor::Password,
    is_enrolled: |user, sources| match sources.passwords {
        PasswordSource::Directory => user.password.is_some(),
        // Who has none there finds out by trying, and may choose another way.
        PasswordSource::UpstreamLogin => true,
    },
    accepts: AnswerValue::is_text,
    input: Input::Password,
};

pub(super) async fn check(check: &Check<'_>) -> Result<bool, VerifyError> {
    let Some(password) = check.answer.text() else {
        return Ok(false);
    };
    if check.services.settings.password_source == PasswordSource::UpstreamLogin {
        return try_at_application(check, password).await;
    }
    let hash = check.user.and_then(|user| user.password.clone());
    let passwords = &check.services.passwords;
    let checked = passwords.check(password.clone(), hash).await?;
    if let (Checked::Right { outdated: true }, Some(user)) = (checked, check.user) {
        renew_hash(check, user.clone(), password.clone());
    }
    Ok(matches!(checked, Checked::Right { .. }))
}

/// Asks the application, by the name that the session has there: no alias, and nothing that a client says.
async fn try_at_application(
    check: &Check<'_>,
    password: &Secret<String>,
) -> Result<bool, VerifyError> {
    // None that a person has there: the application need not count it as a failure.
    let length = password.expose().len();
    if length == 0 || length > MAX_PASSWORD {
        return Ok(false);
    }
    // Fails closed: the hash of the directory may be of another password.
    let trial = check
        .trial
        .ok_or_else(|| NotJudged("nobody can ask it".into()))?;
    Ok(trial.matches(&check.challenge.subject, password).await?)
}

/// Rehashes a password at the configured cost in a task of its own, so that the answer does not wait.
/// If the workers are busy, the next right answer tries again; a password changed meanwhile is kept.
fn renew_hash(check: &Check<'_>, user: User, password: Secret<String>) {
    let (store, passwords) = (check.store.clone(), check.services.passwords.clone());
    tokio::task::spawn_local(async move {
        let Ok(hash) = passwords.hash(password).await else {
            return;
        };
        let renewed = User {
            password: Some(hash),
            ..user.clone()
        };
        match store.swap_user(&user, &renewed).await {
            Ok(true) => tracing::info!("a password hash was renewed at today's cost"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "a password hash was not renewed"),
        }
    });
}
