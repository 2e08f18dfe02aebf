//! What is the same for everybody: the script for pages of the application, keys, pictures.

use super::etag::{has, tag};
use super::{Call, EndpointError};
use crate::domain::Reason;
use crate::identity::Teller;
use crate::web::{pages, respond};
use bytes::Bytes;
use http::Response;

/// `GET client.js`.
pub(super) fn client(call: &Call<'_, '_>) -> Response<Bytes> {
    let tag = tag(pages::CLIENT.as_bytes());
    let is_kept = has(&call.parts.headers, &tag);
    respond::client((!is_kept).then_some(pages::CLIENT), &tag)
}

/// `GET jwks.json`.
pub(super) fn public_keys(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let keys = call.web.shared.teller.as_ref();
    let keys = keys.and_then(Teller::public_keys);
    keys.map(respond::public_keys)
        .ok_or(EndpointError::Refused(Reason::NotFound))
}

/// `GET logo` and `GET logo/dark`.
pub(super) fn logo(call: &Call<'_, '_>, name: &str) -> Result<Response<Bytes>, EndpointError> {
    let logo = call.context.options.brand.logo.as_ref();
    let picture = logo.and_then(|logo| logo.picture(name));
    picture
        .map(|picture| respond::picture(picture, call.query))
        .ok_or(EndpointError::Refused(Reason::NotFound))
}
