//! A fresh sign-in at the identity provider (`OpenID` Connect).

use super::{AnswerValue, Check, CheckOutcome, FactorRow, Input};
use crate::domain::Factor;
use crate::telemetry::chain;
use crate::verification::error::VerifyError;
use crate::verification::oidc::ProviderState;

pub(super) const ROW: FactorRow = FactorRow {
    factor: Factor::Oidc,
    is_enrolled: |_, sources| sources.provider == ProviderState::Knows,
    accepts: |answer| matches!(answer, AnswerValue::SignIn(_)),
    input: Input::SignIn,
};

pub(super) async fn check(check: &Check<'_>) -> Result<CheckOutcome, VerifyError> {
    let (Some(provider), AnswerValue::SignIn(sign_in)) = (&check.services.oidc, check.answer)
    else {
        return Ok(false.into());
    };
    let challenge = check.challenge;
    let wanted = (&challenge.subject, &*challenge.demand.requirement);
    let judged = provider.judge(sign_in, wanted, &check.services.keys, check.now);
    match judged.await {
        Ok(proof) => Ok(CheckOutcome::RightAt(Box::new(proof))),
        Err(error) => {
            let (cause, challenge) = (chain(&error), challenge.id.to_hex());
            tracing::warn!(
                cause,
                challenge,
                "a sign-in at the identity provider is not accepted"
            );
            if error.is_judged() {
                Ok(CheckOutcome::Wrong(error.reason()))
            } else {
                Err(error.into())
            }
        }
    }
}
