//! Requests that are watched for what their answer says: a login, a logout.
//!
//! A route that guards holds under any reading of a request. What is believed must hold under every
//! one: so each request is one for certain, possibly, or not at all.

use super::binding::occurrence;
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
        })
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

    /// Whether the body must be read.
    pub fn reads_body(&self) -> bool {
        self.tests
            .iter()
            .any(|(field, _)| !matches!(field, Field::Header(_) | Field::Path(_)))
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
        self.path.covers(head.path.raw())
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
        each.fold(most, Standing::min)
    }
}

/// Whether a request names a secret, such as a password, that is not empty: whoever logs in does.
pub fn carries_secret(head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Standing {
    // Too large to be read, or cut off: a password may stand in it.
    let Some(body) = body else {
        return Standing::Perhaps;
    };
    if names_secret(body) {
        Standing::Yes
    } else if head
        .parameters()
        .any(|(name, text)| is_secret(&name, &text))
        // Of a kind that we do not read: an application may find a password there.
        || body.is_opaque()
    {
        Standing::Perhaps
    } else {
        Standing::No
    }
}

/// Whether a request names a secret where it can be read, in its body or its query.
pub fn shows_secret(head: &RequestHead<'_>, body: Option<&Body<'_>>) -> bool {
    body.is_some_and(names_secret)
        || head
            .parameters()
            .any(|(name, text)| is_secret(&name, &text))
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

fn names_secret(body: &Body<'_>) -> bool {
    let named = body.named_texts();
    named.iter().any(|(name, text)| is_secret(name, text))
}

fn is_secret(name: &str, text: &str) -> bool {
    is_secret_name(name) && !text.is_empty()
}

/// Whether a request says of itself that nobody is there to log in: a page that asks in the background
/// whether somebody is signed in (`passive`, SAML's `IsPassive`, `prompt=none` of OIDC).
pub fn is_passive(head: &RequestHead<'_>, body: Option<&Body<'_>>) -> bool {
    let is_off = |value: &str| {
        matches!(
            value.to_ascii_lowercase().as_str(),
            "" | "0" | "false" | "no" | "off"
        )
    };
    let says_so = |name: &str, value: &str| {
        // `is_passive`, `IsPassive`, `is-passive`: frameworks spell one name in many ways.
        let name: String = name.chars().filter(char::is_ascii_alphabetic).collect();
        match name.to_ascii_lowercase().as_str() {
            "passive" | "ispassive" | "silent" | "issilent" => !is_off(value),
            // OpenID Connect Core 1.0 §3.1.2.1: a list of words, of which `none` shows no page.
            "prompt" => value.split_whitespace().any(|word| word == "none"),
            _ => false,
        }
    };
    head.parameters()
        .any(|(name, value)| says_so(&name, &value))
        || body.is_some_and(|body| {
            let fields = body.named_texts();
            fields.iter().any(|(name, value)| says_so(name, value))
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
        }
    }
}
