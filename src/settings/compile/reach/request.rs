//! What a login or logout asks of a request, and whether any request has all of it.

use super::is_absence;
use crate::domain::{Field, ValueTest, Watched};
use crate::session::SubjectSource;
use crate::settings::compile::Draft;
use crate::yaml::{Path, clip};

/// Reports tests of one request that exclude each other, or the place of its subject. `at` is where they stand.
pub(in crate::settings::compile) fn check_request(
    request: &Watched,
    subject: Option<&SubjectSource>,
    (at, subject_at): (&Path, &Path),
    draft: &mut Draft<'_>,
) {
    let tests = request.tests();
    for (index, (field, test)) in tests.iter().enumerate() {
        for (other, other_test) in tests.iter().skip(index + 1) {
            if exclude_each_other((field, test), (other, other_test)) {
                let message = format!(
                    "is never so together with {}: a request with both is no login or logout for certain",
                    named(field)
                );
                let hint = "leave one of the two out";
                draft.file.report_with_hint(place(other, at), message, hint);
            }
        }
        if let Some(SubjectSource::Request(typed)) = subject
            && exclude_each_other((field, test), (typed, &ValueTest::Present))
        {
            let message = format!(
                "the name of the user is never there: `match` says otherwise of {}",
                named(field)
            );
            let hint = "name the field in which people type who they are, and test others";
            draft.file.report_with_hint(subject_at, message, hint);
        }
    }
    let kinds = |in_form: bool| {
        let mut fields = tests.iter().map(|(field, _)| field);
        fields.any(|field| match field {
            Field::Form(_) => in_form,
            Field::Json(_) => !in_form,
            Field::Header(_) | Field::Path(_) | Field::Query(_) => false,
        })
    };
    // A request has one body, and one kind of it.
    let is_graphql = !request.operations().is_empty();
    let mistake = match subject {
        Some(SubjectSource::GraphQl(_)) if !is_graphql => Some((
            "is an argument of a GraphQL operation, and `match` names none",
            "add `graphql: { operation: login }` to `match`, with the name of the field that logs in",
        )),
        Some(SubjectSource::Request(Field::Form(_) | Field::Json(_))) if is_graphql => Some((
            "the client chooses which of its variables it hands to the operation, and may write another \
             name into the document",
            "name the argument: `subject: { graphql: /user }`",
        )),
        Some(SubjectSource::Request(Field::Form(_))) if kinds(false) => Some((
            "is looked for in a form, and `match` asks for JSON",
            "a body is one of them: `subject: { json: /user }`",
        )),
        Some(SubjectSource::Request(Field::Json(_))) if kinds(true) => Some((
            "is looked for in JSON, and `match` asks for a form",
            "a body is one of them: `subject: { form: user }`",
        )),
        Some(_) | None => None,
    };
    if let Some((message, hint)) = mistake {
        draft.file.report_with_hint(subject_at, message, hint);
    }
}

/// Whether no request passes both tests for certain.
fn exclude_each_other(
    (one, test): (&Field, &ValueTest),
    (other, other_test): (&Field, &ValueTest),
) -> bool {
    let (absent, other_absent) = (is_absence(test), is_absence(other_test));
    // Both may be missing at once.
    if absent && other_absent {
        return false;
    }
    match (one, other) {
        (Field::Json(one), Field::Json(other)) if one == other => absent != other_absent,
        // What stands above another value is an object, of which no test but an absence can be made.
        (Field::Json(one), Field::Json(other)) => {
            let (one, other) = (same_spelling(one), same_spelling(other));
            let is_above = |above: &str, below: &str| {
                below
                    .strip_prefix(above)
                    .is_some_and(|rest| rest.starts_with('/'))
            };
            one == other
                || (is_above(&one, &other) && !other_absent)
                || (is_above(&other, &one) && !absent)
        }
        // RFC 9110 §5.1: names of headers are in lower case here, whatever was written.
        (Field::Header(one), Field::Header(other)) => one == other && absent != other_absent,
        // Frameworks take a parameter of the query for one of the body, so what is in both is nowhere for certain.
        _ => match (parameter(one), parameter(other)) {
            (Some(one_name), Some(other_name)) => {
                let is_json = |field: &Field| matches!(field, Field::Json(_));
                let is_same = if is_json(one) || is_json(other) {
                    same_spelling(one_name) == same_spelling(other_name)
                } else {
                    one_name.to_lowercase() == other_name.to_lowercase()
                };
                is_same && (one != other || absent != other_absent)
            }
            _ => false,
        },
    }
}

/// The name by which frameworks that merge query and body know a field.
fn parameter(field: &Field) -> Option<&str> {
    match field {
        Field::Form(name) | Field::Query(name) => Some(name),
        Field::Json(pointer) => pointer.strip_prefix('/').filter(|name| !name.contains('/')),
        Field::Header(_) | Field::Path(_) => None,
    }
}

/// Parsers of JSON take `user_id`, `userId` and `USERID` for one another.
fn same_spelling(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
}

fn named(field: &Field) -> String {
    let (table, name) = table_of(field);
    format!("`{table}: {}`", clip(name))
}

fn place(field: &Field, at: &Path) -> Path {
    let (table, name) = table_of(field);
    at.key(table).name(name)
}

fn table_of(field: &Field) -> (&'static str, &str) {
    match field {
        Field::Form(name) => ("form", name),
        Field::Header(name) => ("headers", name.as_str()),
        Field::Json(pointer) => ("json", pointer),
        Field::Path(name) => ("path", name),
        Field::Query(name) => ("query", name),
    }
}
