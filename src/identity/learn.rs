//! Logins and logouts, as the application itself answers them.
//!
//! A new cookie is not a login: remember-me revives sessions without a password, so only a login
//! that the settings declare counts, and only if the application's answer shows that it succeeded.

use crate::domain::captures_folded;
use crate::domain::{
    Body, Captures, Field, MethodSet, RequestHead, Subject, Template, WholeRegex, only_line, values,
};
use http::{HeaderMap, HeaderName, header};
use std::sync::Arc;

/// The logins and logouts to watch.
#[derive(Clone, Debug, Default)]
pub struct Learn {
    /// Requests that log a subject in.
    pub logins: Vec<Arc<LoginRoute>>,
    /// Requests that log the subject out.
    pub logouts: Vec<WatchedRoute>,
}

/// A request worth watching.
#[derive(Clone, Debug)]
pub struct WatchedRoute {
    methods: MethodSet,
    path: Template,
    forms: Vec<String>,
}

/// A request that logs a subject in, and how the application tells that it did.
#[derive(Clone, Debug)]
pub struct LoginRoute {
    /// The request.
    pub route: WatchedRoute,
    /// Who is logging in.
    pub subject: SubjectSource,
    /// What a success looks like; all must hold. Failure is often a 200.
    pub success: Vec<Sign>,
}

/// Where the name of the subject stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectSource {
    /// In the request.
    Request(Field),
    /// In a header of the response.
    ResponseHeader(HeaderName),
}

/// One sign of a success.
#[derive(Clone, Debug)]
pub enum Sign {
    /// The body matches, as far as it was read.
    Body(regex::Regex),
    /// The response sets this cookie.
    Cookie(String),
    /// The `Location` matches as a whole.
    Location(WholeRegex),
    /// The body does not match, as far as it was read.
    NotBody(regex::Regex),
    /// The status is one of these.
    Status(Vec<u16>),
}

/// What a request may turn out to be.
#[derive(Clone, Copy, Debug)]
pub enum Watched<'l> {
    /// A login, if the application says so.
    Login(&'l Arc<LoginRoute>),
    /// A login to some applications and something else to others: nobody can say what an answer
    /// to it means, but for a session it is not the same as before.
    Unclear(&'l Arc<LoginRoute>),
    /// A logout.
    Logout,
    /// Nothing of ours.
    Nothing,
}

impl Learn {
    /// Tells what a request may turn out to be.
    pub fn watch(&self, head: &RequestHead<'_>) -> Watched<'_> {
        let plainly = |login: &&Arc<LoginRoute>| login.route.covers_plainly(head);
        if let Some(login) = self.logins.iter().find(plainly) {
            Watched::Login(login)
        } else if let Some(login) = self.logins.iter().find(|login| login.route.covers(head)) {
            Watched::Unclear(login)
        } else if self.logouts.iter().any(|route| route.covers(head)) {
            Watched::Logout
        } else {
            Watched::Nothing
        }
    }
}

impl WatchedRoute {
    /// Watches a path, under any reading, for any of the methods that a request claims.
    pub fn new(methods: MethodSet, path: Template) -> Self {
        Self {
            methods,
            forms: path.route_forms(),
            path,
        }
    }

    /// The path as it was written.
    pub fn path(&self) -> &Template {
        &self.path
    }

    /// Whether the request is one in its own bytes. More readings of a logout only forget more; of a
    /// login they would believe more, and a redirect that answers something else would look like
    /// the success of one.
    fn covers_plainly(&self, head: &RequestHead<'_>) -> bool {
        let bare = head.path.raw();
        head.claimed == MethodSet::EMPTY.with(head.method)
            && self.methods.contains(head.method)
            && self
                .forms
                .iter()
                .any(|form| captures_folded(form, bare).is_some())
    }

    fn covers(&self, head: &RequestHead<'_>) -> bool {
        self.methods.intersects(head.claimed)
            && head.path.readings().any(|reading| {
                self.forms
                    .iter()
                    .any(|form| captures_folded(form, reading).is_some())
            })
    }
}

impl LoginRoute {
    /// The subject that the request names; `None` if it names none, or several.
    pub fn subject_in_request(&self, head: &RequestHead<'_>, body: &Body<'_>) -> Option<Subject> {
        let SubjectSource::Request(field) = &self.subject else {
            return None;
        };
        // An application may prefer what stands in the other place under the same name: then nobody
        // knows whom it let in, and whoever logs in as another would choose whose proof is asked for.
        let captures = Captures::default();
        let nothing = Body::read_or_opaque(head.headers, &[]);
        let of_query = |name: String| values(&Field::Query(name), head, &captures, &nothing).len();
        let told = values(field, head, &captures, body);
        let is_shadowed = match field {
            Field::Form(name) => of_query(name.clone()) > 0,
            Field::Json(pointer) => {
                let name = pointer.rsplit('/').next().unwrap_or_default();
                of_query(name.to_owned()) > 0
            }
            Field::Query(name) => of_query(name.clone()) != told.len(),
            Field::Header(_) | Field::Path(_) => false,
        };
        let [only] = told.as_slice() else { return None };
        if is_shadowed {
            return None;
        }
        Subject::canonical(only)
    }

    /// Whether the body of the request must be read to know the subject.
    pub fn reads_request_body(&self) -> bool {
        matches!(
            &self.subject,
            SubjectSource::Request(Field::Form(_) | Field::Json(_) | Field::Query(_))
        )
    }

    /// Whether the body of the response must be read to know whether it succeeded.
    pub fn reads_response_body(&self) -> bool {
        self.success
            .iter()
            .any(|sign| matches!(sign, Sign::Body(_) | Sign::NotBody(_)))
    }

    /// The subject that the response names, where the settings say that it does.
    pub fn subject_in_response(&self, headers: &HeaderMap) -> Option<Subject> {
        let SubjectSource::ResponseHeader(name) = &self.subject else {
            return None;
        };
        Subject::canonical(only_line(headers, name)?.to_str().ok()?)
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
        let text = || body.map(String::from_utf8_lossy);
        self.success.iter().find(|sign| match sign {
            Sign::Body(regex) => !text().is_some_and(|text| regex.is_match(&text)),
            Sign::NotBody(regex) => text().is_none_or(|text| regex.is_match(&text)),
            Sign::Cookie(name) => !sets_cookie(headers, name),
            Sign::Location(regex) => !headers
                .get(header::LOCATION)
                .and_then(|location| location.to_str().ok())
                .is_some_and(|location| regex.is_match(location)),
            Sign::Status(statuses) => !statuses.contains(&status),
        })
    }
}

impl Sign {
    /// The field of `success` that asks for it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Body(_) => "body",
            Self::Cookie(_) => "cookie",
            Self::Location(_) => "location",
            Self::NotBody(_) => "not_body",
            Self::Status(_) => "status",
        }
    }
}

fn sets_cookie(headers: &HeaderMap, name: &str) -> bool {
    super::credentials::set_cookies(headers).any(|(set, value)| set == name && value.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Accept, Method, RequestPath, claimed_methods};

    fn login(subject: SubjectSource) -> LoginRoute {
        let template = Template::parse("/login").unwrap();
        LoginRoute {
            route: WatchedRoute::new(MethodSet::EMPTY.with(Method::Post), template),
            subject,
            success: vec![Sign::Status(vec![302])],
        }
    }

    fn watched(method: Method, path: &str, query: &str) -> &'static str {
        let login = login(SubjectSource::Request(Field::Form("user".to_owned())));
        let learn = Learn {
            logins: vec![Arc::new(login)],
            logouts: vec![],
        };
        let headers = HeaderMap::new();
        let path = RequestPath::parse(path, &Accept::default()).unwrap();
        let head = RequestHead {
            method,
            claimed: claimed_methods(method, &headers, Some(query)),
            host: "app",
            path: &path,
            query: Some(query),
            headers: &headers,
        };
        match learn.watch(&head) {
            Watched::Login(_) => "login",
            Watched::Logout => "logout",
            Watched::Nothing => "nothing",
            Watched::Unclear(_) => "unclear",
        }
    }

    #[test]
    fn a_subject_that_the_request_names_twice_is_nobody() {
        let named = |field: Field, query, form: &str| {
            let headers = HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                "application/x-www-form-urlencoded".parse().unwrap(),
            )]);
            let path = RequestPath::parse("/login", &Accept::default()).unwrap();
            let head = RequestHead {
                method: Method::Post,
                claimed: MethodSet::EMPTY.with(Method::Post),
                host: "app",
                path: &path,
                query,
                headers: &headers,
            };
            let body = Body::read(&headers, form.as_bytes()).unwrap();
            let named = login(SubjectSource::Request(field)).subject_in_request(&head, &body);
            named.map(|subject| subject.as_str().to_owned())
        };
        let (form, query) = (
            || Field::Form("user".to_owned()),
            || Field::Query("user".to_owned()),
        );
        let alice = Some("alice".to_owned());
        assert_eq!(named(form(), None, "user=alice"), alice);
        assert_eq!(named(query(), Some("user=alice"), "a=b"), alice);
        for (field, in_query, in_form) in [
            (form(), Some("user=alice"), "user=bob"),
            (form(), Some("user=alice"), ""),
            (query(), Some("user=alice"), "user=bob"),
            (query(), Some("user=alice"), "USER[]=bob"),
            (query(), None, "user=bob"),
        ] {
            assert_eq!(
                named(field, in_query, in_form),
                None,
                "{in_query:?} {in_form}"
            );
        }
    }

    #[test]
    fn only_a_request_that_is_plainly_a_login_may_be_believed_as_one() {
        assert_eq!(watched(Method::Post, "/login", "next=/a"), "login");
        assert_eq!(watched(Method::Post, "/Login/", ""), "login");
        assert_eq!(watched(Method::Get, "/login", ""), "nothing");
        for (method, path, query) in [
            (Method::Get, "/login", "_method=POST"),
            (Method::Post, "/login", "_method=GET"),
            (Method::Post, "/login;x", ""),
            (Method::Post, "/login.any", ""),
            (Method::Post, "/%6cogin", ""),
            (Method::Post, "/index.php/login", ""),
        ] {
            assert_eq!(watched(method, path, query), "unclear", "{path}?{query}");
        }
    }
}
