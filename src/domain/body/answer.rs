//! What the JSON of the application's answer says.

use super::json::Json;
use crate::domain::ValueTest;

/// Whether the JSON of an answer passes a test at a pointer (RFC 6901); never, if it is none.
pub fn answer_shows(answer: &[u8], pointer: &str, test: &ValueTest) -> bool {
    Json::parse(answer).is_ok_and(|json| json.shows(pointer, test))
}

/// Whether the JSON of an answer has a value at a pointer that says the contrary of a test. One that is only
/// another than the test asks for may come with a success as well (`"role": "admin"`).
pub fn answer_denies(answer: &[u8], pointer: &str, test: &ValueTest) -> bool {
    Json::parse(answer).is_ok_and(|json| {
        let found = json.plainly_at(pointer);
        found.is_some_and(|found| !json.shows(pointer, test) && found.contradicts(test))
    })
}

impl Json {
    /// Whether the JSON of an answer passes a test at a pointer. What is `null` or an empty list is absent there
    /// (JSON-RPC 1.0 §1.2 has `error: null`), and what is present is a value that means something.
    fn shows(&self, pointer: &str, test: &ValueTest) -> bool {
        match (test, self.plainly_at(pointer)) {
            (ValueTest::Absent, Some(found)) => found.is_nothing(),
            (ValueTest::Absent, None) => self.at(pointer).iter().all(|found| found.is_nothing()),
            (ValueTest::Present, Some(found)) => found.is_certain(""),
            (ValueTest::Present, None) => false,
            (ValueTest::Equals(_) | ValueTest::Regex(_), _) => {
                self.occurrence(pointer).passes(test)
            }
        }
    }

    fn contradicts(&self, test: &ValueTest) -> bool {
        match test {
            ValueTest::Absent => self.is_certain(""),
            ValueTest::Present => true,
            ValueTest::Equals(_) | ValueTest::Regex(_) => match self {
                Self::Bool(said) => !said,
                Self::Null => true,
                Self::String(text) => {
                    let text = text.to_ascii_lowercase();
                    FAILURES.iter().any(|word| text.starts_with(word))
                }
                Self::Array(_) | Self::Number(_) | Self::Object(_) => false,
            },
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Array(items) => items.is_empty(),
            Self::Bool(_) | Self::Number(_) | Self::Object(_) | Self::String(_) => false,
        }
    }
}

/// How words begin that say no.
const FAILURES: &[&str] = &[
    "denied", "err", "fail", "false", "invalid", "ko", "nok", "refuse", "reject", "unauth", "wrong",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_shows_and_denies_what_stands_in_it() {
        let absent = ValueTest::Absent;
        let present = ValueTest::Present;
        let seven = ValueTest::Equals("7".to_owned());
        let yes = ValueTest::Equals("true".to_owned());
        for (answer, pointer, test, shows, denies) in [
            (
                r#"{"result":{"uid":7}}"#,
                "/result/uid",
                &present,
                true,
                false,
            ),
            (
                r#"{"result":{"uid":7}}"#,
                "/result/uid",
                &seven,
                true,
                false,
            ),
            (
                r#"{"result":{"uid":8}}"#,
                "/result/uid",
                &seven,
                false,
                false,
            ),
            (r#"{"ok":false}"#, "/ok", &yes, false, true),
            (r#"{"ok":null}"#, "/ok", &yes, false, true),
            (r#"{"ok":"failed"}"#, "/ok", &yes, false, true),
            (r#"{"ok":"password-expired"}"#, "/ok", &yes, false, false),
            (r#"{"ok":401}"#, "/ok", &yes, false, false),
            (r#"{"error":""}"#, "/error", &absent, false, false),
            (r#"{"result":{"uid":7}}"#, "/result", &present, true, false),
            (r#"{"result":{"uid":7}}"#, "/error", &absent, true, false),
            (
                r#"{"result":{"uid":7},"error":null}"#,
                "/error",
                &absent,
                true,
                false,
            ),
            (
                r#"{"data":{"login":{}},"errors":[]}"#,
                "/errors",
                &absent,
                true,
                false,
            ),
            (r#"{"error":{"code":1}}"#, "/error", &absent, false, true),
            (
                r#"{"error":{"code":1}}"#,
                "/result/uid",
                &present,
                false,
                false,
            ),
            (r#"{"Error":{"code":1}}"#, "/error", &absent, false, false),
            // What a wrong password is answered with, by Odoo and by GraphQL.
            (
                r#"{"result":{"uid":false}}"#,
                "/result/uid",
                &present,
                false,
                true,
            ),
            (
                r#"{"data":{"login":null}}"#,
                "/data/login",
                &present,
                false,
                true,
            ),
            (
                r#"{"data":{"login":{}}}"#,
                "/data/login",
                &present,
                false,
                true,
            ),
            // A batch, a key twice, more than one document.
            (
                r#"[{"result":{"uid":7}}]"#,
                "/result/uid",
                &present,
                false,
                false,
            ),
            (r#"{"uid":7,"uid":8}"#, "/uid", &present, false, false),
            (r#"{"uid":7,"UID":8}"#, "/uid", &present, false, false),
            (r#"{"uid":7} {}"#, "/uid", &present, false, false),
            ("", "/uid", &absent, false, false),
        ] {
            let told = (
                answer_shows(answer.as_bytes(), pointer, test),
                answer_denies(answer.as_bytes(), pointer, test),
            );
            assert_eq!(told, (shows, denies), "{answer} {pointer}");
        }
    }
}
