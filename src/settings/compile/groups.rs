//! The groups of people that policies name.

use super::Draft;
use crate::domain::{Groups, Naming};
use crate::yaml::{OneOrMore, Path, Table, clip};

impl Draft<'_> {
    /// Where a source says which groups people are in, and what stands between them in a text.
    pub(super) fn groups<T>(
        &mut self,
        place: Option<T>,
        separator: Option<&str>,
        usual: &str,
        section: &Path,
    ) -> Option<(T, String)> {
        if place.is_none() && separator.is_some() {
            let at = section.key("groups_separator");
            (self.file).report_with_hint(
                at,
                "there is nothing to separate",
                "say where `groups` are",
            );
        }
        Some((place?, separator.unwrap_or(usual).to_owned()))
    }
}

/// Compiles `groups`; people are compared by `naming`. Those that are not named here, the source may name.
pub(super) fn compile(
    raw: Option<&Table<OneOrMore<String>>>,
    (naming, is_asserted): (Naming, bool),
    draft: &mut Draft<'_>,
) -> Groups {
    let section = Path::root().key("groups");
    let mut groups = Groups::new(naming, is_asserted);
    for (name, written) in raw.map_or(&[][..], |table| &table.0) {
        let mut members = Vec::new();
        for (at, text) in written.with_paths(&section.key(name)) {
            match groups.person(text) {
                Some(person) if members.contains(&person) => {
                    draft.file.warn(at, format!("`{person}` is named twice"));
                }
                Some(person) => members.push(person),
                None => {
                    let message = format!("`{}` is no name of a person", clip(text));
                    draft.file.report(at, message);
                }
            }
        }
        // An empty one is reported where a policy names it.
        groups.add(name, members);
    }
    groups
}
