//! GraphQL: which operations a request may run, by name and by root field.

use super::form::Form;
use super::json::Json;
use super::{Body, BodyRefusal, Content};
use crate::domain::RequestHead;
use crate::domain::request::plain_parameters;
use apollo_parser::Parser;
use apollo_parser::cst::{CstNode, Definition, FragmentDefinition, Selection, SelectionSet};
use std::collections::{BTreeSet, HashMap, HashSet};

/// How deep a document may be nested.
const MAX_DEPTH: usize = 64;

/// How many tokens a document may have.
const MAX_TOKENS: usize = 15_000;

/// Parameters by which a client runs a document that the server already knows.
const PERSISTED: &[&str] = &[
    "extensions",
    "documentid",
    "doc_id",
    "id",
    "queryid",
    "hash",
];

/// Every operation name and root field of all documents of a request.
///
/// `operationName` is not asked: whichever operation it chooses is among them. Directives are not
/// asked either, so that a field that is skipped still counts.
pub(super) fn names(
    body: &Body<'_>,
    head: &RequestHead<'_>,
) -> Result<BTreeSet<String>, BodyRefusal> {
    let mut names = BTreeSet::new();
    for document in documents(body, head)? {
        collect(&document, &mut names)?;
    }
    Ok(names)
}

/// The text of every document, wherever servers look for one.
fn documents(body: &Body<'_>, head: &RequestHead<'_>) -> Result<Vec<String>, BodyRefusal> {
    let mut documents = Vec::new();
    let mut persisted = false;
    for (name, value) in plain_parameters(head.query.unwrap_or_default()) {
        if name.eq_ignore_ascii_case("query") {
            documents.push(value.into_owned());
        } else {
            persisted |= PERSISTED
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known));
        }
    }
    match body.content() {
        Content::Empty if documents.is_empty() && persisted => return Err(unknown_document()),
        Content::Empty => {}
        Content::Form { form, .. } => documents.extend(of_form(form)?),
        Content::GraphQl(text) => documents.push(text.clone()),
        Content::Json(json) => documents.extend(of_json(json)?),
        Content::Other(found) => {
            return Err(BodyRefusal::OtherContentType {
                expected: "GraphQL",
                found: found.clone(),
            });
        }
    }
    Ok(documents)
}

/// A request, or an array of them.
fn of_json(json: &Json) -> Result<Vec<String>, BodyRefusal> {
    let Json::Array(batch) = json else {
        return of_request(json);
    };
    let documents = batch
        .iter()
        .map(of_request)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(documents.into_iter().flatten().collect())
}

/// Every `query`, also `Query`: servers in Go take either.
fn of_request(request: &Json) -> Result<Vec<String>, BodyRefusal> {
    let queries = request.at("/query");
    // Persisted queries come as a hash alone: what they run is known to the server only.
    let documents = queries
        .into_iter()
        .map(Json::as_text)
        .collect::<Option<Vec<_>>>();
    let documents = documents
        .filter(|documents| !documents.is_empty())
        .ok_or_else(unknown_document)?;
    Ok(documents.into_iter().map(str::to_owned).collect())
}

/// `query=…`, or `operations` of the multipart request convention.
fn of_form(form: &Form) -> Result<Vec<String>, BodyRefusal> {
    let mut documents: Vec<String> = form
        .values("query")?
        .into_iter()
        .map(str::to_owned)
        .collect();
    for operations in form.values("operations")? {
        documents.extend(of_json(&Json::parse(operations.as_bytes())?)?);
    }
    if documents.is_empty() {
        Err(unknown_document())
    } else {
        Ok(documents)
    }
}

fn collect(document: &str, names: &mut BTreeSet<String>) -> Result<(), BodyRefusal> {
    let tree = Parser::new(document)
        .recursion_limit(MAX_DEPTH)
        .token_limit(MAX_TOKENS)
        .parse();
    if let Some(error) = tree.errors().next() {
        return Err(BodyRefusal::unreadable(format!(
            "GraphQL: {}",
            error.message()
        )));
    }
    let mut fragments = HashMap::new();
    let mut operations = Vec::new();
    for definition in tree.document().definitions() {
        #[allow(clippy::wildcard_enum_match_arm)] // type definitions run nothing
        match definition {
            Definition::FragmentDefinition(fragment) => {
                if let Some(name) = fragment_name(&fragment) {
                    fragments.insert(name, fragment);
                }
            }
            Definition::OperationDefinition(operation) => operations.push(operation),
            _ => {}
        }
    }
    for operation in operations {
        names.extend(operation.name().map(|name| name.text().to_string()));
        if let Some(selections) = operation.selection_set() {
            let mut seen = HashSet::new();
            root_fields(&selections, &fragments, &mut seen, names);
        }
    }
    Ok(())
}

/// Fields by their own names, not their aliases, also through fragments. The parser has bounded the
/// depth of inline fragments, and each named one is entered once.
fn root_fields(
    selections: &SelectionSet,
    fragments: &HashMap<String, FragmentDefinition>,
    seen: &mut HashSet<String>,
    names: &mut BTreeSet<String>,
) {
    let mut waiting = vec![selections.clone()];
    while let Some(set) = waiting.pop() {
        for selection in set.selections() {
            match selection {
                Selection::Field(field) => {
                    names.extend(field.name().map(|name| name.text().to_string()));
                }
                Selection::InlineFragment(fragment) => waiting.extend(fragment.selection_set()),
                Selection::FragmentSpread(spread) => {
                    let name = spread
                        .fragment_name()
                        .map(|name| name.source_string().trim().to_owned());
                    let new = name.filter(|name| seen.insert(name.clone()));
                    let fragment = new.and_then(|name| fragments.get(&name));
                    waiting.extend(fragment.and_then(FragmentDefinition::selection_set));
                }
            }
        }
    }
}

fn fragment_name(fragment: &FragmentDefinition) -> Option<String> {
    Some(fragment.fragment_name()?.name()?.text().to_string())
}

fn unknown_document() -> BodyRefusal {
    BodyRefusal::unreadable("a GraphQL request without the text of its query")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(document: &str) -> Result<Vec<String>, BodyRefusal> {
        let mut names = BTreeSet::new();
        collect(document, &mut names)?;
        Ok(names.into_iter().collect())
    }

    #[test]
    fn aliases_and_fragments_hide_nothing() {
        for document in [
            "mutation { deleteUser(id: 1) { id } }",
            "mutation { harmless: deleteUser(id: 1) { id } }",
            "mutation { ... on Mutation { ... { deleteUser } } }",
            "mutation { ...a } fragment a on Mutation { ...b } fragment b on Mutation { ...a deleteUser }",
            "query q { me } mutation m { deleteUser }",
            "mutation { deleteUser @skip(if: true) }",
            "# comment\nmutation\u{feff},{,deleteUser}",
        ] {
            let names = names_in(document);
            assert!(
                names
                    .as_ref()
                    .is_ok_and(|names| names.contains(&"deleteUser".to_owned())),
                "{document} {names:?}"
            );
        }
        assert_eq!(
            names_in("query deleteUser { me { deleteAll } }").unwrap(),
            ["deleteUser", "me"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let deep = format!("{}a{}", "{ a ".repeat(200), " }".repeat(200));
        let long = format!("{{ {} }}", "a ".repeat(MAX_TOKENS));
        for document in ["mutation {", "{ a", "{ a(b: ) }", &deep, &long] {
            assert!(
                matches!(names_in(document), Err(BodyRefusal::Unreadable(_))),
                "{}",
                document.len()
            );
        }
    }
}
