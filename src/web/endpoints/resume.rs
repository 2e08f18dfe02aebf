//! What a refused request leaves for after the proof: a form that is carried, and where the person goes.

use super::EndpointError;
use crate::domain::{Body, LocalPath, Method, RequestHead, ReturnTarget};
use crate::request::body::RequestBody;
use crate::request::client_kind::ClientKind;
use crate::request::context::RequestContext;
use crate::verification::CarriedForm;
use crate::web::Web;

/// The fields of a refused form, if they may be carried: only from a page of our own origin, so
/// that no other site can put a request into somebody's hands to confirm.
pub(super) async fn carry(
    web: &Web,
    context: &RequestContext<'_>,
    head: &RequestHead<'_>,
    content: &mut RequestBody,
) -> Result<Option<CarriedForm>, EndpointError> {
    let limit = web.shared.options.body_limit;
    if head.method != Method::Post
        || !context.is_told_same_origin()
        || !content.announces_at_most(limit)
    {
        return Ok(None);
    }
    let bytes = content.read(limit).await?;
    let body = Body::read_or_opaque(head.headers, &bytes);
    let Some(target) = LocalPath::parse(context.target()) else {
        return Ok(None);
    };
    Ok(body.form_fields().map(|fields| {
        let mut form = CarriedForm::new(head.method, target, fields.values);
        form.files = fields.files;
        form.multipart = fields.multipart;
        form
    }))
}

/// Where the person goes after the challenge.
pub(super) fn return_target(
    context: &RequestContext<'_>,
    form: Option<&CarriedForm>,
    anchor: Option<&str>,
    sends_nothing: bool,
) -> ReturnTarget {
    let page = |path: &str| LocalPath::parse(path).map(ReturnTarget::Path);
    match context.hints.kind {
        ClientKind::Navigation if context.hints.safe => page(context.target()),
        ClientKind::Navigation => match form {
            Some(form) => Some(ReturnTarget::Form(form.target.clone())),
            // Not the refused address: a GET of what takes a POST may be another page, or none.
            None => Some(ReturnTarget::Refill(
                anchor
                    .and_then(LocalPath::parse)
                    .or_else(|| context.page_before())
                    .unwrap_or_else(LocalPath::root),
            )),
        },
        ClientKind::Framed => anchor
            .and_then(page)
            .or_else(|| page(context.target()).filter(|_| context.hints.safe)),
        ClientKind::Library(library) => {
            let page = context.page_of_library(library);
            let page = anchor.and_then(LocalPath::parse).unwrap_or(page);
            Some(if sends_nothing {
                ReturnTarget::Path(page)
            } else {
                ReturnTarget::Refill(page)
            })
        }
        ClientKind::Api
        | ClientKind::Bearer
        | ClientKind::Fetch
        | ClientKind::Rpc(_)
        | ClientKind::WebSocket => None,
    }
    .unwrap_or(ReturnTarget::Caller)
}
