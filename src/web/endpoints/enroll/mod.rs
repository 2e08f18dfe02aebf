//! `enroll`: what the person has set up to prove who they are; each thing that can be set up has a file.

mod address;
mod enrolling;
mod overview;
mod passkeys;
mod password;
mod recovery;
mod totp;

use super::{Call, EndpointError};
use crate::domain::{Challenge, LocalPath, Reason, ReturnTarget};
use crate::request::body::RequestBody;
use crate::request::context::RequestContext;
use crate::web::own_action::OwnAction;
use crate::web::pages;
use bytes::Bytes;
use http::{Method, Response};
pub(super) use overview::offers;

/// Serves `enroll` and what is below it.
pub(super) async fn serve(
    name: &str,
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    match (name, call.parts.method == Method::POST) {
        ("enroll", _) => overview::show(call).await,
        ("enroll/email", false) => address::show(call).await,
        ("enroll/email", true) => address::answer(call, content).await,
        ("enroll/password", false) => password::show(call).await,
        ("enroll/password", true) => password::answer(call, content).await,
        ("enroll/passkeys", false) => passkeys::show(call).await,
        ("enroll/passkeys", true) => passkeys::add(call, content).await,
        ("enroll/passkeys/options", _) => passkeys::options(call, content).await,
        ("enroll/passkeys/rename", _) => passkeys::rename(call, content).await,
        ("enroll/recovery", false) => recovery::show(call).await,
        ("enroll/recovery", true) => recovery::renew(call, content).await,
        ("enroll/remove", _) => overview::remove(call, content).await,
        ("enroll/totp", false) => totp::show(call).await,
        ("enroll/totp", true) => totp::answer(call, content).await,
        _ => Err(EndpointError::Refused(Reason::NotFound)),
    }
}

/// Where to set something up, on the way to where the challenge leads; `None` for the challenge of that page itself.
pub(super) fn page_for(context: &RequestContext<'_>, challenge: &Challenge) -> Option<LocalPath> {
    if OwnAction::of_route(&challenge.route).is_some_and(OwnAction::is_enrollment) {
        return None;
    }
    let back = match &challenge.return_to {
        ReturnTarget::Path(path) | ReturnTarget::Refill(path) => Some(path),
        // What the form holds does not go along; the page it stands on is where it is sent from again.
        ReturnTarget::Form(_) => challenge.back.as_ref(),
        ReturnTarget::Caller => None,
    };
    let query = pages::back_query(back);
    LocalPath::parse(&format!("{}/enroll{query}", context.site().prefix))
}
