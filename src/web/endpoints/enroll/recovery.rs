//! `enroll/recovery`: recovery codes, shown once.

use super::enrolling::Enrolling;
use crate::request::body::RequestBody;
use crate::verification::codes_left;
use crate::web::api::RecoveryResponse;
use crate::web::endpoints::{Call, EndpointError};
use crate::web::pages::{EnrollForm, EnrollStep};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// What they are for, and the button that makes them.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let enrolling = Enrolling::opened(call, "enroll/recovery").await?;
    let account = enrolling.account().await?;
    let site = call.context.site();
    let t = site.texts();
    let mut paragraphs = vec![t.enroll.recovery_lede.to_string()];
    // Whoever has a list at home must know that it will be worth nothing.
    let left = codes_left(&account);
    if left > 0 {
        paragraphs.push(t.enroll.recovery_void(left as u64));
    }
    Ok(enrolling.page(EnrollStep {
        heading: t.enroll.recovery_heading.to_string(),
        paragraphs,
        form: Some(EnrollForm::new("enroll/recovery", &t.enroll.recovery_make)),
        ..EnrollStep::default()
    }))
}

/// Makes them; earlier ones are void.
pub(super) async fn renew(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (enrolling, _) = Enrolling::step(call, content).await?;
    let (caller, locale) = (enrolling.known.caller(), call.context.locale());
    let codes = call.web.verifier.renew_recovery_codes(&caller, locale);
    let codes = codes.await?;
    // Shown in the answer to the POST alone: a GET of this page shows none.
    if !enrolling.reads_pages {
        return Ok(respond::json(call.context, &RecoveryResponse { codes }));
    }
    let site = call.context.site();
    let t = site.texts();
    Ok(enrolling.page(EnrollStep {
        heading: t.enroll.recovery_heading.to_string(),
        paragraphs: vec![
            t.enroll.recovery_keep(site.name()),
            t.enroll.recovery_once.to_string(),
        ],
        codes: codes.iter().map(|code| code.expose().clone()).collect(),
        ..EnrollStep::default()
    }))
}
