//! Which cookies make a session: set by a login, brought by what follows, and gone with the logout.

use super::exchange::SeenExchange;
use super::findings::{Findings, FoundCookie};

/// Looks for them.
pub(super) fn find(exchanges: &[SeenExchange], found: &mut Findings) {
    let rights = found.logins.iter().flat_map(|login| &login.right);
    let Some(first) = rights.copied().min() else {
        return;
    };
    let after = exchanges.get(first + 1..).unwrap_or_default();
    let mut left_out = Vec::new();
    for login in found.logins.iter().flat_map(|login| &login.right) {
        let Some(login) = exchanges.get(*login) else {
            continue;
        };
        // RFC 6265bis §8.4: a new value with the login is what keeps a session from being fixed before it.
        for set in login.renewed() {
            if found.cookies.iter().any(|known| known.name == set.name) {
                continue;
            }
            let deleted = after.iter().flat_map(|exchange| &exchange.set);
            let deleted = deleted.filter(|other| other.name == set.name);
            let deleted = deleted.clone().any(|other| other.value.is_none());
            let brought = after
                .iter()
                .filter(|exchange| exchange.cookies.contains_key(&set.name));
            let renewed = after.iter().filter(|exchange| {
                exchange.status < 400 && exchange.renewed().any(|other| other.name == set.name)
            });
            let (brought, renewed) = (brought.count(), renewed.count());
            // `HttpOnly` or a deletion at the logout: no script needs it, and it ends with the session.
            let is_session =
                !is_beside(&set.name) && (set.http_only || deleted || is_named_so(&set.name));
            if brought == 0 && !after.is_empty() {
                found.notes.push(format!(
                    "the login sets `{}`, and no later request brings it: its `Domain`, `Path` or `Secure` may keep \
                     the browser from it here",
                    set.name
                ));
            }
            if is_session {
                found.cookies.push(FoundCookie {
                    name: set.name.clone(),
                    path: set.path.clone().filter(|path| path != "/"),
                    by_login: true,
                    deleted,
                    rolls: brought >= 4 && renewed * 2 > brought,
                });
            } else {
                left_out.push(set.name.clone());
            }
        }
    }
    if found.cookies.is_empty() {
        kept(exchanges, first, found);
    }
    left_out.dedup();
    if !left_out.is_empty() {
        found.notes.push(format!(
            "cookies that the login sets as well, and that look like none of a session: {}. Add those by which the \
             application knows people",
            left_out.join(", ")
        ));
    }
}

/// An application that keeps the cookie of before the login.
fn kept(exchanges: &[SeenExchange], login: usize, found: &mut Findings) {
    let Some(login) = exchanges.get(login) else {
        return;
    };
    for name in login
        .cookies
        .keys()
        .filter(|name| is_named_so(name) && !is_beside(name))
    {
        found.notes.push(format!(
            "the login keeps the value that `{name}` had before it: whoever has set that value in somebody's browser \
             is signed in with them (session fixation)"
        ));
        found.cookies.push(FoundCookie {
            name: name.clone(),
            path: None,
            by_login: false,
            deleted: false,
            rolls: false,
        });
    }
}

/// Cookies beside a session: tokens against forgery, messages, settings, balancers.
fn is_beside(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = [
        "csrf",
        "xsrf",
        "antiforgery",
        "verificationtoken",
        "flash",
        "message",
        "locale",
        "lang",
        "theme",
        "consent",
        "timezone",
        "awsalb",
        "__cf",
        "_ga",
        "_gid",
        "hint",
        "stepgate",
    ];
    parts.iter().any(|part| name.contains(part))
}

/// Whether a name is one that sessions have.
fn is_named_so(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "sess", "sid", "auth", "token", "login", "jwt", "identity", "remember", "sso", "user",
    ]
    .iter()
    .any(|part| name.contains(part))
}
