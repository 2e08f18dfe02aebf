//! What the application is told of who sends its requests, and under which names.

use super::Draft;
use crate::domain::Origin;
use crate::identity::{AssertionOptions, IdentityOptions, PlainHeaders, SigningAlgorithm};
use crate::request::may_tell;
use crate::session::{KeyNames, SessionOptions, Source};
use crate::settings::raw_identity::{RawAssertion, RawIdentity, RawPlainHeaders, RawSigning};
use crate::yaml::{Path, clip};
use http::HeaderName;

/// The header of the assertion, if the settings name none.
const HEADER: &str = "step-up-assertion";

pub(super) fn compile(
    raw: Option<&RawIdentity>,
    public: Option<&Origin>,
    sessions: &SessionOptions,
    draft: &mut Draft<'_>,
) -> Option<IdentityOptions> {
    let raw = raw?;
    let at = Path::root().key("upstream").key("identity");
    if raw.assertion.is_none() && raw.headers.is_none() {
        let hint = "`assertion: {}` signs what it says; `headers: { subject: Step-Up-Subject }` says it plainly";
        let message = "nothing is told: expected `assertion`, `headers` or both";
        draft.file.report_with_hint(&at, message, hint);
    }
    let read = sessions.source.as_ref().and_then(Source::own_header);
    let read = sessions.identity_headers().into_iter().chain(read);
    let mut names = Names {
        taken: Vec::new(),
        read: read.cloned().collect(),
        keys: &sessions.key_names,
        draft,
    };
    let assertion = raw.assertion.as_ref();
    let assertion =
        assertion.map(|raw| assertion_of(raw, public, &at.key("assertion"), &mut names));
    let headers = raw.headers.as_ref();
    let headers = headers.map(|raw| plain(raw, &at.key("headers"), &mut names));
    Some(IdentityOptions {
        assertion: assertion.flatten(),
        headers: headers.unwrap_or_default(),
    })
}

fn assertion_of(
    raw: &RawAssertion,
    public: Option<&Origin>,
    at: &Path,
    names: &mut Names<'_, '_>,
) -> Option<AssertionOptions> {
    let header = raw.header.as_deref().unwrap_or(HEADER);
    let header = names.take(header, &at.key("header"));
    let mut party = |written: &Option<String>, field: &str, hint: &str| {
        let public = public.map(|origin| origin.as_str().to_owned());
        let party = written.clone().or(public);
        names.draft.needed(party.as_ref(), at, field, hint).cloned()
    };
    let hint = "whom assertions are for, as the application will check it; `public_url` stands for it where it is set";
    let audience = party(&raw.audience, "audience", hint);
    let hint = "who makes assertions, as the application will check it; `public_url` stands for it where it is set";
    let issuer = party(&raw.issuer, "issuer", hint);
    Some(AssertionOptions {
        header: header?,
        audience: audience?,
        issuer: issuer?,
        algorithm: match raw.algorithm {
            Some(RawSigning::EdDSA) => SigningAlgorithm::EdDsa,
            // More libraries know it.
            Some(RawSigning::ES256) | None => SigningAlgorithm::Es256,
        },
    })
}

fn plain(raw: &RawPlainHeaders, at: &Path, names: &mut Names<'_, '_>) -> PlainHeaders {
    let mut name = |written: &Option<String>, field: &str| {
        let written = written.as_ref()?;
        names.take(written, &at.key(field))
    };
    let headers = PlainHeaders {
        subject: name(&raw.subject, "subject"),
        level: name(&raw.level, "level"),
        amr: name(&raw.amr, "amr"),
        auth_time: name(&raw.auth_time, "auth_time"),
    };
    let message = "whoever reaches the application past Stepgate can send these headers as well; an `assertion` can be checked";
    names.draft.file.note(at, message);
    headers
}

/// The names under which the application is told something.
struct Names<'d, 'f> {
    taken: Vec<HeaderName>,
    /// By which the session of a request is known.
    read: Vec<HeaderName>,
    keys: &'d KeyNames,
    draft: &'d mut Draft<'f>,
}

impl Names<'_, '_> {
    fn take(&mut self, text: &str, at: &Path) -> Option<HeaderName> {
        let name = self.draft.header(text, at)?;
        let refusal = match may_tell(name.as_str()) {
            Err(why) => Some(why.to_string()),
            Ok(()) if self.read.contains(&name) => {
                Some("is one by which `session` tells whose a request is".to_owned())
            }
            Ok(()) if self.keys.reads_header(name.as_str()) => {
                Some("is a credential by which a session is known".to_owned())
            }
            Ok(()) if self.taken.contains(&name) => Some("says something else already".to_owned()),
            Ok(()) => None,
        };
        if let Some(why) = refusal {
            let message = format!("`{}` cannot be named here: it {why}", clip(text));
            let hint = "such as `Step-Up-Subject`, or a name that the application reads, such as `Remote-User`";
            self.draft.file.report_with_hint(at, message, hint);
        }
        self.taken.push(name.clone());
        Some(name)
    }
}
