//! `enroll/password`: a password of the directory.

use super::enrolling::Enrolling;
use crate::domain::{Factor, Reason, User};
use crate::request::body::RequestBody;
use crate::verification::{PasswordSource, Verifier, WeakPassword};
use crate::web::endpoints::{Call, EndpointError};
use crate::web::pages::{EnrollField, EnrollForm, EnrollInput, EnrollStep};
use bytes::Bytes;
use http::Response;

/// Asks for the new one.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let enrolling = Enrolling::opened(call, "enroll/password").await?;
    must_be_ours(call)?;
    let account = enrolling.account().await?;
    Ok(enrolling.page(step(call, &account, None)))
}

/// The new one.
pub(super) async fn answer(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (enrolling, request) = Enrolling::step(call, content).await?;
    must_be_ours(call)?;
    let (caller, locale) = (enrolling.known.caller(), call.context.locale());
    let site = call.context.site();
    let verifier = &call.web.verifier;
    let set = verifier.set_password(&caller, &request.answer, &site.host, locale);
    let Err(weak) = set.await? else {
        return Ok(enrolling.done(Factor::Password));
    };
    if !enrolling.reads_pages {
        // 400 and no refusal of a proof: what was sent must be another.
        return Err(EndpointError::Malformed(described(weak).into()));
    }
    let words = &site.texts().enroll;
    let problem = match weak {
        WeakPassword::Guessable => words.password_guessable.to_string(),
        WeakPassword::TooLong => words.password_long.to_string(),
        WeakPassword::TooShort(least) => words.password_short(least as u64),
    };
    let account = enrolling.account().await?;
    Ok(enrolling.page(step(call, &account, Some(problem))))
}

/// Those of the application are its own affair.
fn must_be_ours(call: &Call<'_, '_>) -> Result<(), EndpointError> {
    match call.web.verifier.services().settings.password_source {
        PasswordSource::Directory => Ok(()),
        PasswordSource::UpstreamLogin => Err(EndpointError::Refused(Reason::NotFound)),
    }
}

fn step(call: &Call<'_, '_>, account: &User, problem: Option<String>) -> EnrollStep {
    let site = call.context.site();
    let t = site.texts();
    let least = Verifier::least_password(account) as u64;
    EnrollStep {
        heading: t.enroll.password_heading.to_string(),
        paragraphs: vec![t.enroll.password_lede(site.name())],
        problem,
        form: Some(EnrollForm {
            field: Some(EnrollField {
                hint: Some(t.enroll.password_hint(least)),
                ..EnrollField::new(&t.enroll.password_label, EnrollInput::NewPassword)
            }),
            ..EnrollForm::new("enroll/password", &t.enroll.password_set)
        }),
        ..EnrollStep::default()
    }
}

fn described(weak: WeakPassword) -> String {
    match weak {
        WeakPassword::Guessable => "a password in `answer` that is not among those that are tried first: no common one, name, date or keyboard pattern".to_owned(),
        WeakPassword::TooLong => "a password in `answer` of at most 1024 bytes".to_owned(),
        WeakPassword::TooShort(least) => format!("a password in `answer` of at least {least} characters"),
    }
}
