//! The user of `Authorization: Basic` (RFC 7617), once the application has taken the password.
//!
//! Everybody can write any name there. So the application is asked twice, at a place that it shows to its users
//! only: with that header alone, which it must take, and with all that the request carries but that header, which
//! it must refuse. The first proves the password; the second, that it was judged, and that nothing else in the
//! request is somebody's, for whom the application may act instead.
//!
//! A browser sends the header with every request, so it is no login: freshness comes from a proof of ours.

use super::whoami::{Answered, KnownBy};
use super::{AskedRequest, Asker, Asserted, Whoami, WhoamiError};
use crate::domain::{Naming, Reason, Secret, SessionId, Subject, only_line};
use crate::request::context::RequestContext;
use crate::session::KeyNames;
use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, header};

/// How the application is asked whether it takes a password.
#[derive(Clone, Debug)]
pub struct Basic {
    /// The questions; a success is all that counts in an answer.
    pub questions: Whoami,
    /// Which spellings of a name are one subject.
    pub naming: Naming,
    /// Whether a one-time code may stand behind the password.
    pub codes: Codes,
}

/// Whether a one-time code may stand behind a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// Behind a comma: `password,123456`. Whatever ends so is read so.
    Appended,
    /// The password is all that there is.
    None,
}

/// Why the user of a request is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasicError {
    /// The application was asked.
    #[error("the application does not say whether it takes the password")]
    Asked(#[from] WhoamiError),
    /// It takes what the request carries beside the header.
    #[error(
        "the application takes the request for somebody's also without its `Authorization`: by a cookie or a key in it, \
         or because anybody may see what is at `session.basic.url`"
    )]
    Others,
}

impl BasicError {
    /// The word for it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Asked(error) => error.reason(),
            Self::Others => Reason::SubjectMismatch,
        }
    }
}

impl Basic {
    /// Whose a request is: `None` if it has no such header, nobody's if the application refuses the password.
    pub(super) async fn read(
        &self,
        asker: &Asker,
        key_names: &KeyNames,
        context: &RequestContext<'_>,
        request: &AskedRequest<'_>,
        sessions: &impl Fn() -> Vec<SessionId>,
    ) -> Result<Option<Option<Asserted>>, BasicError> {
        if !is_sent(request.headers) {
            return Ok(None);
        }
        let Some(subject) = user(request.headers, self.naming) else {
            return Ok(Some(None));
        };
        let rules = (&self.questions, key_names);
        let name = header::AUTHORIZATION.as_str();
        match asker
            .known_by(rules, context, request, name, sessions)
            .await?
        {
            KnownBy::NotTheHeader => Ok(Some(None)),
            KnownBy::TheHeader => Ok(Some(Some(Asserted::named(subject)))),
            KnownBy::OthersToo => Err(BasicError::Others),
        }
    }

    /// Whether an answer that was recorded says that a password is taken; `None` if it does not say.
    pub(crate) fn takes(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Option<bool> {
        let rule = self.questions.rules.first()?;
        match rule.judge(status, headers, &String::from_utf8_lossy(body)) {
            Answered::Person { .. } => Some(true),
            Answered::Nobody => Some(false),
            Answered::Other | Answered::Unnamed => None,
        }
    }
}

/// What follows the scheme, if that is Basic (RFC 9110 §11.4: in any letter case, then one or more spaces).
fn credentials(line: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = line.split_at_checked(6)?;
    let is_basic = scheme.eq_ignore_ascii_case(b"basic ");
    is_basic.then(|| rest.trim_ascii_start())
}

fn is_sent(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    lines.any(|line| credentials(line.as_bytes()).is_some())
}

/// Takes the code from behind the password of a request, and leaves the password. What ends in a comma and six digits ends
/// in a code, or two requests with one password would be of two sessions.
pub(super) fn take_code(headers: &mut HeaderMap) -> Option<Secret<String>> {
    let line = only_line(headers, &header::AUTHORIZATION)?;
    let decoded = Secret::new(BASE64.decode(credentials(line.as_bytes())?).ok()?);
    let colon = decoded.expose().iter().position(|byte| *byte == b':')?;
    let at = decoded.expose().len().checked_sub(CODE_LEN)?;
    let (pair, code) = decoded.expose().split_at_checked(at)?;
    let code = code.strip_prefix(b",")?;
    if at <= colon || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = Secret::new(std::str::from_utf8(code).ok()?.to_owned());
    let plain = Secret::new(format!("Basic {}", BASE64.encode(pair)));
    let mut plain = HeaderValue::from_str(plain.expose()).ok()?;
    plain.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, plain);
    Some(code)
}

/// A comma and six digits.
const CODE_LEN: usize = 7;

/// The user that the header names, if every parser reads it so: one line, Base64 with its padding and nothing that
/// decoders skip, text without controls, where C ends a name, and without blanks around it.
fn user(headers: &HeaderMap, naming: Naming) -> Option<Subject> {
    let line = only_line(headers, &header::AUTHORIZATION)?;
    let decoded = BASE64.decode(credentials(line.as_bytes())?).ok()?;
    // RFC 7617 §2: no user has a colon in their name, and a password may.
    let end = decoded.iter().position(|byte| *byte == b':')?;
    let name = std::str::from_utf8(decoded.get(..end)?).ok()?;
    (name == name.trim()).then(|| naming.subject(name))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user_of(lines: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let value = HeaderValue::from_bytes(line).unwrap();
            headers.append(header::AUTHORIZATION, value);
        }
        user(&headers, Naming::default()).map(|user| user.as_str().to_owned())
    }

    fn encoded(pair: &[u8]) -> Option<String> {
        user_of(&[format!("Basic {}", BASE64.encode(pair)).as_bytes()])
    }

    #[test]
    fn the_name_ends_at_the_first_colon() {
        assert_eq!(encoded(b"Alice:pw").as_deref(), Some("alice"));
        assert_eq!(encoded(b"alice:p:w").as_deref(), Some("alice"));
        assert_eq!(encoded(b"alice:").as_deref(), Some("alice"));
        assert_eq!(encoded(b"alice:\0\xFF").as_deref(), Some("alice"));
        // A letter with an accent, in both forms of Unicode.
        for name in ["ren\u{e9}:x", "rene\u{301}:x"] {
            assert_eq!(encoded(name.as_bytes()).as_deref(), Some("ren\u{e9}"));
        }
    }

    #[test]
    fn a_code_behind_the_password_is_taken_from_it() {
        let left = |pair: &[u8]| {
            let line = format!("bAsic  {}", BASE64.encode(pair));
            let value = HeaderValue::from_str(&line).unwrap();
            let mut headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.clone())]);
            let code = take_code(&mut headers);
            let after = headers.get(header::AUTHORIZATION).unwrap();
            assert_eq!(code.is_none(), *after == value);
            let pair = BASE64
                .decode(credentials(after.as_bytes()).unwrap())
                .unwrap();
            (pair, code.map(|code| code.expose().clone()))
        };
        for (pair, plain, code) in [
            (&b"alice:pw,123456"[..], &b"alice:pw"[..], Some("123456")),
            (
                b"alice:pw,123456,654321",
                b"alice:pw,123456",
                Some("654321"),
            ),
            (b"token:,123456", b"token:", Some("123456")),
            (b"alice:\xFF,123456", b"alice:\xFF", Some("123456")),
            (b"alice:pw,12345", b"alice:pw,12345", None),
            (b"alice:pw,1234567", b"alice:pw,1234567", None),
            (b"alice:pw,12345a", b"alice:pw,12345a", None),
            (b"alice:pw 123456", b"alice:pw 123456", None),
            (b"alice,123456", b"alice,123456", None),
            (b"a:b", b"a:b", None),
            (b",123456:", b",123456:", None),
        ] {
            let code = code.map(str::to_owned);
            assert_eq!(
                left(pair),
                (plain.to_vec(), code),
                "{}",
                pair.escape_ascii()
            );
        }
        let line = HeaderValue::from_static("Basic YWxpY2U6cHcsMTIzNDU2");
        let mut doubled = HeaderMap::from_iter([
            (header::AUTHORIZATION, line.clone()),
            (header::AUTHORIZATION, line),
        ]);
        assert!(take_code(&mut doubled).is_none());
    }

    #[test]
    fn what_is_not_read_alike_by_all_names_nobody() {
        for pair in [
            &b"alice"[..],
            b":pw",
            b" :pw",
            b"alice :pw",
            b" alice:pw",
            b"alice\0x:pw",
            b"al\nice:pw",
            b"ren\xE9:pw",
        ] {
            assert_eq!(encoded(pair), None, "{}", pair.escape_ascii());
        }
        let right = b"Basic YWxpY2U6cHdkMQ==";
        assert_eq!(user_of(&[right]).as_deref(), Some("alice"));
        assert_eq!(
            user_of(&[b"bAsIc   YWxpY2U6cHdkMQ=="]).as_deref(),
            Some("alice")
        );
        for line in [
            &b"Basic YWxpY2U6cHdkMQ"[..],
            b"Basic YWxpY2U6cHdkMQ=",
            b"Basic YWxpY2U6cHdkMR==",
            b"Basic YWxp Y2U6cHdkMQ==",
            b"Basic YWxpY2U6cHdkMQ==, Basic YWxpY2U6cHdkMQ==",
            b"Basic YWxpY2U6cHdkMQ==x",
            b"Basic YWxpY2U6_-__",
            b"Basic\tYWxpY2U6cHdkMQ==",
            b"Basic",
            b"Bearer YWxpY2U6cHdkMQ==",
            b"BasicYWxpY2U6cHdkMQ==",
        ] {
            assert_eq!(user_of(&[line]), None, "{}", line.escape_ascii());
        }
        assert_eq!(user_of(&[right, right]), None);
    }
}
