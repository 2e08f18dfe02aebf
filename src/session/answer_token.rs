//! The token in the answer to a login, which the client sends with `Authorization` from then on.

use super::credentials::only_set_cookie;
use crate::domain::only_line;
use http::{HeaderMap, HeaderName};
use serde_json::Value;

/// Bytes of a token, at most: more than any header that servers take.
const LONGEST: usize = 16 * 1024;

/// Where a token stands, and how clients send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerToken {
    /// Where it stands in the answer.
    pub place: AnswerTokenPlace,
    /// What stands before it in `Authorization`: `Bearer` (RFC 6750 §2.1), or what the application wants.
    pub scheme: String,
}

/// Where a token stands in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerTokenPlace {
    /// In a cookie of this name, which a script reads.
    Cookie(String),
    /// In a header that is there once, perhaps after its scheme.
    Header(HeaderName),
    /// At this pointer of its JSON (RFC 6901).
    Json(String),
}

impl AnswerToken {
    /// The `Authorization` line of whoever got this answer; `None` if it holds no token, or several.
    pub(super) fn line(&self, headers: &HeaderMap, body: Option<&[u8]>) -> Option<String> {
        let token = match &self.place {
            AnswerTokenPlace::Cookie(name) => {
                let value = only_set_cookie(headers, name)?;
                std::str::from_utf8(value).ok()?.to_owned()
            }
            AnswerTokenPlace::Header(name) => {
                let value = only_line(headers, name)?.to_str().ok()?.trim();
                let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
                let is_named = scheme.is_empty() || scheme.eq_ignore_ascii_case(&self.scheme);
                is_named.then(|| rest.trim_start().to_owned())?
            }
            AnswerTokenPlace::Json(pointer) => {
                let json: Value = serde_json::from_slice(body?).ok()?;
                json.pointer(pointer)?.as_str()?.to_owned()
            }
        };
        // Anything else would be sent in some other spelling, if at all.
        let is_token = (1..=LONGEST).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| format!("{} {token}", self.scheme))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(
        place: AnswerTokenPlace,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Option<String> {
        let lines = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        let scheme = "Bearer".to_owned();
        AnswerToken { place, scheme }.line(&lines.collect(), Some(body.as_bytes()))
    }

    #[test]
    fn a_token_is_found_where_the_settings_say() {
        let json = |body: &str| line(AnswerTokenPlace::Json("/data/token".to_owned()), &[], body);
        let told = Some("Bearer a.b-c".to_owned());
        assert_eq!(json(r#"{"data":{"token":"a.b-c"}}"#), told);
        for none in [
            r#"{"data":{"token":""}}"#,
            r#"{"data":{"token":null}}"#,
            r#"{"data":{"token":["a"]}}"#,
            r#"{"data":{"token":"a b"}}"#,
            r#"{"data":{"token":"a\r\nb"}}"#,
            r#"{"data":{"token":"ä"}}"#,
            r#"{"data":{"token":"a.b"#,
            "",
        ] {
            assert_eq!(json(none), None, "{none}");
        }
        let long = format!(r#"{{"data":{{"token":"{}"}}}}"#, "x".repeat(LONGEST + 1));
        assert_eq!(json(&long), None);
        let name = HeaderName::from_static("x-auth-token");
        let header = |lines: &[(&'static str, &str)]| {
            line(AnswerTokenPlace::Header(name.clone()), lines, "")
        };
        for value in ["a.b-c", "Bearer a.b-c", "bearer  a.b-c"] {
            assert_eq!(header(&[("x-auth-token", value)]), told, "{value}");
        }
        assert_eq!(header(&[("x-auth-token", "Basic a.b-c")]), None);
        assert_eq!(
            header(&[("x-auth-token", "a"), ("x-auth-token", "b")]),
            None
        );
        let cookie = |lines: &[(&'static str, &str)]| {
            line(AnswerTokenPlace::Cookie("jwt".to_owned()), lines, "")
        };
        assert_eq!(cookie(&[("set-cookie", "jwt=a.b-c; Path=/")]), told);
        for none in ["jwt=; Path=/", "jwt2=a", "jwt=a; Max-Age=0"] {
            assert_eq!(cookie(&[("set-cookie", none)]), None, "{none}");
        }
        let twice = [("set-cookie", "jwt=a"), ("set-cookie", "jwt=b")];
        assert_eq!(cookie(&twice), None);
    }
}
