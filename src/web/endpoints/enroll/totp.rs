//! `enroll/totp`: an authenticator app. Its secret is shown, and counts once it has made a code.

use super::enrolling::Enrolling;
use crate::domain::Factor;
use crate::request::body::RequestBody;
use crate::verification::{AnswerValue, NewTotp};
use crate::web::api::NewTotpResponse;
use crate::web::endpoints::{Call, EndpointError};
use crate::web::pages::{self, EnrollField, EnrollForm, EnrollInput, EnrollStep};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// A new secret, of which nothing is stored yet.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let enrolling = Enrolling::opened(call, "enroll/totp").await?;
    let claimant = enrolling.known.claimant();
    let new = (call.web.verifier).new_totp(&claimant, call.context.authority());
    if enrolling.reads_pages {
        return Ok(enrolling.page(step(call, new, None)));
    }
    let response = NewTotpResponse {
        secret: new.secret,
        uri: new.uri,
        sealed: new.sealed,
    };
    Ok(respond::json(call.context, &response))
}

/// A code of the app.
pub(super) async fn answer(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (enrolling, request) = Enrolling::step(call, content).await?;
    let verifier = &call.web.verifier;
    let (caller, locale) = (enrolling.known.caller(), call.context.locale());
    let (sealed, code) = (request.sealed, AnswerValue::Text(request.answer));
    let outcome = verifier.enroll_totp(&caller, sealed.expose(), &code, locale);
    let outcome = outcome.await?;
    // The same secret: the app has it already, and a mistyped code needs no new scan.
    let again = |problem| {
        let issuer = call.context.authority();
        let same = verifier.same_totp(&enrolling.known.claimant(), issuer, &sealed)?;
        Some(step(call, same, Some(problem)))
    };
    Ok(enrolling.outcome(&outcome, Factor::Totp, again))
}

fn step(call: &Call<'_, '_>, new: NewTotp, problem: Option<String>) -> EnrollStep {
    let site = call.context.site();
    let t = site.texts();
    EnrollStep {
        heading: t.enroll.totp_heading.to_string(),
        paragraphs: vec![t.enroll.totp_lede.to_string()],
        problem,
        qr: new.uri.as_ref().and_then(|uri| pages::qr(uri.expose())),
        codes: vec![grouped(new.secret.expose())],
        form: Some(EnrollForm {
            hidden: vec![("sealed", new.sealed)],
            field: Some(EnrollField {
                hint: Some(t.enroll.totp_hint.to_string()),
                ..EnrollField::new(&t.factor.totp_label, EnrollInput::Code)
            }),
            ..EnrollForm::new("enroll/totp", &t.enroll.check)
        }),
        ..EnrollStep::default()
    }
}

/// In groups of four, as people type it; apps pass over the blanks.
fn grouped(secret: &str) -> String {
    let mut out = String::with_capacity(secret.len() * 5 / 4);
    for (at, char) in secret.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            out.push(' ');
        }
        out.push(char);
    }
    out
}
