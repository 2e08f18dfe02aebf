//! `POST verify/passkey/options`: how the script of the prompt asks the browser for a passkey.

use super::sent::{Expected, Sent, read};
use super::{Call, EndpointError};
use crate::request::body::RequestBody;
use crate::verification::PasskeyRequest;
use crate::web::api::SendRequest;
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// `POST verify/passkey/options`: how the browser is asked for a passkey, in a challenge.
pub(super) async fn options(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent: Sent<SendRequest> =
        read(call, &known, &mut content, EXPECTED_TOKEN, |_| None).await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = sent;
    let (token, caller) = (request.token.expose(), known.caller());
    let verifier = &call.web.verifier;
    let request = verifier.passkey_options(token, call.requirement(), &caller);
    match request.await? {
        PasskeyRequest::Options(options) => Ok(respond::json(call.context, &options)),
        PasskeyRequest::Refused(refusal) => Ok(respond::answer_refused(call.context, &refusal)),
    }
}

const EXPECTED_TOKEN: Expected = Expected {
    json: "JSON with `token`",
    form: "JSON with `token`, and no form",
};
