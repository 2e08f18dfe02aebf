//! GraphQL: which operations a request may run, by name and by root field.

mod call;

pub(in crate::domain) use call::GraphQlCall;

use super::form::Form;
use super::json::Json;
use super::{Body, BodyRefusal, Content};
use crate::domain::RequestHead;
use crate::domain::parameters::{plain_parameters, same_key};
use crate::domain::percent::undo_odd_escapes;
use apollo_parser::Parser;
use apollo_parser::cst::{CstNode, Definition, FragmentDefinition, Selection, SelectionSet};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

/// How deep a document may be nested.
const MAX_DEPTH: usize = 64;

/// How many tokens a document may have.
const MAX_TOKENS: usize = 15_000;

/// Parameters by which a client runs a document that the server already knows: Apollo and most others
/// (`extensions.persistedQuery`), graphql-php (`queryId`, also as `id` and `documentId`), Relay (`doc_id`,
/// `id`), graphql-ruby (`operationId`).
const PERSISTED: &[&str] = &[
    "extensions",
    "documentId",
    "docId",
    "id",
    "queryId",
    "operationId",
    "persistedQueryId",
    "persistedQuery",
    "persistId",
    "hash",
    "sha256Hash",
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
    let mut documents = of_query(head)?;
    match body.content() {
        Content::Empty => {}
        Content::Form { form, .. } => {
            // A server that does not look at the type runs what stands in the JSON.
            body.refuse_hidden_json()?;
            documents.extend(of_form(form)?);
        }
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

/// `?query=…`, under every spelling of the name, and what stands for it.
fn of_query(head: &RequestHead<'_>) -> Result<Vec<String>, BodyRefusal> {
    let as_jetty: Vec<String> = head.queries().filter_map(undo_odd_escapes).collect();
    let queries = head.queries().chain(as_jetty.iter().map(String::as_str));
    let pairs = queries.flat_map(|query| query.split('&').chain(query.split(['&', ';', '?'])));
    let mut texts = Vec::new();
    let mut stand_ins = Vec::new();
    for (name, value) in pairs.flat_map(plain_parameters) {
        if same_key(&name, "query") {
            if !texts.contains(&value) {
                texts.push(value);
            }
        } else if PERSISTED.iter().any(|known| same_name(&name, known)) {
            stand_ins.push((name, value));
        }
    }
    let texts: Vec<String> = texts.into_iter().map(Cow::into_owned).collect();
    for (name, value) in stand_ins {
        let extensions = (name == "extensions").then(|| Json::parse(value.as_bytes()));
        match extensions {
            Some(extensions) => check_extensions(&extensions?, &texts)?,
            None if value.is_empty() => {}
            None => return Err(known_document(&name)),
        }
    }
    Ok(texts)
}

/// A request, or an array of them.
fn of_json(json: &Json) -> Result<Vec<String>, BodyRefusal> {
    let Json::Array(batch) = json else {
        return of_request(json);
    };
    let documents = batch.iter().map(of_json).collect::<Result<Vec<_>, _>>()?;
    Ok(documents.into_iter().flatten().collect())
}

/// Every `query`, also `Query`: servers in Go take either.
fn of_request(request: &Json) -> Result<Vec<String>, BodyRefusal> {
    let documents = request
        .at("/query")
        .into_iter()
        .map(|text| text.as_text().map(str::to_owned))
        .collect::<Option<Vec<_>>>();
    // Persisted queries come as a hash alone: what they run is known to the server only.
    let documents = documents
        .filter(|documents| !documents.is_empty())
        .ok_or_else(unknown_document)?;
    for (name, value) in request.entries() {
        let is_known = PERSISTED.iter().any(|known| same_name(name, known));
        // A number is the number of a request; documents have names or hashes.
        match value {
            _ if !is_known => {}
            Json::Null | Json::Number(_) => {}
            Json::Object(_) if name == "extensions" => check_extensions(value, &documents)?,
            Json::Array(_) | Json::Bool(_) | Json::Object(_) | Json::String(_) => {
                return Err(known_document(name));
            }
        }
    }
    Ok(documents)
}

/// Refuses a document that stands beside the hash of another: graphql-java runs the one that it knows by the
/// hash, and does not look at the text.
fn check_extensions(extensions: &Json, texts: &[String]) -> Result<(), BodyRefusal> {
    let hashes = extensions.at("/persistedQuery/sha256Hash");
    let persisted = extensions.at("/persistedQuery");
    if persisted.iter().all(|found| **found == Json::Null) {
        return Ok(());
    }
    let hash_of = |text: &String| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        data_encoding::HEXLOWER.encode(digest.as_ref())
    };
    let (Some(Json::String(hash)), 1, [text]) = (hashes.first(), hashes.len(), texts) else {
        return Err(if texts.is_empty() {
            unknown_document()
        } else {
            known_document("extensions")
        });
    };
    if hash.eq_ignore_ascii_case(&hash_of(text)) {
        Ok(())
    } else {
        Err(known_document("extensions"))
    }
}

/// `query=…`, or `operations` of the multipart request convention.
fn of_form(form: &Form) -> Result<Vec<String>, BodyRefusal> {
    let texts = form.values("query")?;
    let mut documents: Vec<String> = texts.into_iter().map(str::to_owned).collect();
    for field in &form.fields {
        let is_known = PERSISTED.iter().any(|known| same_name(&field.name, known));
        if field.name == "extensions" {
            check_extensions(&Json::parse(&field.value)?, &documents)?;
        } else if is_known && !field.value.is_empty() {
            return Err(known_document(&field.name));
        }
    }
    for operations in form.values("operations")? {
        documents.extend(of_json(&Json::parse(operations.as_bytes())?)?);
    }
    if documents.is_empty() {
        Err(unknown_document())
    } else {
        Ok(documents)
    }
}

fn same_name(sent: &str, known: &str) -> bool {
    same_key(sent, known) || Json::same_member(sent, known)
}

fn collect(document: &str, names: &mut BTreeSet<String>) -> Result<(), BodyRefusal> {
    let tree = Parser::new(document)
        // The parser recurses: nested deep enough, a document would overflow the stack.
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

fn known_document(name: &str) -> BodyRefusal {
    let name = name.escape_default();
    BodyRefusal::unreadable(format!(
        "`{name}` may name another GraphQL document than the one that is sent"
    ))
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
