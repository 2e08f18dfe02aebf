//! How a program may bring the proof with the request itself.

use super::factors;
use super::invalid::{Invalid, valid};
use super::matching;
use super::raw::RawRoute;
use crate::domain::{Alternatives, Factor, FactorSet, Inline};
use crate::yaml::{File, Path, clip};
use http::HeaderName;

/// Compiles `inline` of a route, if there is one.
pub(super) fn compile(
    raw: &RawRoute,
    accepted: Option<&Alternatives>,
    file: &mut File,
    at: &Path,
) -> Option<Inline> {
    let inline = raw.inline.as_ref()?;
    let at = at.key("inline");
    let besides = [
        (
            raw.approval.is_some(),
            "approval",
            "somebody else must approve",
        ),
        (raw.confirm.is_some(), "confirm", "a phrase must be typed"),
    ];
    for (_, key, why) in besides.into_iter().filter(|(is_there, ..)| *is_there) {
        let message = format!("{why}, which no header brings: the code would never be enough");
        file.report_with_hint(&at, message, format!("leave out `inline`, or `{key}`"));
    }
    let challenge = inline.challenge.as_deref().unwrap_or("OTP");
    let challenge = valid(scheme(challenge), file, &at.key("challenge"));
    if inline.header.is_none() {
        let hint = "the header that the program sends, such as `header: npm-otp`";
        file.report_missing(&at, "header", Some(hint));
    }
    let named = inline.header.as_deref();
    let header = named.and_then(|name| valid(header(name), file, &at.key("header")));
    let word = inline.factor.as_deref().unwrap_or("totp");
    let factor = valid(factor(word, accepted), file, &at.key("factor"));
    Some(Inline {
        challenge: challenge?,
        header: header?,
        factor: factor?,
    })
}

/// RFC 9110 §11.1: a scheme is a token.
fn scheme(text: &str) -> Result<String, Invalid> {
    let known = ["basic", "bearer", "digest", "negotiate", "ntlm"];
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || text.len() > 64 || !text.bytes().all(is_token) {
        let invalid = format!("`{}` is no scheme of `WWW-Authenticate`", clip(text));
        return Err(Invalid::new(invalid).hint("one word, such as `OTP`, which npm knows"));
    }
    if known.iter().any(|known| text.eq_ignore_ascii_case(known)) {
        let invalid = format!("at `{text}` a program asks for the password, not for a code");
        return Err(Invalid::new(invalid).hint("a scheme of its own, such as `OTP`"));
    }
    Ok(text.to_owned())
}

/// A header that nothing else is read from, and that reaches us.
fn header(name: &str) -> Result<HeaderName, Invalid> {
    let header = matching::header(name)?;
    let name = header.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let has_meaning = matches!(
        name,
        "accept"
            | "authorization"
            | "connection"
            | "cookie"
            | "expect"
            | "forwarded"
            | "from"
            | "keep-alive"
            | "origin"
            | "range"
            | "referer"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "user-agent"
            | "via"
            | "www-authenticate"
    ) || [
        "accept-",
        "content-",
        "if-",
        "proxy-",
        "remote-",
        "sec-",
        "x-forwarded-",
        "x-real-",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix));
    if name.starts_with("step-up") || name.starts_with("x-stepgate") {
        return Err(Invalid::new(format!("`{name}` is ours"))
            .hint("the header that the program sends, such as `npm-otp`"));
    }
    // A name with `_` is removed on the way in: gateways read it as another.
    if has_meaning || !name.bytes().all(is_plain) {
        let invalid = format!("`{name}` means something else, or does not reach Stepgate");
        return Err(Invalid::new(invalid).hint("a header of its own, such as `npm-otp` or `x-otp`"));
    }
    Ok(header)
}

/// A factor that is typed, at once and as a whole, and that is enough by itself.
fn factor(word: &str, accepted: Option<&Alternatives>) -> Result<Factor, Invalid> {
    let factor = factors::factor(word)?;
    if !matches!(factor, Factor::RecoveryCode | Factor::Totp) {
        let invalid = Invalid::new(format!("`{factor}` cannot come with a request"));
        return Err(invalid.hint(match factor {
            Factor::EmailCode => "a code must be sent first; only `totp` and `recovery_code` can",
            Factor::Password => "what a program stores proves nothing, and headers are logged; only `totp` and `recovery_code` can",
            Factor::BootstrapCode | Factor::Oidc | Factor::Passkey | Factor::RecoveryCode | Factor::Totp => {
                "it needs a browser; only `totp` and `recovery_code` can"
            }
        }));
    }
    let alone = FactorSet::EMPTY.with(factor);
    if accepted.is_some_and(|accepted| !accepted.satisfied_by(alone)) {
        let invalid = Invalid::new(format!("`{factor}` alone does not open this route"));
        return Err(invalid.hint(format!(
            "add `{factor}` to `factors`, or name one that is there"
        )));
    }
    Ok(factor)
}
