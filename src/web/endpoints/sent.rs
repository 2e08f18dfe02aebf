//! What came with a call that changes something: JSON of a program, or a form of our own page.

use super::{BODY_LIMIT, Call, EndpointError, Known};
use crate::domain::{Secret, StatedPurpose};
use crate::request::body::RequestBody;
use http::header;
use std::collections::HashMap;

/// What came with a call: JSON of a program, or a form of our own page.
pub(super) enum Sent<T> {
    Json(T),
    Form(T, KeptForm),
}

/// What a page of ours hands on to the one after it.
#[derive(Default)]
pub(super) struct KeptForm {
    /// The sealed fields of a form of the application.
    pub(super) carried: Option<Secret<String>>,
    /// What was typed as the phrase.
    pub(super) phrase: String,
    /// What was typed as the reason.
    pub(super) purpose: Option<StatedPurpose>,
}

/// What a call should bring, for who sent something else.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    pub(super) json: &'static str,
    pub(super) form: &'static str,
}

/// Reads what was sent. A form must come from a page of ours that this browser was given.
pub(super) async fn read<T: serde::de::DeserializeOwned>(
    call: &Call<'_, '_>,
    known: &Known,
    content: &mut RequestBody,
    expected: Expected,
    of_form: impl FnOnce(&mut HashMap<String, String>) -> Option<T>,
) -> Result<Sent<T>, EndpointError> {
    let bytes = content.read(BODY_LIMIT).await?;
    // Without a token: for JSON from another origin, browsers ask us first (Fetch §3.2.2,
    // preflight).
    if call.is_json() {
        // serde takes a list for an object, too, by the order of its fields.
        let is_object = bytes.trim_ascii_start().starts_with(b"{");
        let request = serde_json::from_slice(&bytes).ok().filter(|_| is_object);
        return request
            .map(Sent::Json)
            .ok_or(EndpointError::Malformed(expected.json.into()));
    }
    let mut form: HashMap<String, String> = form_urlencoded::parse(&bytes).into_owned().collect();
    let anti_forgery = form.remove("anti_forgery").unwrap_or_default();
    let challenge = form.get("token").map(String::as_str);
    call.must_bear_our_token(known, &anti_forgery, challenge)
        .await?;
    let kept = KeptForm {
        carried: form.remove("carried").map(Secret::new),
        phrase: form.get("confirm").cloned().unwrap_or_default(),
        purpose: form
            .get("purpose")
            .and_then(|typed| StatedPurpose::of(typed)),
    };
    let request = of_form(&mut form);
    request
        .map(|request| Sent::Form(request, kept))
        .ok_or(EndpointError::Malformed(expected.form.into()))
}

impl Call<'_, '_> {
    /// Whether the call brings JSON, which no page of another origin can send unasked (Fetch §4.8).
    pub(super) fn is_json(&self) -> bool {
        let kind = self
            .parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        kind.and_then(|kind| kind.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    }
}
