//! The tokens that name the subject of every request.

use crate::domain::{CookieName, Naming};
use crate::jwt::{ClaimTest, IssuerKeys, KeyPlace, Keyring, KeyringOptions, SignatureAlgorithm};
use crate::request::headers::is_plain;
use crate::session::{Jwt, TokenPlace};
use crate::settings::compile::Draft;
use crate::settings::compile::credentials::cookie_name;
use crate::settings::compile::subject::pointer;
use crate::settings::raw_session::{RawJwt, RawKeys};
use crate::telemetry::chain;
use crate::transport::document::DocumentUrl;
use crate::yaml::{OneOrMore, Path, Span, clip};
use std::sync::Arc;
use std::time::Duration;

/// What the settings say where a claim is not to be checked.
const ANY: &str = "any";

pub(in crate::settings::compile) fn compile(
    raw: Option<&RawJwt>,
    naming: Naming,
    cookies: &[CookieName],
    draft: &mut Draft<'_>,
) -> Option<Jwt> {
    let raw = raw?;
    let section = Path::root().key("session").key("jwt");
    let at = |field: &str| section.key(field);
    let place = place(raw, cookies, &section, draft);
    let hint =
        "where the public keys of the issuer are, such as `keys: { url: https://id.example/keys }`";
    let keys = draft.needed(raw.keys.as_ref(), &section, "keys", hint);
    let keys = keys.and_then(|raw| keyring(raw, &at("keys"), draft));
    let algorithms = algorithms(raw.algorithms.as_ref(), &at("algorithms"), draft);
    let is_by_url = raw.keys.as_ref().is_some_and(|keys| keys.url.is_some());
    // Whoever can read a shared secret can sign.
    if is_by_url && algorithms.iter().any(|it| it.is_symmetric()) {
        let message = "a shared secret (HS256, HS384, HS512) is never taken from a URL";
        let hint = "leave them out, or put the secret as a key `oct` into `keys: { file: … }`";
        draft.file.report_with_hint(at("algorithms"), message, hint);
    }
    // Both must be written, if only as `any`: left out by accident, every token of a shared issuer would do.
    let issuer = checked(raw.issuer.as_ref(), "issuer", "https://id.example", draft);
    let audience = checked(raw.audience.as_ref(), "audience", "shop", draft);
    let mut claim = |written: Option<&String>, field: &str, default: &str| {
        written.map_or_else(
            || default.to_owned(),
            |text| pointer(text, &at(field), draft),
        )
    };
    let subject = claim(raw.subject.as_ref(), "subject", "/sub");
    let email = claim(raw.email.as_ref(), "email", "/email");
    let display = claim(raw.display.as_ref(), "display", "/name");
    let login = raw.authenticated_at.as_ref();
    let authenticated_at = claim(login, "authenticated_at", "/auth_time");
    if authenticated_at == "/iat" {
        let message = "`iat` is when a token was made: one that is made without anybody logging in \
                       would count as a login";
        let hint = "`/auth_time` is when somebody logged in, where the issuer tells it";
        draft
            .file
            .warn_with_hint(at("authenticated_at"), message, hint);
    }
    let groups = raw.groups.as_deref();
    let groups = groups.map(|text| pointer(text, &at("groups"), draft));
    let groups = draft.groups(groups, raw.groups_separator.as_deref(), "", &section);
    let leeway = draft.leeway(raw.leeway, &at("leeway"));
    Some(Jwt {
        place,
        keys: Arc::new(Keyring::new(keys?)),
        algorithms,
        issuer: issuer?,
        audience: audience?,
        leeway,
        subject,
        email,
        groups,
        display,
        authenticated_at,
        naming,
    })
}

/// How far the issuer's clock may be from ours, and how far at most.
const LEEWAY: Duration = Duration::from_secs(30);
const LONGEST_LEEWAY: Duration = Duration::from_mins(5);

impl Draft<'_> {
    /// How far an issuer's clock may be from ours.
    pub(in crate::settings::compile) fn leeway(
        &mut self,
        written: Option<Span>,
        at: &Path,
    ) -> Duration {
        let leeway = written.map_or(LEEWAY, |Span(leeway)| leeway);
        if leeway > LONGEST_LEEWAY {
            let message = format!("longer than {}", Span(LONGEST_LEEWAY));
            let hint = "a token that is over would be good for so long";
            self.file.report_with_hint(at, message, hint);
        }
        leeway
    }
}

fn place(raw: &RawJwt, cookies: &[CookieName], at: &Path, draft: &mut Draft<'_>) -> TokenPlace {
    match (&raw.cookie, &raw.header) {
        (Some(name), None) => {
            let at = at.key("cookie");
            let cookie = cookie_name(name, &at, draft);
            let is_named = cookies.iter().any(|known| known.covers(name.as_bytes()));
            if cookie.is_some() && !is_named {
                let message = format!("`{}` is none of `session.cookies`", clip(name));
                let hint = "name it there as well: it is a credential";
                draft.file.report_with_hint(&at, message, hint);
            }
            // With a mistake reported nothing is served: the place only stands in for the one that is not known.
            cookie.map_or(TokenPlace::Bearer, TokenPlace::Cookie)
        }
        (None, Some(text)) => {
            let at = at.key("header");
            let name = draft.header(text, &at);
            if name.as_ref().is_some_and(|name| !is_plain(name.as_str())) {
                let message = format!(
                    "`{}` never arrives: such names are read as others",
                    clip(text)
                );
                draft.file.report(&at, message);
            }
            match name {
                // The scheme is no part of the token.
                Some(name) if name != http::header::AUTHORIZATION => TokenPlace::Header(name),
                Some(_) | None => TokenPlace::Bearer,
            }
        }
        (None, None) => TokenPlace::Bearer,
        (Some(_), Some(_)) => {
            let message = "stands beside `cookie`: one of them carries the token";
            draft.file.report(at.key("header"), message);
            TokenPlace::Bearer
        }
    }
}

fn keyring(raw: &RawKeys, at: &Path, draft: &mut Draft<'_>) -> Option<KeyringOptions> {
    let ca = raw.ca.as_ref();
    let ca = ca.and_then(|ca| draft.existing(ca, &at.key("ca")));
    let place = match (&raw.url, &raw.file) {
        (Some(url), None) => {
            let at = at.key("url");
            match DocumentUrl::parse(url, ca.as_deref()) {
                Ok(url) => {
                    if !url.is_safe() {
                        let message = "keys that come in the clear can be replaced on the way, and with \
                                       them everybody's tokens forged";
                        draft.file.report_with_hint(at, message, "use `https://`");
                    }
                    Some(KeyPlace::Url(url))
                }
                Err(error) => {
                    draft.file.report(at, chain(&error));
                    None
                }
            }
        }
        (None, Some(file)) => key_file(file, &at.key("file"), draft),
        (Some(_), Some(_)) | (None, None) => {
            draft.file.report(at, "expected one of `url` and `file`");
            None
        }
    };
    let secs = Duration::from_secs;
    let refresh = draft.span(raw.refresh, secs(600), &at.key("refresh"));
    let retry = draft.span(raw.retry, secs(10), &at.key("retry"));
    let deadline = draft.span(raw.deadline, secs(3), &at.key("deadline"));
    Some(KeyringOptions {
        place: place?,
        refresh,
        retry,
        deadline,
    })
}

/// The file is read now, so that `stepgate check` finds one that holds no keys.
fn key_file(file: &str, at: &Path, draft: &mut Draft<'_>) -> Option<KeyPlace> {
    let path = draft.existing(file, at)?;
    let wrong = match std::fs::read(&path) {
        Ok(text) => IssuerKeys::of_file(&text).err().map(|error| chain(&error)),
        Err(error) => Some(error.to_string()),
    };
    if let Some(wrong) = wrong {
        let message = format!("`{}`: {wrong}", path.display());
        draft.file.report(at, message);
    }
    Some(KeyPlace::File(path))
}

pub(in crate::settings::compile) fn algorithms(
    written: Option<&OneOrMore<String>>,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Vec<SignatureAlgorithm> {
    let Some(written) = written else {
        // What nearly every issuer signs by. Never taken from the token alone (RFC 8725 §3.1).
        return vec![SignatureAlgorithm::Rs256, SignatureAlgorithm::Es256];
    };
    let mut algorithms = Vec::new();
    for (at, name) in written.with_paths(at) {
        if let Some(algorithm) = SignatureAlgorithm::named(name) {
            algorithms.push(algorithm);
            continue;
        }
        let message = format!(
            "`{}` is no algorithm that tokens may be signed by",
            clip(name)
        );
        let known = SignatureAlgorithm::ALL.iter().map(|(name, _)| *name);
        let hint = format!("expected one of {}", known.collect::<Vec<_>>().join(", "));
        draft.file.report_with_hint(&at, message, &hint);
    }
    algorithms
}

/// The values of a claim that count.
fn checked(
    written: Option<&OneOrMore<String>>,
    field: &str,
    example: &str,
    draft: &mut Draft<'_>,
) -> Option<ClaimTest> {
    let section = Path::root().key("session").key("jwt");
    let hint = format!("such as `{field}: {example}`; `{field}: {ANY}` does not check it");
    let written = draft.needed(written, &section, field, &hint)?;
    let at = section.key(field);
    let values: Vec<_> = written
        .with_paths(&at)
        .map(|(_, text)| text.clone())
        .collect();
    Some(if values == [ANY] {
        ClaimTest::Any
    } else {
        ClaimTest::OneOf(values)
    })
}
