//! What a request says of a login by the names of its fields: that it holds a password, or that nobody is there.

use super::{Body, Field, RequestHead, Standing, is_secret_name};

/// Whether a request names a secret, such as a password, that is not empty: whoever logs in does.
pub fn carries_secret(head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Standing {
    // Too large to be read, or cut off: a password may stand in it.
    let Some(body) = body else {
        return Standing::Perhaps;
    };
    if names_secret(body) {
        Standing::Yes
    } else if head
        .parameters()
        .any(|(name, text)| is_secret(&name, &text))
        // Of a kind that we do not read: an application may find a password there.
        || body.is_opaque()
    {
        Standing::Perhaps
    } else {
        Standing::No
    }
}

/// Whether a name that stands in an object may be sent by its place in a list, with a password beside it, as the
/// parameters of JSON-RPC may (2.0 §4.2).
pub fn may_stand_in_list(field: &Field, body: Option<&Body<'_>>) -> bool {
    let (Field::Json(pointer), Some(body)) = (field, body) else {
        return false;
    };
    let above = pointer.rsplit_once('/').map_or("", |(above, _)| above);
    body.has_unnamed_values(above)
}

/// Whether a request names a secret where it can be read, in its body or its query.
pub fn shows_secret(head: &RequestHead<'_>, body: Option<&Body<'_>>) -> bool {
    body.is_some_and(names_secret)
        || head
            .parameters()
            .any(|(name, text)| is_secret(&name, &text))
}

/// Whether a request says of itself that nobody is there to log in: a page that asks in the background
/// whether somebody is signed in (`passive`, SAML's `IsPassive`, `prompt=none` of OIDC).
pub fn is_passive(head: &RequestHead<'_>, body: Option<&Body<'_>>) -> bool {
    let is_off = |value: &str| {
        matches!(
            value.to_ascii_lowercase().as_str(),
            "" | "0" | "false" | "no" | "off"
        )
    };
    let says_so = |name: &str, value: &str| {
        // `is_passive`, `IsPassive`, `is-passive`: frameworks spell one name in many ways.
        let name: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        match name.to_ascii_lowercase().as_str() {
            "passive" | "ispassive" | "silent" | "issilent" => !is_off(value),
            // OpenID Connect Core 1.0 §3.1.2.1: a list of words, of which `none` shows no page.
            "prompt" => value.split_whitespace().any(|word| word == "none"),
            _ => false,
        }
    };
    head.parameters()
        .any(|(name, value)| says_so(&name, &value))
        || body.is_some_and(|body| {
            let fields = body.named_texts();
            fields.iter().any(|(name, value)| says_so(name, value))
        })
}

fn names_secret(body: &Body<'_>) -> bool {
    let named = body.named_texts();
    named.iter().any(|(name, text)| is_secret(name, text))
}

pub(super) fn is_secret(name: &str, text: &str) -> bool {
    is_secret_name(name) && !text.is_empty()
}
