//! The groups of people that policies name.

use super::Draft;
use crate::domain::{Groups, Naming};
use crate::yaml::{OneOrMore, Path, Table, clip};

/// Compiles `groups`; people are compared by `naming`.
pub(super) fn compile(
    raw: Option<&Table<OneOrMore<String>>>,
    naming: Naming,
    draft: &mut Draft<'_>,
) -> Groups {
    let section = Path::root().key("groups");
    let mut groups = Groups::new(naming);
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
