//! Our own pages, where the library of a page of the application asks for one: they are no part of that page.

use crate::request::context::RequestContext;
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// What is no page.
const FILES: [&str; 9] = [
    "client.js",
    "dialog.js",
    "jwks.json",
    "logo",
    "logo/dark",
    "openapi.json",
    "script.js",
    "status",
    "style.css",
];

/// Tells the library to load the page whole, unless the page itself tells it so (`turbo-visit-control`).
pub(super) fn loaded_by_library(
    context: &RequestContext<'_>,
    name: &str,
    method: &str,
) -> Option<Response<Bytes>> {
    let library = context.hints.kind.library()?;
    let is_told = !library.follows_redirects() && method == "GET" && !FILES.contains(&name);
    is_told.then(|| respond::shown_by_library(context, library))
}
