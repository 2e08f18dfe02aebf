//! Logins in several steps: whether the one that is declared names the user by itself.

use super::Draft;
use crate::domain::{Field, ValueTest};
use crate::session::{Learn, LoginRoute, SubjectSource};
use crate::yaml::Path;

/// Warns of entries for a step in which nobody types a password, and whose name is the page's: the application may
/// go by what was typed before. Where another source names the user, that counts instead.
pub(super) fn warn_of_earlier_names(learn: &Learn, draft: &mut Draft<'_>) {
    let logins = Path::root().key("session").key("learn").key("logins");
    for (index, login) in learn.logins.iter().enumerate() {
        if let Some(name) = name_without_password(login) {
            let message = format!(
                "names whoever the field `{name}` says, in a request that needs no password: an application that goes \
                 by the name of an earlier step may log in somebody else"
            );
            let hint = "have the application say who it was: `subject: whoami`, or a field of its answer \
                        (`response_json`, `response_header`); or, if a password is sent along, ask for its field: \
                        `form: { password: present }`";
            let at = logins.item(index).key("subject");
            draft.file.warn_with_hint(at, message, hint);
        }
    }
}

/// The field that names the user, where the request may be a login without a password.
fn name_without_password(login: &LoginRoute) -> Option<&str> {
    let SubjectSource::Request(Field::Form(name) | Field::Json(name)) = &login.subject else {
        return None;
    };
    let asks_for_password = |(field, test): &(Field, ValueTest)| {
        matches!(field, Field::Form(name) | Field::Json(name) if is_password(name))
            && matches!(test, ValueTest::Present | ValueTest::Regex(_))
    };
    let mut tests = login.request.tests().iter();
    (!login.needs_secret() && !tests.any(asks_for_password)).then_some(name)
}

/// A place in a list (`/params/1` of JSON-RPC) may be that of a password.
fn is_password(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let last = name.rsplit('/').next().unwrap_or_default();
    let is_place = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    is_place || PASSWORDS.iter().any(|word| name.contains(word))
}

/// How fields of passwords are named, rather than those of codes.
const PASSWORDS: &[&str] = &["pass", "pwd", "kennwort"];
