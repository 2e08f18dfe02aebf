//! Policies: from YAML files to routes.
//!
//! `raw.rs` is what may be written, `compile.rs` what it means. All files are read and all their
//! mistakes reported together; either all of them compile or none is used.

mod approval;
mod binding;
mod compile;
mod exception;
mod factors;
mod field;
mod inline;
mod invalid;
mod matching;
mod pattern;
mod raw;
mod sources;
mod template;
mod title;
mod words;

pub(crate) use matching::{graphql_operations, may_have_body};
pub(crate) use pattern::{Bare, named_tests};
pub(crate) use raw::{RawGraphQl, RawTest};
pub use sources::{Fingerprint, PolicyWatch, Sources};
pub use words::RESERVED_NAMES;

use crate::domain::{DefaultAction, Groups, Route, RouteTable, TableError};
use crate::yaml::{self, Diagnostic, Diagnostics, File, Path, Severity};
use raw::{RawDefault, RawPolicy};
use std::collections::HashMap;
use std::path::PathBuf;

/// All policy files, compiled.
#[derive(Clone, Debug)]
pub struct Policies {
    /// The routes of all files, in file order.
    pub routes: Vec<Route>,
    /// What happens to a request that no route matches.
    pub default: DefaultAction,
    /// The files, as they were named.
    pub files: Vec<String>,
    /// What is allowed and deserves a look: warnings and notes.
    pub remarks: Diagnostics,
}

impl Policies {
    /// The remarks that are warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        let remarks = self.remarks.iter();
        remarks.filter(|remark| remark.severity == Severity::Warning)
    }

    /// Indexes the routes.
    pub fn into_table(self) -> Result<RouteTable, TableError> {
        RouteTable::new(self.routes, self.default)
    }
}

/// Reads and compiles the policies at `paths`, which are files, or directories of `*.yaml` and
/// `*.yml` files; they may name `groups` of people.
pub fn load(paths: &[PathBuf], groups: &Groups) -> Result<Policies, Diagnostics> {
    Sources::read(paths).compile(groups)
}

/// Compiles policies that are already in memory, each with its name; they may name `groups` of people.
pub fn compile<'a>(
    texts: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    groups: &Groups,
) -> Result<Policies, Diagnostics> {
    let mut parts: Vec<PolicyPart> = texts
        .into_iter()
        .map(|(name, bytes)| PolicyPart::read(name, bytes, groups))
        .collect();
    refuse_doubled_ids(&mut parts);
    let default = agree_on_default(&mut parts);
    let mut policies = Policies {
        routes: Vec::new(),
        // That it is missing was reported as a mistake; should that ever pass, this is closed.
        default: default.unwrap_or(DefaultAction::Deny),
        files: Vec::new(),
        remarks: Diagnostics::default(),
    };
    warn_of_no_guard(&mut parts, policies.default);
    let mut mistakes = Diagnostics::default();
    for part in parts {
        policies.files.push(part.file.name().to_owned());
        policies.routes.extend(part.routes);
        let (wrong, remarks) = part.file.finish();
        mistakes.append(wrong);
        policies.remarks.append(remarks);
    }
    mistakes.or(policies)
}

/// One file on its way into the whole.
struct PolicyPart {
    file: File,
    default: Option<RawDefault>,
    /// The ids as written, also of routes that did not compile, each with its place.
    ids: Vec<(String, Path)>,
    routes: Vec<Route>,
}

impl PolicyPart {
    fn read(name: &str, bytes: &[u8], groups: &Groups) -> Self {
        let (raw, mut file) = yaml::read::<RawPolicy>(name, bytes);
        file.refuse_empty_values();
        let Some(raw) = raw else {
            return Self {
                file,
                default: None,
                ids: Vec::new(),
                routes: Vec::new(),
            };
        };
        let routes = compile::routes(&raw, groups, &mut file);
        let place = |index| Path::root().key("routes").item(index).key("id");
        let ids = raw.routes.into_iter().flatten().enumerate();
        Self {
            file,
            default: raw.default,
            ids: ids
                .filter_map(|(index, route)| Some((route.id?, place(index))))
                .collect(),
            routes,
        }
    }
}

fn refuse_doubled_ids(parts: &mut [PolicyPart]) {
    let mut first: HashMap<&str, (usize, &Path)> = HashMap::new();
    let mut doubled = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        for (id, place) in &part.ids {
            match first.get(id.as_str()) {
                Some((other, at)) if doubled.len() < MAX_LOCATED => {
                    let other = parts.get(*other).map(|other| other.file.place(*at));
                    doubled.push((index, id.clone(), place.clone(), other));
                }
                Some(_) => doubled.push((index, id.clone(), place.clone(), None)),
                None => {
                    first.insert(id, (index, place));
                }
            }
        }
    }
    for (index, id, place, other) in doubled {
        if let Some(part) = parts.get_mut(index) {
            let message = format!("`{id}` is the id of another route too");
            match other {
                Some(other) => {
                    let hint = format!("the other one is at {other}");
                    part.file.report_with_hint(&place, message, hint);
                }
                None => part.file.report(&place, message),
            }
        }
    }
}

/// All files must say the same: two different defaults are ambiguous.
fn agree_on_default(parts: &mut [PolicyPart]) -> Option<DefaultAction> {
    let (chosen, place) = parts.iter().find_map(|part| {
        let place = || part.file.place("default");
        part.default.map(|default| (default, place()))
    })?;
    for part in parts {
        if let Some(other) = part.default.filter(|other| *other != chosen) {
            part.file.report_with_hint(
                "default",
                format!(
                    "`default` is `{}` here and `{}` at {place}",
                    word(other),
                    word(chosen)
                ),
                "all files must agree",
            );
        }
    }
    Some(match chosen {
        RawDefault::Deny => DefaultAction::Deny,
        RawDefault::Forward => DefaultAction::Forward,
    })
}

const fn word(default: RawDefault) -> &'static str {
    match default {
        RawDefault::Deny => "deny",
        RawDefault::Forward => "forward",
    }
}

fn warn_of_no_guard(parts: &mut [PolicyPart], default: DefaultAction) {
    let is_empty = parts
        .iter()
        .all(|part| part.routes.is_empty() && !part.file.has_mistakes());
    if let (true, DefaultAction::Forward, Some(first)) = (is_empty, default, parts.first_mut()) {
        first
            .file
            .warn("routes", "there is no route, so nothing is guarded");
    }
}

/// For how many doubled ids the other place is looked up; each means reading a file again.
const MAX_LOCATED: usize = 64;

#[cfg(test)]
mod tests;
