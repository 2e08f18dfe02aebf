//! Whether a body holds what a route asks for.

use super::json::Json;
use super::{Body, BodyRefusal, Content, graphql, parameter_at};
use crate::domain::parameters::{cookies_named, may_be_key};
use crate::domain::{BodyMatcher, RequestHead, ValueTest};

impl Body<'_> {
    /// Whether the body holds all that `matchers` ask for.
    pub(in crate::domain) fn holds_all(
        &self,
        matchers: &[BodyMatcher],
        head: &RequestHead<'_>,
    ) -> Result<bool, BodyRefusal> {
        if Self::query_asks(matchers, head) {
            return Ok(true);
        }
        // One part that certainly fails is enough; only then does an unreadable one not matter.
        let mut refusal = None;
        for matcher in matchers {
            match self.holds(matcher, head) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(why) => refusal = Some(why),
            }
        }
        refusal.map_or(Ok(true), Err)
    }

    /// Whether the body holds what `matcher` asks for.
    pub(in crate::domain) fn holds(
        &self,
        matcher: &BodyMatcher,
        head: &RequestHead<'_>,
    ) -> Result<bool, BodyRefusal> {
        match matcher {
            BodyMatcher::Form(name, test)
                if query_holds(name, test, head) || cookie_holds(name, test, head) =>
            {
                Ok(true)
            }
            BodyMatcher::Form(name, test) => self.form_holds(name, test, head),
            BodyMatcher::GraphQl(wanted) => self.may_run(wanted, head),
            BodyMatcher::Json(pointer, test)
                if parameter_at(pointer).is_some_and(|name| query_holds(name, test, head)) =>
            {
                Ok(true)
            }
            BodyMatcher::Json(pointer, test) => self.json_holds(pointer, test, head),
        }
    }

    /// Whether a GraphQL document runs one of these operations, under any reading.
    pub(in crate::domain) fn may_run(
        &self,
        wanted: &[String],
        head: &RequestHead<'_>,
    ) -> Result<bool, BodyRefusal> {
        let names = graphql::names(self, head)?;
        let is_run = |name: &String| names.iter().any(|run| same_operation(run, name));
        Ok(wanted.iter().any(is_run))
    }

    pub(super) fn form_holds(
        &self,
        name: &str,
        test: &ValueTest,
        head: &RequestHead<'_>,
    ) -> Result<bool, BodyRefusal> {
        match &self.content {
            Content::Empty => Ok(test.is_absence()),
            Content::Form { .. } if test.is_absence() => Ok(!self.field(name, head).is_certain()
                || !cookies_named(head.headers, name).is_empty()),
            Content::Form { form, .. } => Ok(test.holds_for_any(form.values(name)?.into_iter())),
            Content::GraphQl(_) => Err(BodyRefusal::other_type("a form", "application/graphql")),
            Content::Json(_) => Err(BodyRefusal::other_type("a form", "application/json")),
            Content::Other(found) => Err(BodyRefusal::other_type("a form", found)),
        }
    }

    pub(super) fn json_holds(
        &self,
        pointer: &str,
        test: &ValueTest,
        head: &RequestHead<'_>,
    ) -> Result<bool, BodyRefusal> {
        match &self.content {
            Content::Empty => Ok(test.is_absence()),
            Content::Json(_) if test.is_absence() => Ok(!self.member_is_certain(pointer, head)),
            Content::Json(json) => {
                let values = json.at(pointer);
                if matches!(test, ValueTest::Present) {
                    return Ok(!values.is_empty());
                }
                let texts: Vec<String> = values.into_iter().flat_map(Json::texts).collect();
                Ok(test.holds_for_any(texts.iter()))
            }
            Content::Form { .. } => Err(BodyRefusal::other_type("JSON", "a form")),
            Content::GraphQl(_) => Err(BodyRefusal::other_type("JSON", "application/graphql")),
            Content::Other(found) => Err(BodyRefusal::other_type("JSON", found)),
        }
    }

    /// Whether the query alone asks for all that `matchers` want of the body. Such an application may
    /// not look at the body at all: what is absent is then asked of the query, too.
    pub(in crate::domain) fn query_asks(matchers: &[BodyMatcher], head: &RequestHead<'_>) -> bool {
        let mut names_any = false;
        let asks = matchers.iter().all(|matcher| {
            let (name, test) = match matcher {
                BodyMatcher::Form(name, test) => (Some(name.as_str()), test),
                BodyMatcher::GraphQl(_) => return false,
                BodyMatcher::Json(pointer, test) => (parameter_at(pointer), test),
            };
            names_any |= !test.is_absence();
            match name {
                Some(name) if test.is_absence() => !head.parameter(name).is_certain(),
                Some(name) => query_holds(name, test, head),
                None => test.is_absence(),
            }
        });
        asks && names_any
    }
}

/// Whether servers may take one name of an operation for the other: Absinthe takes `delete_user` for `deleteUser`.
pub(in crate::domain) fn same_operation(sent: &str, known: &str) -> bool {
    Json::same_member(sent, known)
}

/// Whether a parameter of the query passes the test for a field of the body: to applications
/// that ask for a parameter by its name alone (servlets, Rails, PHP's `$_REQUEST`) it is the same.
fn query_holds(name: &str, test: &ValueTest, head: &RequestHead<'_>) -> bool {
    let sent = head.parameters();
    test.holds_for_any(
        sent.filter(|(key, _)| may_be_key(key, name))
            .map(|(_, value)| value),
    )
}

/// As [`query_holds`], of cookies.
fn cookie_holds(name: &str, test: &ValueTest, head: &RequestHead<'_>) -> bool {
    test.holds_for_any(cookies_named(head.headers, name).iter())
}
