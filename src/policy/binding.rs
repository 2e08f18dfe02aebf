//! What a grant is bound to, what the person is shown, and where the prompt can come before.

use super::field::{GRANT_FROM, NO_GRANT, RouteFields};
use super::invalid::valid;
use super::raw::RawRoute;
use super::template;
use super::words::phrase;
use crate::domain::{Binding, Field, RiskLevel};
use crate::yaml::{File, OneOrMore, Path};

/// How a grant for a route is tied to requests.
pub(super) struct Bound {
    pub(super) bind: Binding,
    pub(super) show: Vec<(String, Field)>,
    pub(super) anchor: Option<String>,
}

/// Compiles `bind`, `show` and `anchor` of a route; what is wrong is reported and left out.
pub(super) fn compile(
    raw: &RawRoute,
    available: &RouteFields<'_>,
    file: &mut File,
    at: &Path,
) -> Bound {
    let show = show(raw, available, file, &at.key("show"));
    let bind = bind(raw.bind.as_ref(), &show, available, file, &at.key("bind"));
    let unbound = |(_, field): &&(String, Field)| available.needs_grant && !binds(&bind, field);
    for (label, field) in show.iter().filter(unbound) {
        file.report_with_hint(
            at.key("show").key(label),
            format!("`{field}` is shown but not bound: another value could take its place"),
            format!("add `{field}` to `bind`"),
        );
    }
    let anchor = raw.anchor.as_deref();
    let anchor = anchor.and_then(|anchor| page(anchor, &bind, file, &at.key("anchor")));
    Bound { bind, show, anchor }
}

fn show(
    raw: &RawRoute,
    available: &RouteFields<'_>,
    file: &mut File,
    at: &Path,
) -> Vec<(String, Field)> {
    let Some(table) = &raw.show else {
        return Vec::new();
    };
    if !available.needs_grant {
        file.note(
            at,
            "what is shown is bound to nothing here: a fresh session opens the route for any value",
        );
    }
    let mut shown = Vec::new();
    for (label, text) in &table.0 {
        let written = valid(phrase(label, 64), file, &at.name(label));
        let field = valid(available.field(text), file, &at.key(label));
        shown.extend(written.zip(field));
    }
    shown
}

/// What a grant is bound to. Unless the policy says so itself, what the person is shown: that is
/// what they agree to.
fn bind(
    raw: Option<&OneOrMore<String>>,
    show: &[(String, Field)],
    available: &RouteFields<'_>,
    file: &mut File,
    at: &Path,
) -> Binding {
    let usual = || match available.level {
        _ if !available.needs_grant => Binding::Nothing,
        // Level 4 opens the very request that was confirmed, unless the policy names less.
        RiskLevel::Critical => Binding::Request,
        _ if show.is_empty() => Binding::Nothing,
        RiskLevel::Low | RiskLevel::Medium | RiskLevel::High => {
            Binding::Fields(show.iter().map(|(_, field)| field.clone()).collect())
        }
    };
    let Some(written) = raw else {
        return usual();
    };
    // A fresh session is bound to no request: below level 3 `bind` would promise what nothing keeps.
    if !available.needs_grant {
        file.report_with_hint(at, NO_GRANT, GRANT_FROM);
        return usual();
    }
    let words: Vec<&str> = written.items().iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            let hint = "`bind: nothing` if any request for the action will do";
            file.report_with_hint(at, "`bind` is empty", hint);
            usual()
        }
        ["request"] => Binding::Request,
        ["nothing"] => {
            if available.level == RiskLevel::Critical {
                let message = "at level 4 `bind: nothing` lets a grant open another request than the one confirmed";
                file.warn(at, message);
            }
            Binding::Nothing
        }
        _ => {
            let mut fields = Vec::new();
            for (at, word) in written.with_paths(at) {
                fields.extend(valid(available.field(word), file, &at));
            }
            Binding::Fields(fields)
        }
    }
}

/// Whether a grant so bound holds the value of a field fast. Of the headers, a grant for the
/// whole request holds none.
fn binds(bind: &Binding, field: &Field) -> bool {
    match (bind, field) {
        (Binding::Nothing, _) | (Binding::Request, Field::Header(_)) => false,
        (Binding::Fields(fields), field) => fields.contains(field),
        (Binding::Request, Field::Form(_) | Field::Json(_) | Field::Path(_) | Field::Query(_)) => {
            true
        }
    }
}

/// The anchor's page is opened before the request exists, so a grant earned there can be bound to
/// captures that both paths share, and to nothing else of the request.
fn page(anchor: &str, bind: &Binding, file: &mut File, at: &Path) -> Option<String> {
    let captures = valid(template::captures(anchor), file, at)?;
    let is_known = |field: &Field| match field {
        Field::Path(name) => captures.contains(name),
        Field::Form(_) | Field::Header(_) | Field::Json(_) | Field::Query(_) => false,
    };
    let is_possible = match bind {
        Binding::Nothing => true,
        // A value that only the later request has cannot be agreed to before it exists.
        Binding::Fields(fields) => fields.iter().all(is_known),
        Binding::Request => false,
    };
    if !is_possible {
        file.report_with_hint(
            at,
            "a grant from this page cannot be bound to a request that is yet to come",
            "bind captures that the anchor has too, such as `bind: [path.id]`, or drop the anchor",
        );
    }
    Some(anchor.to_owned())
}
