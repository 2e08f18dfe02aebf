//! The exceptions of a route, which hold only under every reading of a request.

use super::error::TableError;
use crate::domain::occurrence::{Occurrence, in_headers};
use crate::domain::parameters::cookies_named;
use crate::domain::path::{Template, matches_exactly};
use crate::domain::request::body_may_hold_parameters;
use crate::domain::{
    Body, Exception, HostPattern, MethodSet, PathPattern, RequestHead, RequestPath, Route,
    ValueTest, WholeRegex,
};

/// An exception, understood.
#[derive(Debug)]
pub(super) struct CompiledException {
    exception: Exception,
    path: Option<ExactPath>,
}

#[derive(Debug)]
enum ExactPath {
    Regex(WholeRegex),
    Template {
        template: Template,
        forms: Vec<String>,
    },
}

/// What the body may say against an exception.
#[derive(Clone, Copy, Debug)]
pub(super) enum BodyFields<'b> {
    /// It is not asked.
    Ignored,
    /// What this one says.
    Of(&'b Body<'b>),
    /// Anything: it is not there yet.
    Unknown,
}

/// What of an exception does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// The request claims a method that is not excepted, or one that we do not know.
    Methods,
    /// Another host, or another spelling of it.
    Host,
    /// The path, in the reading that is held here.
    Path(String),
    /// This parameter of the query.
    Query(String),
    /// This header.
    Header(String),
    /// This parameter of the query is in the body as well.
    Body(String),
}

impl CompiledException {
    pub(super) fn new(exception: &Exception, route: &Route) -> Result<Self, TableError> {
        let path = match &exception.path {
            None => None,
            Some(PathPattern::Regex(regex)) => Some(ExactPath::Regex(regex.clone())),
            Some(PathPattern::Template(text)) => {
                let template = Template::parse(text).map_err(|e| TableError::template(route, e))?;
                Some(ExactPath::Template {
                    forms: template.exception_forms(),
                    template,
                })
            }
        };
        let says_nothing = path.is_none()
            && exception.methods.is_empty()
            && exception.host.is_none()
            && exception.query.is_empty()
            && exception.headers.is_empty();
        // It would except every request.
        if says_nothing {
            return Err(TableError::EmptyException(route.id.clone()));
        }
        Ok(Self {
            exception: exception.clone(),
            path,
        })
    }

    /// The first part that does not hold under every reading and for every claimed method; `None` if all do.
    pub(super) fn fails(
        &self,
        head: &RequestHead<'_>,
        claimed: MethodSet,
        fields: BodyFields<'_>,
    ) -> Option<Failing> {
        let exception = &self.exception;
        if !(exception.methods.is_empty() || claimed.is_within(exception.methods)) {
            return Some(Failing::Methods);
        }
        if !exception
            .host
            .as_ref()
            .is_none_or(|host| is_host(head, host) && !head.may_be_for_any_host())
        {
            return Some(Failing::Host);
        }
        let path = self.path.as_ref().and_then(|path| path.fails(head.path));
        if let Some(reading) = path {
            return Some(Failing::Path(reading.to_owned()));
        }
        let query = exception.query.iter();
        let mut query = query.filter(|(name, test)| !parameter_of(head, name).passes(test));
        if let Some((name, _)) = query.next() {
            return Some(Failing::Query(name.clone()));
        }
        let headers = exception.headers.iter();
        let mut headers =
            headers.filter(|(name, test)| !in_headers(head.headers, name).passes(test));
        if let Some((name, _)) = headers.next() {
            return Some(Failing::Header(name.to_string()));
        }
        self.disputed(head, fields).map(Failing::Body)
    }

    /// The parameter of the query that is in the body as well, under any value: applications take the one
    /// or the other, or join both.
    fn disputed(&self, head: &RequestHead<'_>, fields: BodyFields<'_>) -> Option<String> {
        let is_disputed = |(name, _): &&(String, ValueTest)| match fields {
            BodyFields::Ignored => false,
            BodyFields::Of(body) => body.parameter(name).is_possible(),
            // A body that is yet to come may hold any name.
            BodyFields::Unknown => true,
        };
        let disputed = self.exception.query.iter().find(is_disputed);
        disputed
            .filter(|_| body_may_hold_parameters(head))
            .map(|(name, _)| name.clone())
    }
}

/// How a parameter occurs, unless a cookie may stand for it.
fn parameter_of<'h>(head: &RequestHead<'h>, name: &str) -> Occurrence<'h> {
    if !cookies_named(head.headers, name).is_empty() {
        return Occurrence::Loose;
    }
    head.parameter(name)
}

/// Whether the request is for the host in the very spelling that applications compare: in lower case
/// and without the dot of the root.
fn is_host(head: &RequestHead<'_>, host: &HostPattern) -> bool {
    let sent = head.headers.get(http::header::HOST);
    let is_plain = sent.is_none_or(|sent| {
        let port = sent.as_bytes().strip_prefix(head.host.as_bytes());
        port.is_some_and(|port| port.is_empty() || port.starts_with(b":"))
    });
    is_plain && host.matches(head.host)
}

impl ExactPath {
    /// The reading that is not excepted. The bytes as they came must be what the policy says, and every other
    /// reading must be one of what the policy's own words are read as.
    fn fails<'p>(&self, path: &'p RequestPath<'_>) -> Option<&'p str> {
        match self {
            Self::Regex(regex) => path.readings().find(|reading| !regex.is_match(reading)),
            Self::Template { template, forms } => {
                if template.captures_exactly(path.raw()).is_none() {
                    return Some(path.raw());
                }
                let mut others = path.readings().skip(1);
                others.find(|reading| !forms.iter().any(|form| matches_exactly(form, reading)))
            }
        }
    }
}
