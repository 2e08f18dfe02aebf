//! `enroll/email`: a mail address, proved by a code that is sent to it.

use super::enrolling::Enrolling;
use crate::domain::{Factor, Secret};
use crate::request::body::RequestBody;
use crate::verification::{AnswerValue, Enrollment, NewAddress};
use crate::web::api::NewAddressResponse;
use crate::web::endpoints::{Call, EndpointError};
use crate::web::pages::{EnrollField, EnrollForm, EnrollInput, EnrollStep};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// Asks for the address.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let enrolling = Enrolling::opened(call, "enroll/email").await?;
    Ok(enrolling.page(asking(call, String::new(), None)))
}

/// The address, or the code that was sent to it.
pub(super) async fn answer(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (enrolling, request) = Enrolling::step(call, content).await?;
    let verifier = &call.web.verifier;
    let (caller, locale) = (enrolling.known.caller(), call.context.locale());
    let site = call.context.site();
    let t = site.texts();
    if !request.sealed.expose().is_empty() {
        let (sealed, code) = (request.sealed, AnswerValue::Text(request.answer));
        let outcome = verifier.enroll_address(&caller, sealed.expose(), &code, locale);
        let outcome = outcome.await?;
        // The address is sealed: a page after a wrong code does not repeat it.
        let again = |problem| Some(code_step(call, None, sealed, Some(problem)));
        return Ok(enrolling.outcome(&outcome, Factor::EmailCode, again));
    }
    let address = request.answer;
    let title = &t.enroll.email_heading;
    let new = verifier.new_address(&caller, address.expose(), title, locale);
    match new.await? {
        NewAddress::NotAnAddress if enrolling.reads_pages => {
            let problem = t.enroll.email_none.to_string();
            Ok(enrolling.page(asking(call, address.expose().clone(), Some(problem))))
        }
        NewAddress::NotAnAddress => Err(EndpointError::Malformed(
            "a plain mail address in `answer`, such as `alice@example.com`".into(),
        )),
        NewAddress::Refused(refusal) => {
            let again = |problem| Some(asking(call, address.expose().clone(), Some(problem)));
            let refused = Enrollment::Refused(refusal);
            Ok(enrolling.outcome(&refused, Factor::EmailCode, again))
        }
        NewAddress::Sent(sealed) if enrolling.reads_pages => {
            let step = code_step(call, Some(address.expose()), sealed, None);
            Ok(enrolling.page(step))
        }
        NewAddress::Sent(sealed) => {
            let response = NewAddressResponse { sent: true, sealed };
            Ok(respond::json(call.context, &response))
        }
    }
}

fn asking(call: &Call<'_, '_>, value: String, problem: Option<String>) -> EnrollStep {
    let site = call.context.site();
    let t = site.texts();
    EnrollStep {
        heading: t.enroll.email_heading.to_string(),
        paragraphs: vec![t.enroll.email_lede.to_string()],
        problem,
        form: Some(EnrollForm {
            field: Some(EnrollField {
                value,
                ..EnrollField::new(&t.enroll.email_label, EnrollInput::Email)
            }),
            ..EnrollForm::new("enroll/email", &t.prompt.email_send)
        }),
        ..EnrollStep::default()
    }
}

fn code_step(
    call: &Call<'_, '_>,
    address: Option<&str>,
    sealed: Secret<String>,
    problem: Option<String>,
) -> EnrollStep {
    let site = call.context.site();
    let t = site.texts();
    EnrollStep {
        heading: t.enroll.email_heading.to_string(),
        paragraphs: Vec::from_iter(address.map(|to| t.prompt.email_sent(to))),
        problem,
        form: Some(EnrollForm {
            hidden: vec![("sealed", sealed)],
            field: Some(EnrollField::new(&t.factor.email_label, EnrollInput::Code)),
            ..EnrollForm::new("enroll/email", &t.enroll.check)
        }),
        ..EnrollStep::default()
    }
}
