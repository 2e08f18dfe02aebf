//! What names and values look like.

/// Whether a parameter says where a login leads.
pub(super) fn leads_on(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "next", "return", "redirect", "continue", "goto", "back", "from", "url", "target",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// A word of the application's own rather than something new with each request.
pub(super) fn is_word(text: &str) -> bool {
    let letters = text.chars().filter(char::is_ascii_alphabetic).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let plain = |char: char| char.is_ascii_alphanumeric() || "_-.:/".contains(char);
    (1..=32).contains(&text.len()) && text.chars().all(plain) && letters > 3 * digits
}

/// Names of fields in which people type who they are, the surest first.
pub(super) const NAMES: &[&str] = &[
    "username",
    "user_name",
    "login",
    "user",
    "email",
    "mail",
    "account",
    "identifier",
    "uid",
    "userid",
    "name",
    "log",
    "benutzer",
    "kennung",
    "nick",
    "handle",
    "phone",
];
/// Whether a field says what a request is to do: also `@action` (Roundup) and `:action` (Zope).
pub(super) fn is_action(name: &str) -> bool {
    let name = name.trim_start_matches(['@', ':', '_']);
    ACTIONS.contains(&name.to_ascii_lowercase().as_str())
}

/// Names of fields that say what a request of a front controller is to do.
const ACTIONS: &[&str] = &[
    "action",
    "act",
    "cmd",
    "command",
    "do",
    "form_id",
    "func",
    "method",
    "mode",
    "module",
    "op",
    "operation",
    "page",
    "task",
    "title",
    "view",
];
