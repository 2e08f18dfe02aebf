//! A code that comes with the request itself, and is taken out of it.

use crate::domain::{Factor, FoundRoutes, Method, Requirement, Secret};
use crate::request::client_kind::ClientKind;
use crate::request::context::RequestContext;
use crate::session::DoubledCredential;
use crate::verification::looks_like_browser_key;
use http::header::{Entry, HeaderMap, HeaderName, HeaderValue};

/// A code that came with a request, and that the application does not get.
#[derive(Debug)]
pub(super) struct InlineCode {
    pub(super) code: Secret<String>,
    stood: Stood,
}

/// Where it stood.
#[derive(Debug)]
enum Stood {
    /// Behind the password.
    Password,
    /// In a header of its own.
    Header(HeaderName),
}

impl InlineCode {
    /// Takes a code out of the headers that the routes name; or it is the one that was `appended` to the password.
    pub(super) fn take(
        headers: &mut HeaderMap,
        found: &FoundRoutes,
        appended: Option<Secret<String>>,
    ) -> Result<Option<Self>, DoubledCredential> {
        let matches = found.matches().iter().map(|found| &found.route);
        let routes = matches.chain(found.waiting());
        let mut inline = routes.filter_map(|route| route.requirement.inline.as_ref());
        let mut sent = None;
        while let Some(name) = inline.next().map(|inline| &inline.header) {
            let Entry::Occupied(entry) = headers.entry(name) else {
                continue;
            };
            for line in entry.remove_entry_mult().1 {
                let code = Secret::new(String::from_utf8_lossy(line.as_bytes()).into_owned());
                let stood = Stood::Header(name.clone());
                // Two lines, or two such headers: somebody else than the program may have added one.
                if sent.replace(Self { code, stood }).is_some() {
                    return Err(DoubledCredential(format!("a code in `{name}`")));
                }
            }
        }
        let in_password = |code| Self {
            code,
            stood: Stood::Password,
        };
        Ok(sent.or(appended.map(in_password)))
    }

    /// Removes keys that we have handed out from headers that bring codes to some route: npm sends what it was given with
    /// all requests of a command, and what is not guarded of them would tell the application.
    pub(super) fn keep_keys(headers: &mut HeaderMap, names: &[HeaderName]) {
        let is_key = |line: &HeaderValue| line.to_str().is_ok_and(looks_like_browser_key);
        for name in names {
            if headers.get_all(name).iter().any(is_key) {
                headers.remove(name);
            }
        }
    }

    /// What it is an answer by, where a route requires this.
    pub(super) fn factor(&self, requirement: &Requirement) -> Option<Factor> {
        let factor = match &self.stood {
            Stood::Password => Factor::Totp,
            Stood::Header(name) => {
                let inline = requirement.inline.as_ref();
                inline.filter(|inline| inline.header == *name)?.factor
            }
        };
        requirement.takes_at_once(factor).then_some(factor)
    }

    /// Whether it is one that a person typed for this request. Not what a page of another site sends, or a browser with
    /// everything that follows a password; nor what shows nothing, or is fetched ahead: the code would be gone.
    pub(super) fn is_meant(&self, context: &RequestContext<'_>) -> bool {
        let is_program = context.hints.kind == ClientKind::Api;
        let is_idle = context.hints.speculative || context.method == Some(Method::Head);
        let is_sent = matches!(self.stood, Stood::Header(_)) || is_program;
        is_sent && !is_idle && context.is_same_origin()
    }
}
