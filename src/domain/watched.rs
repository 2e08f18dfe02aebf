//! Requests that are watched for what their answer says: a login, a logout.
//!
//! A route that guards holds under any reading of a request. What is believed must hold under every
//! one: so each request is one for certain, possibly, or not at all.

use super::binding::occurrence;
use super::body::{GraphQlCall, same_operation};
use super::login_fields::is_secret;
use super::occurrence::{MAX_COUNTED, in_query};
use super::parameters::{cookies_named, cookies_of, plain_parameters};
use super::percent::decoded;
use super::request::{body_may_hold_parameters, header_values};
use super::{
    Body, Captures, Field, MethodSet, RequestHead, TemplateError, ValueTest, WatchedPath,
    is_secret_name, values,
};

/// What a watched request looks like. All parts must hold.
#[derive(Clone, Debug)]
pub struct Watched {
    methods: MethodSet,
    path: WatchedPath,
    tests: Vec<(Field, ValueTest)>,
    /// Fields of GraphQL, of which a document runs one; empty if that does not matter.
    operations: Vec<String>,
}

/// Whether a request is what is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// To no application.
    No,
    /// To some, or if the part of the body that was not read says so.
    Perhaps,
    /// To every application.
    Yes,
}

impl Watched {
    /// Watches a path, under any reading, for any of the methods that a request claims, and for values
    /// of its query, headers and body.
    pub fn new(
        methods: MethodSet,
        path: &str,
        tests: Vec<(Field, ValueTest)>,
    ) -> Result<Self, TemplateError> {
        Ok(Self {
            methods,
            path: WatchedPath::parse(path)?,
            tests,
            operations: Vec::new(),
        })
    }

    /// The same for GraphQL documents that run one of these fields.
    #[must_use]
    pub fn running(self, operations: Vec<String>) -> Self {
        Self { operations, ..self }
    }

    /// The path as it was written.
    pub fn path(&self) -> &str {
        self.path.as_str()
    }

    /// The methods that are watched.
    pub fn methods(&self) -> MethodSet {
        self.methods
    }

    /// The values that are asked for.
    pub fn tests(&self) -> &[(Field, ValueTest)] {
        &self.tests
    }

    /// The fields of GraphQL that are asked for.
    pub fn operations(&self) -> &[String] {
        &self.operations
    }

    /// Whether the body must be read.
    pub fn reads_body(&self) -> bool {
        let mut tests = self.tests.iter();
        !self.operations.is_empty()
            || tests.any(|(field, _)| !matches!(field, Field::Header(_) | Field::Path(_)))
    }

    /// Whether the body says which operation of several at one path is meant, as with GraphQL and JSON-RPC: then
    /// it may hold several of them.
    pub fn names_operation(&self) -> bool {
        !self.operations.is_empty() || self.names_member()
    }

    /// Whether a request that may be watched for says so in its operation, rather than by its path: no page that
    /// is only looked at does. Queries that only the server knows are sent by GET, and change nothing.
    pub fn is_named_by(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> bool {
        let may_run = |body: &Body<'_>| body.may_run(&self.operations, head);
        self.names_member() || body.is_some_and(|body| may_run(body) == Ok(true))
    }

    fn names_member(&self) -> bool {
        self.tests.iter().any(|(field, test)| {
            matches!(field, Field::Json(_))
                && matches!(test, ValueTest::Equals(_) | ValueTest::Regex(_))
        })
    }

    /// The argument at a JSON pointer that a GraphQL request hands to the one field which it runs.
    pub fn argument(
        &self,
        pointer: &str,
        head: &RequestHead<'_>,
        body: &Body<'_>,
    ) -> Option<String> {
        let call = GraphQlCall::of(body, head)?;
        let is_asked_for = self.operations.contains(&call.field);
        is_asked_for.then(|| call.argument(pointer)).flatten()
    }

    /// Whether the path and a method of a request are those of what is watched for, under any
    /// reading.
    pub fn covers(&self, head: &RequestHead<'_>) -> bool {
        self.has_method_of(head) && self.has_path_of(head)
    }

    /// Whether a request claims any of the methods.
    pub fn has_method_of(&self, head: &RequestHead<'_>) -> bool {
        self.methods.intersects(head.claimed)
    }

    /// Whether the path is the one that is watched under any reading, whatever the method.
    pub fn has_path_of(&self, head: &RequestHead<'_>) -> bool {
        head.path
            .readings()
            .any(|reading| self.path.covers(reading))
    }

    /// Whether a request asks for the page from which what is watched is sent: it has the very path and
    /// all that the query must hold. Never, where a field of the body must have a value: then that path may
    /// be of any page. That a password must be there does not count.
    pub fn is_sent_from(&self, head: &RequestHead<'_>) -> bool {
        let mut tests = self.tests.iter();
        self.operations.is_empty()
            && self.path.covers(head.path.raw())
            && tests.all(|(field, test)| match field {
                Field::Form(name) | Field::Json(name) => {
                    matches!(test, ValueTest::Present) && is_secret_name(name)
                }
                Field::Query(name) => in_query(head.query, name).passes(test),
                Field::Header(_) | Field::Path(_) => true,
            })
    }

    /// Whether something must not be there.
    pub fn asks_for_absence(&self) -> bool {
        self.tests.iter().any(|(_, test)| test.is_absence())
    }

    /// Judges a request that is covered. `body` is `None` if there is one that was not read.
    pub fn standing(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Standing {
        // An application that heeds an override runs something else at this path.
        let plain = head.claimed == MethodSet::EMPTY.with(head.method)
            && self.methods.contains(head.method)
            && self.path.covers(head.path.raw());
        let most = if plain {
            Standing::Yes
        } else {
            Standing::Perhaps
        };
        let each = self
            .tests
            .iter()
            .map(|(field, test)| standing_of(field, test, head, body));
        each.chain([self.standing_of_operation(head, body)])
            .fold(most, Standing::min)
    }

    fn standing_of_operation(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Standing {
        let wanted = &self.operations;
        if wanted.is_empty() {
            return Standing::Yes;
        }
        // Too large to be read: any operation may be in it.
        let Some(body) = body else {
            return Standing::Perhaps;
        };
        match GraphQlCall::of(body, head) {
            Some(call) if wanted.contains(&call.field) => Standing::Yes,
            // The name of the operation is the client's own choice.
            Some(call)
                if !wanted
                    .iter()
                    .any(|known| same_operation(&call.field, known)) =>
            {
                Standing::No
            }
            // What a document holds that cannot be read, or that only the server knows, is not known.
            Some(_) | None => match body.may_run(wanted, head) {
                Ok(false) => Standing::No,
                Ok(true) | Err(_) => Standing::Perhaps,
            },
        }
    }
}

/// Whether a cookie says that the value of `field` is another one than the request does elsewhere: PHP's
/// `$_REQUEST` holds the cookies before all others.
pub fn cookie_says_otherwise(
    field: &Field,
    head: &RequestHead<'_>,
    is_same: impl Fn(&str) -> bool,
) -> bool {
    let (Field::Form(name) | Field::Query(name)) = field else {
        return false;
    };
    let cookies = cookies_named(head.headers, name);
    cookies.iter().any(|said| !is_same(said))
}

/// Whether a cookie is named like a secret, beside a name in `field` or in another cookie: to PHP's
/// `$_REQUEST` both are parameters.
pub fn cookies_log_in(field: &Field, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> bool {
    let (Field::Form(name) | Field::Query(name)) = field else {
        return false;
    };
    let captures = Captures::default();
    let is_named = || {
        !cookies_named(head.headers, name).is_empty()
            || body.is_some_and(|body| !values(field, head, &captures, body).is_empty())
    };
    cookies_of(head.headers).any(|(name, text)| is_secret(&decoded(&name, ' '), &text))
        && is_named()
}

/// Whether a request asks for `page`, a path with a query of which every parameter must be there, but
/// those that say where to go afterwards (`{path}`).
pub fn asks_for_page(head: &RequestHead<'_>, page: &str) -> bool {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    // Where to go afterwards differs with every visit.
    let mut fixed = plain_parameters(query).filter(|(_, value)| !value.contains("{path}"));
    head.path.raw() == path
        && fixed.all(|(name, value)| {
            let test = ValueTest::Equals(value.into_owned());
            in_query(head.query, &name).passes(&test)
        })
}

/// Whether a request has more parameters than every application reads: what stands beyond may be all
/// that one sees, or what none sees.
pub fn has_too_many_parameters(head: &RequestHead<'_>, body: &Body<'_>) -> bool {
    let in_query = plain_parameters(head.query.unwrap_or_default()).count();
    in_query + body.named_texts().len() > MAX_COUNTED
}

fn standing_of(
    field: &Field,
    test: &ValueTest,
    head: &RequestHead<'_>,
    body: Option<&Body<'_>>,
) -> Standing {
    let is_in_body = match field {
        Field::Form(_) | Field::Json(_) => true,
        // Frameworks that merge query and form (PHP's `$_REQUEST`, Rails' `params`) may take the body's value.
        Field::Query(_) => body_may_hold_parameters(head),
        Field::Header(_) | Field::Path(_) => false,
    };
    // What was not read can neither be said to be there nor to be absent.
    let is_unread = is_in_body && body.is_none_or(Body::is_opaque);
    let (nothing, captures) = (Body::read_or_opaque(head.headers, &[]), Captures::default());
    let read = body.unwrap_or(&nothing);
    let found = occurrence(field, head, &captures, read);
    if !is_unread && found.passes(test) {
        Standing::Yes
    } else if test.is_absence() {
        if found.is_certain() {
            Standing::No
        } else {
            Standing::Perhaps
        }
    } else if is_unread || holds_loosely(field, test, head, read) {
        Standing::Perhaps
    } else {
        Standing::No
    }
}

fn holds_loosely(field: &Field, test: &ValueTest, head: &RequestHead<'_>, body: &Body<'_>) -> bool {
    let captures = Captures::default();
    match field {
        Field::Header(name) => test.holds_for_any(header_values(head.headers, name)),
        Field::Form(_) | Field::Json(_) | Field::Path(_) | Field::Query(_) => {
            test.holds_for_any(values(field, head, &captures, body).iter())
                || test.holds_for_any(body.values_elsewhere(field).iter())
        }
    }
}
