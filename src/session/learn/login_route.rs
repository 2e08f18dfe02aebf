//! One declared login: which request it is, whom it names, and what its answer says.

use super::Sign;
use crate::domain::{
    Body, Captures, Field, Naming, RequestHead, Standing, Subject, ValueTest, Watched,
    answer_denies, carries_secret, cookie_says_otherwise, cookies_log_in, has_too_many_parameters,
    is_passive, may_stand_in_list, only_line, only_value, values,
};
use crate::session::answer_token::{AnswerToken, AnswerTokenPlace};
use crate::session::credentials::{cookie_text, only_set_cookie};
use http::{HeaderMap, HeaderName};
use serde_json::Value;
/// A request that logs a subject in, and how the application tells that it did.
#[derive(Clone, Debug)]
pub struct LoginRoute {
    /// The request.
    pub request: Watched,
    /// Who is logging in.
    pub subject: SubjectSource,
    /// Which spellings of a name are one subject.
    pub naming: Naming,
    /// What a success looks like; all must hold. Failure is often a 200.
    pub success: Vec<Sign>,
}

/// Where the name of the subject stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectSource {
    /// At this pointer of the arguments of a GraphQL field: what somebody typed.
    GraphQl(String),
    /// In the request: what somebody typed.
    Request(Field),
    /// In a cookie that the response sets: what the application says.
    ResponseCookie(String),
    /// In a header of the response: what the application says.
    ResponseHeader(HeaderName),
    /// At this pointer of the response's JSON: what the application says.
    ResponseJson(String),
    /// In what the application says when it is asked.
    Whoami,
}

impl LoginRoute {
    /// Whether a request that its path covers is this login: all that is asked for must be there, and a
    /// password with it, unless the settings say what else is. By another method than the watched ones it
    /// is one to applications that take parameters from everywhere, such as PHP's `$_REQUEST`.
    pub(super) fn standing(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Standing {
        let of_request = self.request.standing(head, body);
        let has_method = self.request.has_method_of(head);
        if has_method && body.is_some_and(|body| has_too_many_parameters(head, body)) {
            // What must be absent may stand beyond the parameters that were counted.
            let is_none = of_request == Standing::No && !self.request.asks_for_absence();
            return if is_none {
                Standing::No
            } else {
                Standing::Perhaps
            };
        }
        if of_request == Standing::No {
            return Standing::No;
        }
        let needs_secret = if has_method {
            self.needs_secret()
        } else {
            !self.request.is_named_by(head, body)
        };
        let standing = if needs_secret {
            of_request.min(self.carries_secret(head, body))
        } else {
            of_request
        };
        // Answered without anybody having typed anything: it may renew a session, and proves nothing.
        if is_passive(head, body) {
            standing.min(Standing::Perhaps)
        } else {
            standing
        }
    }

    fn carries_secret(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Standing {
        let may_carry = match &self.subject {
            SubjectSource::Request(field) => {
                cookies_log_in(field, head, body) || may_stand_in_list(field, body)
            }
            SubjectSource::GraphQl(_)
            | SubjectSource::ResponseCookie(_)
            | SubjectSource::ResponseHeader(_)
            | SubjectSource::ResponseJson(_)
            | SubjectSource::Whoami => false,
        };
        let least = if may_carry {
            Standing::Perhaps
        } else {
            Standing::No
        };
        carries_secret(head, body).max(least)
    }

    /// Whether only a request with a password can be this login: somebody types who they are, and the
    /// settings ask for no other field to be there.
    pub fn needs_secret(&self) -> bool {
        let asks_for_a_field = |(field, test): &(Field, ValueTest)| {
            matches!(field, Field::Form(_) | Field::Json(_))
                && matches!(test, ValueTest::Present | ValueTest::Regex(_))
        };
        matches!(
            &self.subject,
            SubjectSource::Request(Field::Form(_) | Field::Json(_))
        ) && !self.request.tests().iter().any(asks_for_a_field)
    }

    /// The subject that the request names; `None` if it names none, or several.
    pub(super) fn subject_in_request(
        &self,
        head: &RequestHead<'_>,
        body: &Body<'_>,
    ) -> Option<Subject> {
        // An argument has one value in one document: nothing stands for it elsewhere.
        let field = match &self.subject {
            SubjectSource::Request(field) => field,
            SubjectSource::GraphQl(pointer) => {
                let typed = self.request.argument(pointer, head, body)?;
                return self.naming.subject(&typed);
            }
            SubjectSource::ResponseCookie(_)
            | SubjectSource::ResponseHeader(_)
            | SubjectSource::ResponseJson(_)
            | SubjectSource::Whoami => return None,
        };
        // An application may prefer what stands in the other place under the same name: then nobody
        // knows whom it let in, and whoever logs in as another would choose whose proof is asked for.
        let captures = Captures::default();
        let only = only_value(field, head, &captures, body)?;
        // Frameworks that merge body and query (Rails, Express' `req.param`) may take the query's value.
        if let Field::Json(pointer) = field {
            let name = pointer.rsplit('/').next().unwrap_or_default().to_owned();
            let nothing = Body::read_or_opaque(head.headers, &[]);
            if !values(&Field::Query(name), head, &captures, &nothing).is_empty() {
                return None;
            }
        }
        let subject = self.naming.subject(&only)?;
        let is_same = |said: &str| self.naming.subject(said).as_ref() == Some(&subject);
        (!cookie_says_otherwise(field, head, is_same)).then_some(subject)
    }

    /// Whether the body of the request must be read to know the subject, or whether it is a login.
    pub(super) fn reads_request_body(&self) -> bool {
        self.request.reads_body()
            || matches!(
                &self.subject,
                SubjectSource::Request(Field::Form(_) | Field::Json(_) | Field::Query(_))
            )
    }

    /// Whether the body of the response must be read to know whether it succeeded, and who has logged in.
    pub fn reads_response_body(&self) -> bool {
        let mut signs = self.success.iter();
        matches!(self.subject, SubjectSource::ResponseJson(_))
            || signs.any(|sign| match sign {
                Sign::Body(_) | Sign::Json(..) | Sign::NotBody(_) => true,
                Sign::Token(token) => matches!(token.place, AnswerTokenPlace::Json(_)),
                Sign::Cookie(_) | Sign::Location(_) | Sign::Status(_) => false,
            })
    }

    /// The token in the answer that clients carry after it, if they carry one.
    pub fn token(&self) -> Option<&AnswerToken> {
        self.success.iter().find_map(|sign| match sign {
            Sign::Token(token) => Some(token),
            Sign::Body(_)
            | Sign::Cookie(_)
            | Sign::Json(..)
            | Sign::Location(_)
            | Sign::NotBody(_)
            | Sign::Status(_) => None,
        })
    }

    /// Whether a success is declared to lead to this `Location`.
    pub fn leads_to(&self, location: &str) -> bool {
        self.success.iter().any(|sign| match sign {
            Sign::Location(regex) => regex.is_match(location),
            Sign::Body(_)
            | Sign::Cookie(_)
            | Sign::Json(..)
            | Sign::NotBody(_)
            | Sign::Status(_)
            | Sign::Token(_) => false,
        })
    }

    /// Whether a success may have this status.
    pub fn may_succeed_with(&self, status: u16) -> bool {
        let mut named = self.success.iter().filter_map(|sign| match sign {
            Sign::Status(good) => Some(good.contains(&status)),
            Sign::Body(_)
            | Sign::Cookie(_)
            | Sign::Json(..)
            | Sign::Location(_)
            | Sign::NotBody(_)
            | Sign::Token(_) => None,
        });
        // None is named: whatever is no error may be a success.
        named.next().unwrap_or(status < 400)
    }

    /// Whether the status of an answer tells by itself that this login failed: an error, or the form again
    /// where a success is a redirect.
    pub fn is_refused_by(&self, status: u16) -> bool {
        self.is_error(status) || (status == 200 && !self.may_succeed_with(status))
    }

    /// Whether a status says that the request was refused (RFC 9110 §15.5). A 5xx says nothing: what failed may have
    /// come after the login. Nor does an error of GraphQL, whose other fields may bring any.
    pub fn is_error(&self, status: u16) -> bool {
        (400..500).contains(&status) && self.request.operations().is_empty()
    }

    /// Whether the JSON of an answer says that this login failed: JSON-RPC answers 200 for errors as well. With
    /// GraphQL it never does, since one field may fail beside the login, and take the whole answer with it.
    pub fn is_denied_by(&self, body: &[u8]) -> bool {
        self.request.operations().is_empty()
            && self.success.iter().any(|sign| match sign {
                Sign::Json(pointer, test) => answer_denies(body, pointer, test),
                Sign::Body(_)
                | Sign::Cookie(_)
                | Sign::Location(_)
                | Sign::NotBody(_)
                | Sign::Status(_)
                | Sign::Token(_) => false,
            })
    }

    /// Whether somebody types who they are, and the application never says it.
    pub fn believes_what_is_typed(&self) -> bool {
        matches!(
            self.subject,
            SubjectSource::GraphQl(_) | SubjectSource::Request(_)
        )
    }

    /// The subject that the response names, where the settings say that it does.
    pub fn subject_in_response(&self, headers: &HeaderMap, body: Option<&[u8]>) -> Option<Subject> {
        match &self.subject {
            SubjectSource::GraphQl(_) | SubjectSource::Request(_) | SubjectSource::Whoami => None,
            SubjectSource::ResponseCookie(name) => {
                let name = cookie_text(only_set_cookie(headers, name)?)?;
                self.naming.subject(&name)
            }
            SubjectSource::ResponseHeader(name) => {
                let name = only_line(headers, name)?.to_str().ok()?;
                self.naming.subject(name)
            }
            SubjectSource::ResponseJson(pointer) => {
                let json: Value = serde_json::from_slice(body?).ok()?;
                match json.pointer(pointer)? {
                    Value::String(name) => self.naming.subject(name),
                    Value::Number(number) => self.naming.subject(&number.to_string()),
                    Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => None,
                }
            }
        }
    }

    /// Tells whether the application let the subject in. `body` is what was read of the response's,
    /// `None` where none was, or none that can be read.
    pub fn succeeded(&self, status: u16, headers: &HeaderMap, body: Option<&[u8]>) -> bool {
        !self.success.is_empty() && self.missing_sign(status, headers, body).is_none()
    }

    /// The first sign of a success that the answer does not show.
    pub fn missing_sign(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Option<&Sign> {
        let mut signs = self.success.iter();
        signs.find(|sign| !sign.is_shown(status, headers, body))
    }
}
