//! How the application is asked who somebody is.

use super::answer_field::{AnswerField, AnswerReader};
use crate::domain::{
    DisplayName, Naming, RequestPath, RiskLevel, Subject, WatchedPath, WholeRegex,
};
use crate::session::Asserted;
use crate::transport::upstream::Outgoing;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use std::sync::Arc;
use std::time::Duration;

/// The questions by which the application names its user; the first that covers a request's path is asked.
#[derive(Clone, Debug)]
pub struct Whoami {
    /// The questions.
    pub rules: Vec<Arc<WhoamiRule>>,
}

/// One question to the application.
#[derive(Clone, Debug)]
pub struct WhoamiRule {
    /// For which requests.
    pub paths: WatchedPath,
    /// The method.
    pub method: Method,
    /// Where it is asked.
    pub url: UrlTemplate,
    /// Headers in place of the client's own.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Option<Bytes>,
    /// The subject in the answer.
    pub subject: AnswerField,
    /// The subject's e-mail address.
    pub email: Option<AnswerField>,
    /// The groups that the subject is in, and what stands between them in a text.
    pub groups: Option<(AnswerField, String)>,
    /// The name by which a page calls the subject.
    pub display: Option<AnswerField>,
    /// Which spellings of a name are one subject.
    pub naming: Naming,
    /// What says that nobody is signed in.
    pub nobody: NobodySigns,
    /// The levels whose requests are confirmed before they are let out.
    pub confirm: Vec<RiskLevel>,
    /// How long an answer is good for the same question; zero if it is asked anew each time.
    pub keep: Duration,
    /// How long the whole question may take.
    pub deadline: Duration,
}

/// What an answer looks like that says that nobody is signed in.
#[derive(Clone, Debug)]
pub struct NobodySigns {
    /// It has one of these statuses.
    pub statuses: Vec<u16>,
    /// It leads to such a place, which covers the whole `Location`; `None` if any redirect is one.
    pub location: Option<WholeRegex>,
    /// It names one of these: an application may have an account for visitors.
    pub subjects: Vec<Subject>,
}

/// A path and query with placeholders, each a whole value of the request's path: `/u/{name}/me`.
#[derive(Clone, Debug)]
pub struct UrlTemplate {
    /// Texts, each followed by the capture at this place.
    parts: Vec<(String, Option<usize>)>,
    /// The whole of it, if it has no placeholder.
    fixed: Option<PathAndQuery>,
}

/// Why a URL cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum UrlTemplateError {
    #[error("`{0}` is no path of the application: expected one such as `/api/me`")]
    NotLocal(String),
    #[error("`{{{0}}}` is no placeholder of `for`")]
    Unknown(String),
}

/// What the application says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session::sources) enum Answered {
    /// Nobody is signed in.
    Nobody,
    /// It names nobody, and shows none of the signs that nobody is signed in.
    Unnamed,
    /// This person is.
    Person(Asserted),
    /// Something else.
    Other,
}

impl Whoami {
    /// Who is asked for at our own endpoints: the place of the question for paths below `prefix`, and whether it
    /// can be asked there, as it is for the pages around it.
    pub fn question_below(&self, prefix: &str) -> Option<(usize, bool)> {
        let path = format!("{prefix}verify");
        let place = self
            .rules
            .iter()
            .position(|rule| rule.paths.covers(&path))?;
        let url = |path: &str| {
            let rule = self.rules.get(place)?;
            let fixed = rule.url.fixed.clone();
            fixed.or_else(|| rule.url.fill(&rule.paths.captures(path)?))
        };
        // What stands for our own names is nobody's.
        let above = prefix.trim_end_matches('/').rsplit_once('/');
        let others = format!("{}/x/x", above.map_or("", |(above, _)| above));
        let asked = url(&path);
        Some((place, asked.is_some() && asked == url(&others)))
    }

    /// The question for requests to a path, with its place. An error if it depends on how the path is read:
    /// an application may act for one person where it would name another.
    pub(super) fn rule(
        &self,
        path: &RequestPath<'_>,
    ) -> Result<Option<&Arc<WhoamiRule>>, UnclearPath> {
        if let [only] = self.rules.as_slice()
            && only.paths.covers_all()
        {
            return Ok(Some(only));
        }
        let place = |reading: &str| {
            self.rules
                .iter()
                .position(|rule| rule.paths.covers(reading))
        };
        let mut places = path.readings().map(place);
        let first = places.next().flatten();
        if places.all(|place| place == first) {
            Ok(first.and_then(|at| self.rules.get(at)))
        } else {
            Err(UnclearPath)
        }
    }
}

/// A path by which it cannot be told whom to ask.
pub(super) struct UnclearPath;

impl WhoamiRule {
    /// Where it is asked for a request to this path.
    pub(super) fn target(&self, path: &RequestPath<'_>) -> Result<PathAndQuery, UnclearPath> {
        if let Some(fixed) = &self.url.fixed {
            return Ok(fixed.clone());
        }
        let fill = |reading: &str| self.url.fill(&self.paths.captures(reading)?);
        let mut targets = path.readings().map(fill);
        let first = targets.next().flatten().ok_or(UnclearPath)?;
        // An application that reads the path otherwise would act for whoever another question names.
        if targets.all(|target| target.as_ref() == Some(&first)) {
            Ok(first)
        } else {
            Err(UnclearPath)
        }
    }

    /// What is wrong with an answer to a question that carries nobody's credentials; `None` if it names nobody, as
    /// it must.
    pub(crate) fn fault_of_anonymous(
        &self,
        status: u16,
        headers: &HeaderMap,
        text: &str,
    ) -> Option<&'static str> {
        match self.judge(status, headers, text) {
            Answered::Nobody | Answered::Unnamed => None,
            // Whoever asks would be taken for that person.
            Answered::Person(_) => Some(
                "it names somebody although nobody is signed in: `subject` looks at something that all answers have",
            ),
            Answered::Other if status == 404 => Some("nothing is there: is `url` right?"),
            Answered::Other => Some(
                "that is neither a success nor a sign of `nobody`: say by `nobody` how it answers whoever is not \
                 signed in",
            ),
        }
    }

    /// Whom an answer names, or that nobody is signed in; an error if it says neither.
    pub(in crate::session) fn subject_in(
        &self,
        status: u16,
        headers: &HeaderMap,
        text: &str,
    ) -> Result<Option<Subject>, ()> {
        match self.judge(status, headers, text) {
            Answered::Person(person) => Ok(Some(person.subject)),
            Answered::Nobody | Answered::Unnamed => Ok(None),
            Answered::Other => Err(()),
        }
    }

    /// Makes a request the question: with its headers in place of the client's own, and its body.
    pub(in crate::session) fn fill_in(&self, request: &mut Request<Outgoing>) {
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        if let Some(body) = &self.body {
            headers.insert(header::CONTENT_LENGTH, body.len().into());
            *request.body_mut() = Outgoing::Read(Some(body.clone()));
        }
    }

    /// What an answer says.
    pub(in crate::session::sources) fn judge(
        &self,
        status: u16,
        headers: &HeaderMap,
        text: &str,
    ) -> Answered {
        if self.nobody.statuses.contains(&status) {
            return Answered::Nobody;
        }
        if (300..400).contains(&status) {
            let location = headers.get(header::LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            return match (&self.nobody.location, location) {
                (None, _) => Answered::Nobody,
                (Some(regex), Some(location)) if regex.is_match(location) => Answered::Nobody,
                (Some(_), _) => Answered::Other,
            };
        }
        if !(200..300).contains(&status) {
            return Answered::Other;
        }
        let answer = AnswerReader::new(headers, text);
        let subject = answer.value(&self.subject);
        let Some(subject) = subject.and_then(|name| self.naming.subject(&name)) else {
            return Answered::Unnamed;
        };
        if self.nobody.subjects.contains(&subject) {
            return Answered::Nobody;
        }
        let value = |field: &Option<AnswerField>| answer.value(field.as_ref()?);
        let groups = self.groups.as_ref();
        let groups = groups.map(|(field, separator)| answer.groups(field, separator));
        Answered::Person(Asserted {
            subject,
            email: value(&self.email),
            groups: groups.unwrap_or_default(),
            display: value(&self.display).and_then(|name| DisplayName::of(&name)),
            // An answer is no login.
            authenticated_at: None,
        })
    }
}

impl UrlTemplate {
    /// Reads a URL, whose placeholders are those of `paths`.
    pub fn parse(text: &str, paths: &WatchedPath) -> Result<Self, UrlTemplateError> {
        let not_local = || UrlTemplateError::NotLocal(text.to_owned());
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(not_local)?;
            let place = paths.names().position(|known| known == name);
            let place = place.ok_or_else(|| UrlTemplateError::Unknown(name.to_owned()))?;
            parts.push((literal.to_owned(), Some(place)));
            rest = after;
        }
        parts.push((rest.to_owned(), None));
        let fixed = parts.iter().all(|(_, place)| place.is_none());
        let fixed = fixed.then(|| PathAndQuery::try_from(text).ok()).flatten();
        let template = Self { parts, fixed };
        let sample = vec!["x"; paths.names().count()];
        let is_local = text.starts_with('/') && !text.starts_with("//") && !text.contains('#');
        if is_local && template.fill(&sample).is_some() {
            Ok(template)
        } else {
            Err(not_local())
        }
    }

    /// The URL, if it has no placeholder.
    pub fn fixed(&self) -> Option<&PathAndQuery> {
        self.fixed.as_ref()
    }

    /// The URL with these values; `None` if one of them could be more than the plain name that it stands for.
    fn fill(&self, captures: &[&str]) -> Option<PathAndQuery> {
        let mut url = String::new();
        for (literal, place) in &self.parts {
            url.push_str(literal);
            if let Some(place) = place {
                let value = captures.get(*place)?;
                let is_plain = |byte: u8| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'@')
                };
                if value.is_empty() || value.starts_with('.') || !value.bytes().all(is_plain) {
                    return None;
                }
                url.push_str(value);
            }
        }
        PathAndQuery::try_from(url).ok()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::Accept;

    fn url(paths: &str, text: &str) -> Result<UrlTemplate, UrlTemplateError> {
        UrlTemplate::parse(text, &WatchedPath::parse(paths).unwrap())
    }

    pub(in super::super) fn rule(paths: &str, text: &str) -> WhoamiRule {
        let paths = WatchedPath::parse(paths).unwrap();
        WhoamiRule {
            url: UrlTemplate::parse(text, &paths).unwrap(),
            paths,
            method: Method::GET,
            headers: Vec::new(),
            body: None,
            subject: AnswerField {
                place: super::super::AnswerPlace::Json("/name".to_owned()),
                regex: None,
            },
            email: None,
            groups: None,
            display: None,
            naming: Naming::default(),
            nobody: NobodySigns {
                statuses: vec![401],
                location: None,
                subjects: vec![Subject::new("anonymous")],
            },
            confirm: Vec::new(),
            keep: Duration::ZERO,
            deadline: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_url_takes_plain_values_of_the_path_only() {
        let rule = rule("/u/{name}/{rest...}", "/u/{name}/me?full=1");
        for (path, url) in [
            ("/u/alice/delete", Some("/u/alice/me?full=1")),
            ("/u/a.b@c/x", Some("/u/a.b@c/me?full=1")),
            ("/u/%2e%2e/x", None),
            ("/u/..%2f/x", None),
            ("/u/a?b/x", None),
            ("/v/alice", None),
        ] {
            let accept = Accept::default();
            let path = RequestPath::parse(path, &accept);
            let target = path.ok().and_then(|path| rule.target(&path).ok());
            assert_eq!(target.as_ref().map(PathAndQuery::as_str), url);
        }
        for wrong in [
            "api/me",
            "//host/me",
            "https://host/me",
            "/me#x",
            "/{name",
            "/a b",
        ] {
            let error = url("/u/{name}", wrong).unwrap_err();
            assert_eq!(error, UrlTemplateError::NotLocal(wrong.to_owned()));
        }
        let unknown = url("/u/{name}", "/{nick}").unwrap_err();
        assert_eq!(unknown, UrlTemplateError::Unknown("nick".to_owned()));
    }

    #[test]
    fn all_readings_of_a_path_lead_to_one_question() {
        let rule = rule("/{tenant}/{rest...}", "/{tenant}/me");
        let accept = Accept::default();
        let asked = |path: &str| {
            let path = RequestPath::parse(path, &accept).ok()?;
            rule.target(&path).ok().map(|target| target.to_string())
        };
        assert_eq!(asked("/corp/keys").as_deref(), Some("/corp/me"));
        // To some, what follows two slashes is a host; others drop the script or one of them.
        for path in [
            "//own/corp/keys",
            "/index.php/corp/keys",
            "/own//corp/keys/../x",
        ] {
            assert_eq!(asked(path), None, "{path}");
        }
    }

    #[test]
    fn the_first_question_for_a_path_is_asked_if_all_readings_agree() {
        let whoami = Whoami {
            rules: vec![
                rule("/admin/{rest...}", "/admin/me").into(),
                rule("/{rest...}", "/me").into(),
            ],
        };
        let accept = Accept::default();
        let asked = |path: &str| {
            let path = RequestPath::parse(path, &accept).unwrap();
            let rule = whoami.rule(&path).ok()?;
            rule.map(|rule| rule.paths.as_str().to_owned())
        };
        assert_eq!(asked("/admin/x").as_deref(), Some("/admin/{rest...}"));
        assert_eq!(asked("/ADMIN/x").as_deref(), Some("/admin/{rest...}"));
        assert_eq!(asked("/shop").as_deref(), Some("/{rest...}"));
        assert_eq!(asked("/index.php/admin/x"), None);
    }

    #[test]
    fn our_own_endpoints_are_no_values_of_a_url() {
        for (paths, text, below) in [
            ("/{rest...}", "/me", Some((0, true))),
            ("/{tenant}/{rest...}", "/me", Some((0, true))),
            ("/{tenant}/{rest...}", "/{tenant}/me", Some((0, false))),
            ("/{rest...}", "/me?at={rest}", Some((0, false))),
            ("/u/{name}/{rest...}", "/u/{name}/me", None),
        ] {
            let rules = vec![rule(paths, text).into()];
            assert_eq!(
                Whoami { rules }.question_below("/.stepup/"),
                below,
                "{text}"
            );
        }
        let tenant = || rule("/{tenant}/{rest...}", "/{tenant}/me").into();
        let rules = vec![tenant()];
        let whoami = Whoami { rules };
        assert_eq!(whoami.question_below("/acme/.stepup/"), Some((0, true)));
        assert_eq!(whoami.question_below("/stepup/"), Some((0, false)));
        let rules = vec![rule("/.stepup/{rest...}", "/me").into(), tenant()];
        assert_eq!(
            Whoami { rules }.question_below("/.stepup/"),
            Some((0, true))
        );
    }

    #[test]
    fn an_answer_names_somebody_says_that_nobody_is_there_or_nothing() {
        let rule = rule("/{rest...}", "/me");
        let headers = HeaderMap::new();
        let judge = |status, text| rule.judge(status, &headers, text);
        let person = |name: &str| Answered::Person(Asserted::named(Subject::new(name)));
        assert_eq!(judge(200, r#"{"name":"Alice"}"#), person("alice"));
        assert_eq!(judge(200, r#"{"name":"Anonymous"}"#), Answered::Nobody);
        assert_eq!(judge(200, r#"{"name":null}"#), Answered::Unnamed);
        assert_eq!(judge(401, r#"{"name":"alice"}"#), Answered::Nobody);
        assert_eq!(judge(302, ""), Answered::Nobody);
        assert_eq!(judge(500, r#"{"name":"alice"}"#), Answered::Other);
    }
}
