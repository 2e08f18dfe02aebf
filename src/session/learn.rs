//! Logins and logouts, as the application itself answers them.
//!
//! A new cookie is not a login: remember-me revives sessions without a password, so only a login
//! that the settings declare counts, and only if the application's answer shows that it succeeded.

use super::answer_token::{AnswerToken, AnswerTokenPlace};
use super::login::Named;
use crate::domain::{
    Body, Captures, CookieName, Field, Naming, RequestHead, Standing, Subject, ValueTest, Watched,
    WholeRegex, answer_denies, answer_shows, carries_secret, cookie_says_otherwise, cookies_log_in,
    has_too_many_parameters, is_passive, may_stand_in_list, only_line, only_value, shows_secret,
    values,
};
use http::{HeaderMap, HeaderName, header};
use serde_json::Value;
use std::sync::Arc;

/// The logins and logouts to watch.
#[derive(Clone, Debug, Default)]
pub struct Learn {
    /// Requests that log a subject in.
    pub logins: Vec<Arc<LoginRoute>>,
    /// Requests that log the subject out.
    pub logouts: Vec<Arc<Watched>>,
}

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
    /// In a header of the response: what the application says.
    ResponseHeader(HeaderName),
    /// At this pointer of the response's JSON: what the application says.
    ResponseJson(String),
    /// In what the application says when it is asked.
    Whoami,
}

/// One sign of a success.
#[derive(Clone, Debug)]
pub enum Sign {
    /// The body matches, as far as it was read.
    Body(regex::Regex),
    /// The response sets this cookie.
    Cookie(CookieName),
    /// The JSON of the body passes this test at this pointer.
    Json(String, ValueTest),
    /// The `Location` matches as a whole.
    Location(WholeRegex),
    /// The body does not match, as far as it was read.
    NotBody(regex::Regex),
    /// The status is one of these.
    Status(Vec<u16>),
    /// The answer holds the token that clients carry from then on.
    Token(AnswerToken),
}

/// The logins and logouts that a request may turn out to be, as far as its head tells.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    logins: Vec<Arc<LoginRoute>>,
    logouts: Vec<Arc<Watched>>,
}

/// What a request turned out to be.
#[derive(Debug)]
pub enum Found {
    /// A login, if the application says so; by each of these entries.
    Login(Vec<Attempt>),
    /// A logout, to some application at least: forgetting too much is safe.
    Logout,
    /// Nothing of ours.
    Nothing,
    /// A login to some applications and something else to others: what an answer to it means cannot be
    /// told, but the session may not be what it was.
    Unclear(Unclear),
}

/// A request that may be a login.
#[derive(Debug)]
pub struct Unclear {
    /// By these entries.
    pub routes: Vec<Arc<LoginRoute>>,
    /// Whether it holds a secret, so that only a refusal says that it was none.
    pub shows_secret: bool,
}

/// A login under way, as one entry of the settings reads it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The entry.
    pub route: Arc<LoginRoute>,
    /// Whom the request names, where the entry looks there.
    pub typed: Option<Subject>,
}

impl Attempt {
    /// Whom the request names.
    pub fn name(&self) -> Named {
        self.typed.clone().map_or(Named::Nobody, Named::Typed)
    }

    /// Whether the body of the response must be read to know whether it succeeded.
    pub fn reads_response_body(&self) -> bool {
        self.route.reads_response_body()
    }
}

impl Learn {
    /// Whether a request asks for the page from which a login is sent, where its path or query tells:
    /// there people find the form.
    pub fn has_form_at(&self, head: &RequestHead<'_>) -> bool {
        let mut logins = self.logins.iter();
        logins.any(|login| login.request.is_sent_from(head))
    }

    /// The entries whose path a request has under any reading, and logouts whose method as well.
    pub fn candidates(&self, head: &RequestHead<'_>) -> Candidates {
        let logins = self
            .logins
            .iter()
            .filter(|login| login.request.has_path_of(head));
        let logouts = self.logouts.iter().filter(|logout| logout.covers(head));
        Candidates {
            logins: logins.cloned().collect(),
            logouts: logouts.cloned().collect(),
        }
    }
}

impl Candidates {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.logins.is_empty() && self.logouts.is_empty()
    }

    /// Whether the body of the request must be read to know more.
    pub fn reads_body(&self) -> bool {
        let of_login = |login: &Arc<LoginRoute>| login.reads_request_body();
        self.logins.iter().any(of_login) || self.logouts.iter().any(|logout| logout.reads_body())
    }

    /// Tells what the request is. `body` is `None` if it was too long to be read.
    pub fn settle(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Found {
        let judged = self
            .logins
            .iter()
            .map(|one| (one.standing(head, body), one));
        let judged: Vec<_> = judged.collect();
        let of = |wanted| {
            let found = judged
                .iter()
                .filter(move |(standing, _)| *standing == wanted);
            found.map(|(_, login)| Arc::clone(login))
        };
        let attempt = |route: Arc<LoginRoute>| Attempt {
            typed: body.and_then(|body| route.subject_in_request(head, body)),
            route,
        };
        // A login wins over a logout at the same path: whoever logs in there is somebody from now on.
        let certain: Vec<_> = of(Standing::Yes).map(attempt).collect();
        if !certain.is_empty() {
            return Found::Login(certain);
        }
        let standing = |logout: &Arc<Watched>| logout.standing(head, body);
        let logout = self.logouts.iter().map(standing).max();
        if logout == Some(Standing::Yes) {
            return Found::Logout;
        }
        // Before a possible logout: a session that may have changed hands is worse than one forgotten too soon.
        let unclear: Vec<_> = of(Standing::Perhaps).collect();
        if !unclear.is_empty() {
            return Found::Unclear(Unclear {
                routes: unclear,
                shows_secret: shows_secret(head, body),
            });
        }
        match logout {
            Some(Standing::Perhaps) => Found::Logout,
            Some(Standing::No | Standing::Yes) | None => Found::Nothing,
        }
    }
}

impl LoginRoute {
    /// Whether a request that its path covers is this login: all that is asked for must be there, and a
    /// password with it, unless the settings say what else is. By another method than the watched ones it
    /// is one to applications that take parameters from everywhere, such as PHP's `$_REQUEST`.
    fn standing(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Standing {
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
    fn subject_in_request(&self, head: &RequestHead<'_>, body: &Body<'_>) -> Option<Subject> {
        // An argument has one value in one document: nothing stands for it elsewhere.
        let field = match &self.subject {
            SubjectSource::Request(field) => field,
            SubjectSource::GraphQl(pointer) => {
                let typed = self.request.argument(pointer, head, body)?;
                return self.naming.subject(&typed);
            }
            SubjectSource::ResponseHeader(_)
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
    fn reads_request_body(&self) -> bool {
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
        status >= 400 || (status == 200 && !self.may_succeed_with(status))
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

impl Sign {
    /// Whether an answer shows it. `body` is what was read of it.
    pub fn is_shown(&self, status: u16, headers: &HeaderMap, body: Option<&[u8]>) -> bool {
        let text = || body.map(String::from_utf8_lossy);
        match self {
            Self::Body(regex) => text().is_some_and(|text| regex.is_match(&text)),
            // A body that was not read may hold the words of a failure.
            Self::NotBody(regex) => !text().is_none_or(|text| regex.is_match(&text)),
            Self::Cookie(name) => sets_cookie(headers, name),
            Self::Json(pointer, test) => body.is_some_and(|body| answer_shows(body, pointer, test)),
            // Of two lines clients take one or the other, or none: what cannot be told is no sign.
            Self::Location(regex) => only_line(headers, &header::LOCATION)
                .and_then(|location| location.to_str().ok())
                .is_some_and(|location| regex.is_match(location)),
            Self::Status(statuses) => statuses.contains(&status),
            Self::Token(token) => token.line(headers, body).is_some(),
        }
    }

    /// The field of `success` that asks for it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Body(_) => "body",
            Self::Cookie(_) => "cookie",
            Self::Json(..) => "json",
            Self::Location(_) => "location",
            Self::NotBody(_) => "not_body",
            Self::Status(_) => "status",
            Self::Token(_) => "token",
        }
    }

    /// Whether many applications show it to whoever is signed in already as well.
    pub const fn is_weak(&self) -> bool {
        match self {
            Self::Json(_, ValueTest::Absent)
            | Self::Cookie(_)
            | Self::NotBody(_)
            | Self::Status(_) => true,
            Self::Body(_) | Self::Json(..) | Self::Location(_) | Self::Token(_) => false,
        }
    }
}

fn sets_cookie(headers: &HeaderMap, name: &CookieName) -> bool {
    let mut set = super::credentials::set_cookies(headers);
    // A cookie without a value is being deleted, as failed logins do.
    set.any(|cookie| name.covers(cookie.name.as_bytes()) && cookie.value.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Accept, Method, MethodSet, RequestPath};

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";

    fn form(name: &str) -> Field {
        Field::Form(name.to_owned())
    }

    fn json(pointer: &str) -> Field {
        Field::Json(pointer.to_owned())
    }

    fn query(name: &str) -> Field {
        Field::Query(name.to_owned())
    }

    fn equals(text: &str) -> ValueTest {
        ValueTest::Equals(text.to_owned())
    }

    fn watched(method: Method, path: &str, tests: &[(Field, ValueTest)]) -> Watched {
        Watched::new(MethodSet::EMPTY.with(method), path, tests.to_vec()).unwrap()
    }

    fn login(path: &str, subject: Field, tests: &[(Field, ValueTest)]) -> Arc<LoginRoute> {
        Arc::new(LoginRoute {
            request: watched(Method::Post, path, tests),
            naming: Naming::default(),
            subject: SubjectSource::Request(subject),
            success: vec![Sign::Status(vec![302])],
        })
    }

    /// A login at `/login` whose subject is a field of a form.
    fn usual() -> Learn {
        Learn {
            logins: vec![login("/login", form("user"), &[])],
            logouts: vec![],
        }
    }

    struct Sent<'r> {
        method: Method,
        target: &'r str,
        kind: &'static str,
        /// `None` if it was not read.
        body: Option<&'r str>,
    }

    fn post<'r>(target: &'r str, kind: &'static str, body: &'r str) -> Sent<'r> {
        Sent {
            method: Method::Post,
            target,
            kind,
            body: Some(body),
        }
    }

    fn with_head<T>(
        sent: &Sent<'_>,
        headers: &HeaderMap,
        ask: impl Fn(&RequestHead<'_>) -> T,
    ) -> T {
        let (path, query) = sent.target.split_once('?').unwrap_or((sent.target, ""));
        let path = RequestPath::parse(path, &Accept::default()).unwrap();
        ask(&RequestHead::new(sent.method, &path, Some(query), headers))
    }

    /// What a request turns out to be, with whom it names.
    fn found(learn: &Learn, sent: &Sent<'_>) -> String {
        found_with(learn, sent, "lang=en")
    }

    fn found_with(learn: &Learn, sent: &Sent<'_>, cookies: &str) -> String {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, sent.kind.parse().unwrap()),
            (header::COOKIE, cookies.parse().unwrap()),
        ]);
        let body = sent
            .body
            .map(|body| Body::read_or_opaque(&headers, body.as_bytes()));
        with_head(sent, &headers, |head| {
            match learn.candidates(head).settle(head, body.as_ref()) {
                Found::Login(attempts) => {
                    let names = attempts.iter().map(|one| match &one.typed {
                        Some(subject) => subject.as_str().to_owned(),
                        None => "nobody".to_owned(),
                    });
                    format!("login of {}", names.collect::<Vec<_>>().join(" or "))
                }
                Found::Logout => "logout".to_owned(),
                Found::Nothing => "nothing".to_owned(),
                Found::Unclear(_) => "unclear".to_owned(),
            }
        })
    }

    #[test]
    fn a_subject_in_a_list_or_in_another_spelling_is_nobody() {
        for (pointer, document, name) in [
            (
                "/user",
                r#"{"user":"alice","password":"x","x":[1]}"#,
                "alice",
            ),
            (
                "/a/user",
                r#"{"a":{"user":"alice"},"password":"x"}"#,
                "alice",
            ),
            ("/user", r#"[{"user":"alice","password":"x"}]"#, "nobody"),
            ("/user", r#"{"user":["alice"],"password":"x"}"#, "nobody"),
            ("/user", r#"{"USER":"alice","password":"x"}"#, "nobody"),
            (
                "/user",
                r#"{"user":"alice","us_er":"bob","password":"x"}"#,
                "nobody",
            ),
            (
                "/user",
                r#"{"user":{"name":"alice"},"password":"x"}"#,
                "nobody",
            ),
            (
                "/a/user",
                r#"{"a":[{"user":"alice"}],"password":"x"}"#,
                "nobody",
            ),
            ("/a/0", r#"{"a":["alice"],"password":"x"}"#, "alice"),
            ("/a/00", r#"{"a":["alice"],"password":"x"}"#, "nobody"),
            ("/a/1", r#"{"a":["alice"],"password":"x"}"#, "nobody"),
            ("/a/0", r#"{"a":[["alice"]],"password":"x"}"#, "nobody"),
            ("/0/user", r#"[{"user":"alice","password":"x"}]"#, "nobody"),
        ] {
            let learn = Learn {
                logins: vec![login("/login", json(pointer), &[])],
                logouts: vec![],
            };
            let told = found(&learn, &post("/login", JSON, document));
            assert_eq!(told, format!("login of {name}"), "{pointer} {document}");
        }
    }

    #[test]
    fn only_a_request_that_is_plainly_a_login_may_be_believed_as_one() {
        let alice = "user=alice&password=x";
        for target in ["/login?next=/a", "/Login/"] {
            assert_eq!(
                found(&usual(), &post(target, FORM, alice)),
                "login of alice",
                "{target}"
            );
        }
        for target in [
            "/login?_method=GET",
            "/login;x",
            "/login.any",
            "/%6cogin",
            "/index.php/login",
        ] {
            assert_eq!(
                found(&usual(), &post(target, FORM, alice)),
                "unclear",
                "{target}"
            );
        }
        let get = |target| Sent {
            method: Method::Get,
            ..post(target, FORM, "")
        };
        assert_eq!(found(&usual(), &get("/login")), "nothing");
        assert_eq!(
            found(&usual(), &get("/login?_method=POST&password=x")),
            "unclear"
        );
    }

    #[test]
    fn a_subject_that_the_request_names_twice_is_nobody() {
        let by_query = Learn {
            logins: vec![login("/login", query("user"), &[])],
            logouts: vec![],
        };
        for (learn, target, body, name) in [
            (usual(), "/login", "user=alice", "alice"),
            (usual(), "/login?user=alice", "user=bob", "nobody"),
            (usual(), "/login?user=alice", "a=b", "nobody"),
            (usual(), "/login", "user=alice&USER=bob", "nobody"),
            (usual(), "/login", "user=alice&user[]=bob", "nobody"),
            (by_query.clone(), "/login?user=alice", "a=b", "alice"),
            (by_query.clone(), "/login?user=alice", "user=bob", "nobody"),
            (
                by_query.clone(),
                "/login?user=alice",
                "USER[]=bob",
                "nobody",
            ),
            (by_query, "/login", "user=bob", "nobody"),
        ] {
            let body = format!("{body}&password=x");
            let told = found(&learn, &post(target, FORM, &body));
            assert_eq!(told, format!("login of {name}"), "{target} {body}");
        }
    }

    #[test]
    fn nobody_logs_in_without_a_password_unless_the_settings_say_how() {
        for (body, told) in [
            ("user=alice&password=x", "login of alice"),
            ("user=alice&login[passwd]=x", "login of alice"),
            ("user=alice&pin=1234", "login of alice"),
            ("user=alice&password=", "nothing"),
            ("user=alice&name=Alice", "nothing"),
            ("user=alice&csrf_token=x", "nothing"),
        ] {
            assert_eq!(found(&usual(), &post("/login", FORM, body)), told, "{body}");
        }
        // One that could not be read, or stands where only some applications look, may hold one.
        let unread = Sent {
            body: None,
            ..post("/login", FORM, "")
        };
        assert_eq!(found(&usual(), &unread), "unclear");
        assert_eq!(
            found(&usual(), &post("/login", "text/plain", "user=alice")),
            "unclear"
        );
        assert_eq!(
            found(&usual(), &post("/login?password=x", FORM, "user=alice")),
            "unclear"
        );
        let by_code = Learn {
            logins: vec![login(
                "/login",
                form("user"),
                &[(form("code"), ValueTest::Present)],
            )],
            logouts: vec![],
        };
        assert_eq!(
            found(&by_code, &post("/login", FORM, "user=alice&code=1")),
            "login of alice"
        );
        assert_eq!(
            found(&by_code, &post("/login", FORM, "user=alice&password=1")),
            "nothing"
        );
    }

    #[test]
    fn a_login_by_another_method_or_by_cookies_is_unclear() {
        let secret = "user=alice&password=x";
        for (method, target, body, told) in [
            (Method::Get, "/login?user=alice&password=x", "", "unclear"),
            (Method::Get, "/login?user=alice&%70assword=x", "", "unclear"),
            (Method::Get, "/login?user=alice", "", "nothing"),
            (Method::Get, "/login?next=/a&csrf_token=x", "", "nothing"),
            (Method::Put, "/login", secret, "unclear"),
            (Method::Patch, "/login", "user=alice", "nothing"),
            (
                Method::Get,
                "/elsewhere?user=alice&password=x",
                "",
                "nothing",
            ),
        ] {
            let sent = Sent {
                method,
                ..post(target, FORM, body)
            };
            assert_eq!(found(&usual(), &sent), told, "{method:?} {target} {body}");
        }
        for (cookies, body, told) in [
            ("user=alice; password=x", "", "unclear"),
            ("password=x", "user=alice", "unclear"),
            ("USER[]=alice; pass_word=y; my_password=x", "", "unclear"),
            ("password=x", "", "nothing"),
            ("user=alice", "", "nothing"),
            (
                "user=alice; lang=de",
                "user=bob&password=x",
                "login of nobody",
            ),
            (
                "USER=bob; user=alice",
                "user=bob&password=x",
                "login of nobody",
            ),
            ("user=al%69ce", "user=bob&password=x", "login of nobody"),
            (
                "user=BOB; users=alice",
                "user=bob&password=x",
                "login of bob",
            ),
        ] {
            let sent = post("/login", FORM, body);
            let told_now = found_with(&usual(), &sent, cookies);
            assert_eq!(told_now, told, "{cookies} {body}");
        }
    }

    #[test]
    fn the_page_of_a_login_has_its_path_and_query() {
        let asks = |route: &LoginRoute, target: &str| {
            let sent = Sent {
                method: Method::Get,
                ..post(target, FORM, "")
            };
            let headers = HeaderMap::new();
            with_head(&sent, &headers, |head| route.request.is_sent_from(head))
        };
        let by_path = login("/login", form("user"), &[]);
        let by_secret = login(
            "/login",
            form("user"),
            &[(form("pass"), ValueTest::Present)],
        );
        for route in [by_path, by_secret] {
            assert!(asks(&route, "/login") && asks(&route, "/login?next=/a"));
            assert!(!asks(&route, "/login/x") && !asks(&route, "/"));
        }
        let by_query = login(
            "/index.php",
            form("user"),
            &[(query("do"), equals("login"))],
        );
        assert!(asks(&by_query, "/index.php?lang=de&do=login"));
        for page in [
            "",
            "?do=home",
            "?do=login&do=home",
            "?DO=login",
            "?do[]=login",
        ] {
            assert!(!asks(&by_query, &format!("/index.php{page}")), "{page}");
        }
        for test in [equals("login"), ValueTest::Present] {
            let by_form = login("/index.php", form("user"), &[(form("task"), test)]);
            assert!(!asks(&by_form, "/index.php"));
        }
    }

    #[test]
    fn a_login_needs_all_that_the_settings_ask_for() {
        let by_query = login(
            "/index.php",
            form("user"),
            &[(query("do"), equals("login"))],
        );
        let by_form = login(
            "/index.php",
            form("user"),
            &[(form("task"), equals("login"))],
        );
        let secret = "user=alice&password=x";
        for (route, target, body, told) in [
            (&by_query, "/index.php?do=login", "", "login of alice"),
            (&by_query, "/index.php?do=search", "", "nothing"),
            (&by_query, "/index.php", "", "nothing"),
            // Some applications take a parameter from either place, the first or the last one.
            (&by_query, "/index.php", "&do=login", "unclear"),
            (&by_query, "/index.php?do=login&do=search", "", "unclear"),
            (&by_query, "/index.php?do=search&DO=login", "", "unclear"),
            (&by_query, "/index.php?do=login", "&do=search", "unclear"),
            (&by_form, "/index.php", "&task=login", "login of alice"),
            (&by_form, "/index.php", "&task=save", "nothing"),
            (&by_form, "/index.php?task=save", "&task=login", "unclear"),
            (&by_form, "/index.php?task=login", "&task=save", "unclear"),
            (&by_form, "/index.php?task=login", "", "unclear"),
        ] {
            let learn = Learn {
                logins: vec![Arc::clone(route)],
                logouts: vec![],
            };
            let body = format!("{secret}{body}");
            assert_eq!(
                found(&learn, &post(target, FORM, &body)),
                told,
                "{target} {body}"
            );
        }
    }

    #[test]
    fn nobody_logs_in_by_a_passive_request() {
        let learn = Learn {
            logins: vec![login("/session", json("/user"), &[])],
            logouts: vec![],
        };
        for (body, told) in [
            (r#"{"user":"alice","password":"x"}"#, "login of alice"),
            (
                r#"{"user":"alice","password":"x","passive":false}"#,
                "login of alice",
            ),
            (r#"{"user":"alice","passive":true}"#, "nothing"),
            // With a password, an application may look at either.
            (
                r#"{"user":"alice","password":"x","passive":true}"#,
                "unclear",
            ),
            (
                r#"{"user":"alice","password":"x","IsPassive":1}"#,
                "unclear",
            ),
            (
                r#"{"user":"alice","password":"x","prompt":"none"}"#,
                "unclear",
            ),
        ] {
            assert_eq!(found(&learn, &post("/session", JSON, body)), told, "{body}");
        }
        let silent = post(
            "/session?silent=true",
            JSON,
            r#"{"user":"alice","password":"x"}"#,
        );
        assert_eq!(found(&learn, &silent), "unclear");
        let declared = Learn {
            logins: vec![login(
                "/session",
                json("/user"),
                &[(json("/auto"), ValueTest::Absent)],
            )],
            logouts: vec![],
        };
        let auto = r#"{"user":"alice","password":"x","auto":1}"#;
        assert_eq!(found(&declared, &post("/session", JSON, auto)), "nothing");
    }

    #[test]
    fn what_stands_beyond_the_limits_of_parsers_names_nobody() {
        let fields = |count: usize| "a=1&".repeat(count) + "user=alice&password=x";
        assert_eq!(
            found(&usual(), &post("/login", FORM, &fields(90))),
            "login of alice"
        );
        for count in [100, 1100] {
            assert_eq!(
                found(&usual(), &post("/login", FORM, &fields(count))),
                "unclear"
            );
        }
        let target = "/login?".to_owned() + &"a=1&".repeat(100);
        assert_eq!(
            found(&usual(), &post(&target, FORM, "user=alice&password=x")),
            "unclear"
        );
        // Nor is it a reason to take a login for nothing.
        let late = "a=1&".repeat(1000) + "passive=1&user=alice";
        assert_eq!(found(&usual(), &post("/login", FORM, &late)), "unclear");
    }

    #[test]
    fn several_entries_may_share_a_path() {
        let learn = Learn {
            logins: vec![
                login("/do", form("user"), &[(form("task"), equals("login"))]),
                login("/do", form("mail"), &[(form("task"), equals("join"))]),
                login("/do", form("name"), &[(form("task"), equals("login"))]),
            ],
            logouts: vec![Arc::new(watched(
                Method::Post,
                "/do",
                &[(form("task"), equals("logout"))],
            ))],
        };
        for (body, told) in [
            ("task=join&mail=alice&password=x", "login of alice"),
            (
                "task=login&user=alice&name=bob&password=x",
                "login of alice or bob",
            ),
            ("task=logout", "logout"),
            ("task=save&password=x", "nothing"),
            ("task=logout&task=login&user=alice&password=x", "unclear"),
        ] {
            assert_eq!(found(&learn, &post("/do", FORM, body)), told, "{body}");
        }
    }
}
