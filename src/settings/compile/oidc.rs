//! The identity provider at which people sign in afresh.

use super::Draft;
use super::sources::algorithms;
use super::subject::pointer;
use crate::domain::{Naming, Origin, Secret, WholeRegex};
use crate::jwt::{Discovery, KeyPlace, Keyring, KeyringOptions};
use crate::settings::raw_oidc::{RawClientAuth, RawOidc};
use crate::telemetry::chain;
use crate::verification::{ClientAuthentication, OidcOptions, OidcProvider};
use crate::yaml::{Path, clip};
use std::sync::Arc;
use std::time::Duration;

/// What the section means. `prefix` is that of our endpoints, which `origin` has for people.
pub(super) fn compile(
    raw: &RawOidc,
    naming: Naming,
    (origin, prefix): (Option<&Origin>, &str),
    draft: &mut Draft<'_>,
) -> Option<Arc<OidcProvider>> {
    let section = Path::root().key("verification").key("oidc");
    let at = |field: &str| section.key(field);
    let hint =
        "who the provider is, to the letter as its document says: `issuer: https://id.example`";
    let issuer = draft.needed(raw.issuer.as_ref(), &section, "issuer", hint);
    let discovery = issuer.and_then(|issuer| discovery(issuer, raw, &section, draft));
    let hint = "as what the provider knows this Stepgate, such as `client_id: stepgate`";
    let client_id = draft.needed(raw.client_id.as_ref(), &section, "client_id", hint);
    let client = client(raw, &section, draft);
    if origin.is_none() {
        let message = "the provider sends people back to an address that is registered there, and `public_url` is not \
                       set";
        let hint = "`public_url: https://app.example.com`, what people see in the address bar";
        draft.file.report_with_hint(&section, message, hint);
    }
    let redirect_uri = format!("{}{prefix}oidc/callback", origin?);
    let subjects = raw.subjects.as_ref();
    let subjects = subjects.and_then(|text| regex(text, &at("subjects"), draft));
    let subject = raw.subject.as_ref();
    let subject = subject.map_or_else(
        || "/sub".to_owned(),
        |text| pointer(text, &at("subject"), draft),
    );
    warn_of_changing(&subject, &at("subject"), draft);
    let leeway = draft.leeway(raw.leeway, &at("leeway"));
    let deadline = draft.span(raw.deadline, Duration::from_secs(5), &at("deadline"));
    let keys = KeyringOptions {
        refresh: draft.span(raw.refresh, Duration::from_mins(10), &at("refresh")),
        retry: draft.span(raw.retry, Duration::from_secs(10), &at("retry")),
        place: KeyPlace::Discovered(discovery?),
        deadline,
    };
    let options = OidcOptions {
        name: name(raw, issuer?),
        issuer: issuer?.clone(),
        client_id: client_id?.clone(),
        client: client?,
        redirect_uri,
        scopes: scopes(raw, &at("scopes"), draft),
        subject,
        naming,
        subjects,
        login_hint: raw.login_hint.unwrap_or(true),
        algorithms: algorithms(raw.algorithms.as_ref(), &at("algorithms"), draft),
        leeway,
        deadline,
    };
    if options.algorithms.iter().any(|it| it.is_symmetric()) {
        let message = "tokens of the provider are signed by its own keys, never by a shared secret (HS256, HS384, \
                       HS512)";
        let hint = "leave them out, and let the provider sign by RS256 or ES256";
        draft.file.report_with_hint(at("algorithms"), message, hint);
    }
    let message = format!(
        "register `{}` at the provider as redirect URI, and `…/oidc/backchannel-logout` for its logouts",
        options.redirect_uri
    );
    draft.file.note(section.name("oidc"), message);
    Some(Arc::new(OidcProvider {
        keys: Keyring::new(keys),
        options,
    }))
}

fn discovery(
    issuer: &str,
    raw: &RawOidc,
    section: &Path,
    draft: &mut Draft<'_>,
) -> Option<Discovery> {
    let ca = raw.ca.as_ref();
    let ca = ca.and_then(|ca| draft.existing(ca, &section.key("ca")));
    let at = section.key("issuer");
    // Discovery §3: neither query nor fragment.
    let discovery = if issuer.contains(['?', '#']) {
        let issuer = clip(issuer);
        Err(format!(
            "`{issuer}` is no issuer: it has a query or a fragment"
        ))
    } else {
        Discovery::of(issuer, ca.as_deref()).map_err(|error| chain(&error))
    };
    match discovery {
        Ok(discovery) if discovery.is_safe() => Some(discovery),
        Ok(_) => {
            let message = "in the clear everybody on the way can sign in as anybody";
            draft.file.report_with_hint(at, message, "use `https://`");
            None
        }
        Err(message) => {
            draft.file.report(at, message);
            None
        }
    }
}

fn client(raw: &RawOidc, section: &Path, draft: &mut Draft<'_>) -> Option<ClientAuthentication> {
    let secret = raw.client_secret.as_ref();
    let secret = secret.map(|source| draft.password(source, &section.key("client_secret")));
    let authentication: fn(Secret<String>) -> _ = match raw.client_auth {
        Some(RawClientAuth::Post) => ClientAuthentication::Post,
        Some(RawClientAuth::Basic) | None => ClientAuthentication::Basic,
    };
    match (secret, raw.client_auth) {
        (Some(secret), _) => secret.map(authentication),
        (None, Some(_)) => {
            draft.missing(section, "client_secret", "`{ file: … }` or `{ env: … }`");
            None
        }
        (None, None) => Some(ClientAuthentication::None),
    }
}

/// What people call the provider: its host, if nobody says.
fn name(raw: &RawOidc, issuer: &str) -> String {
    let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or(host);
    raw.name.clone().unwrap_or_else(|| host.to_owned())
}

fn scopes(raw: &RawOidc, at: &Path, draft: &mut Draft<'_>) -> String {
    // Core §3.1.2.1: without it the answer has no ID token.
    let mut scopes = vec!["openid"];
    for (at, scope) in raw.scopes.iter().flat_map(|list| list.with_paths(at)) {
        // RFC 6749 §3.3.
        let is_scope = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
        if scope.is_empty() || !scope.bytes().all(is_scope) {
            let message = format!("`{}` is no scope: one word each", clip(scope));
            draft.file.report(&at, message);
        } else if scope != "openid" {
            scopes.push(scope);
        }
    }
    scopes.join(" ")
}

fn regex(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<WholeRegex> {
    match WholeRegex::new(text) {
        Ok(regex) => Some(regex),
        Err(error) => {
            let message = format!("`{}` is no regular expression: {error}", clip(text));
            draft.file.report(at, message);
            None
        }
    }
}

/// Core §5.7: of all claims only `sub` is never given to somebody else.
fn warn_of_changing(subject: &str, at: &Path, draft: &mut Draft<'_>) {
    const CHANGING: [&str; 5] = [
        "/email",
        "/name",
        "/nickname",
        "/preferred_username",
        "/upn",
    ];
    if CHANGING.contains(&subject) {
        let message = format!("`{subject}` may be changed by its owner at some providers");
        let hint = "who can take another's there proves to be them here: make sure that only an administrator can, or \
                    use a claim that never changes, such as `/sub`";
        draft.file.warn_with_hint(at, message, hint);
    }
}
