//! Names in a policy, and texts that people will read or type.

use super::invalid::Invalid;
use crate::yaml::clip;

/// How the names of Stepgate's own routes and actions begin. No policy can use them: a grant for one of its routes
/// must not open a page of ours.
pub const RESERVED_NAMES: &str = "stepgate.";

/// Checks the name of a route or an action.
pub(super) fn name(text: &str) -> Result<&str, Invalid> {
    // Names stand as they are in log lines, in the labels of metrics and in answers.
    let is_part = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !starts_well || text.len() > 64 || !text.chars().all(is_part) {
        return Err(Invalid::new(format!("`{}` is no name", clip(text)))
            .hint("up to 64 letters, digits, `-`, `_` and `.`, beginning with a letter or digit"));
    }
    if text.starts_with(RESERVED_NAMES) {
        let message = format!("`{}` begins with `{RESERVED_NAMES}`", clip(text));
        return Err(Invalid::new(message).hint("such names are for Stepgate's own pages"));
    }
    Ok(text)
}

/// Checks a text that people will read or type.
pub(super) fn phrase(text: &str, max: usize) -> Result<String, Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::new("this text is empty"));
    }
    // No one sees such a blank, and a phrase must be typed exactly.
    if text.trim() != text {
        return Err(Invalid::new("this text begins or ends with a blank"));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new(
            "this text holds a line break or another control character",
        ));
    }
    if text.chars().count() > max {
        return Err(Invalid::new(format!(
            "this text is longer than {max} characters"
        )));
    }
    Ok(text.to_owned())
}

/// `delete-user` as people would say it: `Delete user`.
pub(super) fn humanize(id: &str) -> String {
    let words: Vec<&str> = id
        .split(['-', '_', '.'])
        .filter(|word| !word.is_empty())
        .collect();
    let text = words.join(" ");
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => text,
    }
}
