//! The token in the answer to a login.

use super::Draft;
use super::subject::pointer;
use crate::session::{AnswerToken, AnswerTokenPlace};
use crate::settings::raw::RawToken;
use crate::yaml::{Path, clip};

pub(super) fn compile(raw: &RawToken, at: &Path, draft: &mut Draft<'_>) -> Option<AnswerToken> {
    let place = match (&raw.json, &raw.header, &raw.cookie) {
        (Some(text), None, None) => Some(AnswerTokenPlace::Json(pointer(
            text,
            &at.key("json"),
            draft,
        ))),
        (None, Some(name), None) => draft
            .header(name, &at.key("header"))
            .map(AnswerTokenPlace::Header),
        (None, None, Some(name)) => Some(AnswerTokenPlace::Cookie(name.clone())),
        _ => {
            let message = "expected one of `json`, `header` and `cookie`";
            let hint = "where the answer to a login has the token, such as `token: { json: /access_token }`";
            draft.file.report_with_hint(at, message, hint);
            None
        }
    };
    let scheme = raw.scheme.as_deref().unwrap_or("Bearer");
    // RFC 9110 §11.1: a token, which has no blanks.
    if http::HeaderName::from_bytes(scheme.as_bytes()).is_err() {
        let message = format!("`{}` is no scheme of `Authorization`", clip(scheme));
        let hint = "what clients write before the token, such as `Bearer` or `Token`";
        draft.file.report_with_hint(at.key("scheme"), message, hint);
    }
    Some(AnswerToken {
        place: place?,
        scheme: scheme.to_owned(),
    })
}
