//! The source of subjects: one of several sections of `session`.

mod basic;
mod headers;
mod jwt;
mod own_endpoints;
mod records;
mod whoami;

pub(super) use jwt::algorithms;
pub(super) use own_endpoints::check_endpoints;

use super::Draft;
use crate::domain::{CookieName, Naming};
use crate::session::Source;
use crate::settings::raw_session::RawSession;
use crate::yaml::Path;
use ipnet::IpNet;

/// What the settings say beside a source.
pub(super) struct SourceInputs<'r> {
    pub(super) naming: Naming,
    pub(super) cookies: &'r [CookieName],
    pub(super) trusted_proxies: &'r [IpNet],
}

/// A section that may be written.
struct Section {
    name: &'static str,
    is_written: fn(&RawSession) -> bool,
    /// Whether requests carry what it reads in no cookie.
    tells_alone: bool,
}

/// All of them. Who writes two is told of the second.
const SECTIONS: &[Section] = &[
    Section {
        name: "headers",
        is_written: |raw| raw.headers.is_some(),
        tells_alone: true,
    },
    Section {
        name: "jwt",
        is_written: |raw| raw.jwt.is_some(),
        tells_alone: true,
    },
    Section {
        name: "basic",
        is_written: |raw| raw.basic.is_some(),
        tells_alone: true,
    },
    Section {
        name: "redis",
        is_written: |raw| raw.redis.is_some(),
        tells_alone: false,
    },
    Section {
        name: "whoami",
        is_written: |raw| raw.whoami.is_some(),
        tells_alone: false,
    },
];

/// What the section that is written means.
pub(super) fn compile(
    raw: &RawSession,
    beside: &SourceInputs<'_>,
    draft: &mut Draft<'_>,
) -> Option<Source> {
    let naming = beside.naming;
    let headers = raw.headers.as_ref();
    let headers =
        headers.and_then(|raw| headers::compile(raw, naming, beside.trusted_proxies, draft));
    let whoami = whoami::compile(raw.whoami.as_ref(), naming, draft);
    let jwt = jwt::compile(raw.jwt.as_ref(), naming, beside.cookies, draft);
    let basic = basic::compile(raw.basic.as_ref(), naming, draft);
    let records = records::compile(raw.redis.as_ref(), beside, draft);
    refuse_several(raw, draft);
    let headers = headers.map(Source::Headers);
    headers
        .or(jwt.map(Source::Jwt))
        .or(basic.map(Source::Basic))
        .or(records.map(Source::Records))
        .or(whoami.map(Source::Whoami))
}

/// Whether any is written.
pub(super) fn is_written(raw: &RawSession) -> bool {
    written(raw).next().is_some()
}

/// Whether one is written that needs no cookies.
pub(super) fn tells_alone(raw: &RawSession) -> bool {
    written(raw).any(|section| section.tells_alone)
}

/// How the sections are called: `session.a`, `session.b` or `session.c`.
pub(super) fn names() -> String {
    let names = SECTIONS.iter();
    let names = names.map(|section| format!("`session.{}`", section.name));
    let names = names.collect::<Vec<_>>().join(", ");
    let last = names.rsplit_once(", ");
    last.map_or_else(
        || names.clone(),
        |(others, last)| format!("{others} or {last}"),
    )
}

fn written(raw: &RawSession) -> impl Iterator<Item = &'static Section> {
    SECTIONS.iter().filter(|section| (section.is_written)(raw))
}

/// Of several that name the subject of every request it could not be told which is right.
fn refuse_several(raw: &RawSession, draft: &mut Draft<'_>) {
    let mut written = written(raw);
    let Some(Section { name: first, .. }) = written.next() else {
        return;
    };
    for other in written {
        let message =
            format!("stands beside `session.{first}`: both name the subject of every request");
        let hint = "keep `headers` where a proxy in front logs people in, `jwt` where every request carries a \
                    token, `basic` for passwords of HTTP, `redis` where the application keeps sessions there, `whoami` where the application knows its users in any other way";
        let at = Path::root().key("session").key(other.name);
        draft.file.report_with_hint(at, message, hint);
    }
}
