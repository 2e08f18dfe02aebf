//! `POST language`: a person chooses the language of our pages.

use super::{Call, EndpointError};
use crate::domain::LocalPath;
use crate::locale::Locale;
use crate::request::body::RequestBody;
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// Has the language remembered by the browser, and leads back to the page. Nobody need be signed in: a refusal has to be
/// understood as well.
pub(super) async fn choose(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let bytes = content.read(BODY_LIMIT).await?;
    let field = |wanted: &str| {
        let mut fields = form_urlencoded::parse(&bytes);
        fields.find(|(name, _)| name == wanted).map(|(_, it)| it)
    };
    let locale = field("language").and_then(|tag| tag.parse::<Locale>().ok());
    let locale = locale.ok_or(EndpointError::Malformed(EXPECTED.into()))?;
    call.context.choose_language(locale);
    // A path of this origin only: no open redirect.
    let to = field("to").and_then(|to| LocalPath::parse(&to));
    let to = to.unwrap_or_else(LocalPath::root);
    Ok(respond::see_other(call.context, &to))
}

/// The address of a prompt fits, with the challenge in it.
const BODY_LIMIT: usize = 32 * 1024;
const EXPECTED: &str = "a form with `language`, the tag of one of our languages, and `to`, a path";
