//! What a user has enrolled, as `stepgate user show` tells it: names and times, and nothing that is secret.

use crate::cli::output::printable;
use crate::domain::{Factor, User};
use crate::verification::codes_left;
use crate::web::api::EnrolledView;

/// All that the person enrolled. What an operator set has no entry.
pub(super) fn enrolled(user: &User) -> Vec<EnrolledView> {
    let of_kind = |factor| {
        let entries = user.entries(factor);
        entries.map(move |entry| EnrolledView::of(&(factor, Some(entry))))
    };
    Factor::BY_PREFERENCE
        .into_iter()
        .flat_map(of_kind)
        .collect()
}

/// The same as lines: a label, and what it says.
pub(super) fn lines(user: &User) -> impl Iterator<Item = (&'static str, String)> {
    let lines = enrolled(user).into_iter();
    let lines = lines.map(|one| ("enrolled", described(&one)));
    let left = codes_left(user);
    lines.chain((left > 0).then(|| ("codes left", left.to_string())))
}

fn described(one: &EnrolledView) -> String {
    let name = if one.name.is_empty() {
        String::new()
    } else {
        // Whoever chose the name must not write to the operator's terminal.
        format!(" `{}`", printable(&one.name))
    };
    let added = one.added_at.as_deref().unwrap_or("-");
    let used = match &one.used_at {
        Some(at) => format!("last used {at}"),
        None => "never used".to_owned(),
    };
    format!("{}{name}, added {added}, {used}", one.factor)
}
