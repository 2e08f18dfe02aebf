//! The one field that a GraphQL request runs, with its arguments, for what is believed of a request.
//!
//! A client writes the document: it may run a field several times, under any name, and give an argument
//! another value than the variable of its name. So only what every server reads alike is a call.

use super::{MAX_DEPTH, MAX_TOKENS, PERSISTED, of_query, of_request, same_name};
use crate::domain::RequestHead;
use crate::domain::body::json::Json;
use crate::domain::body::{Body, Content};
use apollo_parser::cst::{
    Argument, CstNode, Definition, OperationDefinition, Selection, Value, VariableDefinition,
};
use apollo_parser::{Parser, SyntaxKind};

/// What a request may say beside its document (GraphQL over HTTP §5.4).
const MEMBERS: [&str; 4] = ["query", "operationName", "variables", "extensions"];

/// One field of the root, and what is handed to it.
#[derive(Debug)]
pub(in crate::domain) struct GraphQlCall {
    /// Its name; it has no other in the answer.
    pub(in crate::domain) field: String,
    /// Its arguments, with the values of variables in their places.
    arguments: Json,
}

impl GraphQlCall {
    /// The call that a request makes, if every server reads it as this one and no other: JSON, no batch, one
    /// operation with one field, no alias and no directive.
    pub(in crate::domain) fn of(body: &Body<'_>, head: &RequestHead<'_>) -> Option<Self> {
        let Content::Json(request @ Json::Object(entries)) = body.content() else {
            return None;
        };
        // express-graphql prefers what stands in the query.
        let is_in_query = |name: &str| head.parameter(name).is_possible();
        if !of_query(head).ok()?.is_empty() || MEMBERS.iter().any(|name| is_in_query(name)) {
            return None;
        }
        // Servers in Go take `Query` for `query`, and one of the two.
        let may_be_read = |name: &str| {
            let mut known = MEMBERS.iter().chain(PERSISTED);
            known.all(|known| name == *known || !same_name(name, known))
        };
        if !entries.iter().all(|(name, _)| may_be_read(name)) {
            return None;
        }
        let [document] = <[String; 1]>::try_from(of_request(request).ok()?).ok()?;
        let member = |wanted: &str| {
            let mut entries = entries.iter();
            let (_, value) = entries.find(|(name, _)| name == wanted)?;
            Some(value).filter(|value| **value != Json::Null)
        };
        let operation = only_operation(&document)?;
        let name = operation.name().map(|name| name.text().to_string());
        // GraphQL §6.1: it chooses among several, and must name the one that there is.
        let is_chosen = match member("operationName") {
            None => true,
            Some(Json::String(chosen)) => *chosen == name.unwrap_or_default(),
            Some(_) => false,
        };
        // Some servers read variables from a text as well, and from a list for a batch.
        let given = match member("variables") {
            None => &[],
            Some(Json::Object(given)) => given.as_slice(),
            Some(_) => return None,
        };
        is_chosen.then(|| Self::run_by(&operation, given)).flatten()
    }

    fn run_by(operation: &OperationDefinition, given: &[(String, Json)]) -> Option<Self> {
        let mut selections = operation.selection_set()?.selections();
        let (Some(Selection::Field(field)), None) = (selections.next(), selections.next()) else {
            return None;
        };
        let definitions = operation.variable_definitions().into_iter();
        let definitions = definitions.flat_map(|list| list.variable_definitions());
        let variables = Variables {
            given,
            declared: definitions.collect(),
        };
        let arguments = field.arguments().into_iter();
        let arguments = arguments.flat_map(|list| list.arguments());
        let entry = |argument: Argument| {
            let name = argument.name()?.text().to_string();
            Some((name, variables.value(&argument.value()?)?))
        };
        Some(Self {
            field: field.name()?.text().to_string(),
            arguments: Json::Object(arguments.map(entry).collect::<Option<_>>()?),
        })
    }

    /// The argument at a JSON pointer, if it is one value.
    pub(in crate::domain) fn argument(&self, pointer: &str) -> Option<String> {
        self.arguments.name_at(pointer).map(str::to_owned)
    }
}

/// The operation of a document that has one, and nothing beside it but fragments. An alias could give a field
/// of the answer the name that a success has, and a directive skips what it stands at.
fn only_operation(document: &str) -> Option<OperationDefinition> {
    // The limits are those of the guard: the parser recurses.
    let tree = Parser::new(document)
        .recursion_limit(MAX_DEPTH)
        .token_limit(MAX_TOKENS)
        .parse();
    if tree.errors().len() > 0 {
        return None;
    }
    let document = tree.document();
    let mut nodes = document.syntax().descendants();
    if nodes.any(|node| matches!(node.kind(), SyntaxKind::ALIAS | SyntaxKind::DIRECTIVE)) {
        return None;
    }
    let mut only = None;
    for definition in document.definitions() {
        #[allow(clippy::wildcard_enum_match_arm)]
        // type definitions run nothing, and belong nowhere here
        match definition {
            Definition::OperationDefinition(operation) if only.is_none() => only = Some(operation),
            Definition::FragmentDefinition(_) => {}
            _ => return None,
        }
    }
    only
}

/// The variables of an operation, and what the request gives them.
struct Variables<'r> {
    given: &'r [(String, Json)],
    declared: Vec<VariableDefinition>,
}

impl Variables<'_> {
    /// A value with those of variables in their places; `None` where servers may differ.
    fn value(&self, value: &Value) -> Option<Json> {
        match value {
            Value::Variable(variable) => self.of(&variable.name()?.text()),
            // The escapes are those of JSON (GraphQL §2.9.4), but for `"""` and `\u{…}`, which are left unread.
            Value::StringValue(text) => Json::parse(source(text).as_bytes()).ok(),
            Value::FloatValue(number) => Some(Json::Number(source(number))),
            Value::IntValue(number) => Some(Json::Number(source(number))),
            Value::BooleanValue(value) => Some(Json::Bool(value.true_token().is_some())),
            Value::NullValue(_) => Some(Json::Null),
            Value::EnumValue(word) => Some(Json::String(word.name()?.text().to_string())),
            Value::ListValue(list) => {
                let items = list.values().map(|item| self.value(&item));
                items.collect::<Option<_>>().map(Json::Array)
            }
            Value::ObjectValue(object) => {
                let fields = object.object_fields().map(|field| {
                    let name = field.name()?.text().to_string();
                    Some((name, self.value(&field.value()?)?))
                });
                fields.collect::<Option<_>>().map(Json::Object)
            }
        }
    }

    fn of(&self, name: &str) -> Option<Json> {
        let is_it = |declared: &&VariableDefinition| {
            let variable = declared.variable().and_then(|variable| variable.name());
            variable.is_some_and(|variable| &*variable.text() == name)
        };
        // GraphQL §5.8.1: names are unique; a server that does not look takes one of them.
        let mut declared = self.declared.iter().filter(is_it);
        let (Some(declared), None) = (declared.next(), declared.next()) else {
            return None;
        };
        let default = declared.default_value().and_then(|default| default.value());
        let mut given = self.given.iter();
        match (given.find(|(given, _)| given == name), default) {
            // GraphQL §6.1.2: `null` is no reason to take the default, but was one before 2018.
            (Some((_, Json::Null)), Some(_)) => None,
            (Some((_, value)), _) => Some(value.clone()),
            (None, Some(default)) => self.value(&default),
            // Nothing is handed over, as if it were `null`.
            (None, None) => Some(Json::Null),
        }
    }
}

fn source(node: &impl CstNode) -> String {
    node.source_string().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Accept, Method, RequestPath};
    use http::{HeaderMap, header};

    /// The field that a request runs, and its argument `user`.
    fn called(query: Option<&str>, kind: &str, body: &str) -> Option<(String, Option<String>)> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
        let path = RequestPath::parse("/graphql", &Accept::default()).unwrap();
        let head = RequestHead::new(Method::Post, &path, query, &headers);
        let body = Body::read_or_opaque(&headers, body.as_bytes());
        let call = GraphQlCall::of(&body, &head)?;
        let user = call.argument("/user");
        Some((call.field, user))
    }

    fn of(request: &serde_json::Value) -> Option<String> {
        let (field, user) = called(None, "application/json", &request.to_string())?;
        Some(format!("{field} {}", user.unwrap_or_default()))
    }

    #[test]
    fn arguments_have_the_values_that_servers_hand_over() {
        use serde_json::json;
        let named = "mutation Sign($u: String!, $p: String!) { login(user: $u, password: $p) { ...t } } fragment t on Token { token }";
        for (request, found) in [
            (
                json!({"query": named, "variables": {"u": "alice", "p": "x"}}),
                "login alice",
            ),
            (
                json!({"query": named, "variables": {"u": "alice", "p": "x", "user": "bob"}, "operationName": "Sign"}),
                "login alice",
            ),
            (
                json!({"query": "mutation { login(user: \"b\\u006fb\", password: \"x\") { token } }", "variables": {"user": "alice"}}),
                "login bob",
            ),
            (
                json!({"query": "mutation($user: String = \"bob\") { login(user: $user) { token } }"}),
                "login bob",
            ),
            (
                json!({"query": "mutation($user: String) { login(user: $user) { token } }"}),
                "login ",
            ),
            (
                json!({"query": "mutation { login(user: 7) { token } }", "variables": null, "operationName": null, "extensions": {}}),
                "login 7",
            ),
            (json!({"query": "{ me { name } }", "id": 3}), "me "),
            // Twice, in a list, in another spelling: no value.
            (
                json!({"query": "mutation { login(user: \"a\", user: \"b\") }"}),
                "login ",
            ),
            (
                json!({"query": "mutation { login(user: \"a\", User: \"b\") }"}),
                "login ",
            ),
            (
                json!({"query": "mutation { login(user: [\"a\"]) }"}),
                "login ",
            ),
        ] {
            assert_eq!(of(&request).as_deref(), Some(found), "{request}");
        }
    }

    #[test]
    fn what_servers_may_read_otherwise_is_no_call() {
        use serde_json::json;
        let one = "mutation A { login(user: \"a\") { token } }";
        for request in [
            json!([{ "query": one }]),
            json!({ "query": one, "operationName": "B" }),
            json!({ "query": one, "operationname": "A" }),
            json!({ "query": one, "Query": "{ me }" }),
            json!({ "query": [one] }),
            json!({ "query": one, "variables": "{}" }),
            json!({ "query": one, "variables": [{}] }),
            json!({ "query": one, "queryId": "x" }),
            json!({ "query": one, "extensions": { "persistedQuery": { "sha256Hash": "00" } } }),
            json!({ "query": format!("{one} query B {{ me }}"), "operationName": "A" }),
            json!({ "query": "mutation { login(user: \"a\") { token } deleteUser }" }),
            json!({ "query": "mutation { a: login(user: \"a\") { token } }" }),
            json!({ "query": "mutation { login(user: \"a\") { token: message } }" }),
            json!({ "query": "mutation { login(user: \"a\") @skip(if: false) { token } }" }),
            json!({ "query": "mutation { ...l } fragment l on Mutation { login(user: \"a\") }" }),
            json!({ "query": "mutation { login(user: \"\"\"a\"\"\") { token } }" }),
            json!({ "query": "mutation { login(user: $user) { token } }", "variables": { "user": "a" } }),
            json!({ "query": "mutation($user: String = \"b\") { login(user: $user) }", "variables": { "user": null } }),
            json!({ "query": "mutation {" }),
            json!({ "query": format!("{one} type Query {{ a: Int }}") }),
        ] {
            assert_eq!(of(&request), None, "{request}");
        }
        let body = json!({ "query": one }).to_string();
        let json = "application/json";
        assert!(called(None, json, &body).is_some() && called(Some("a=b"), json, &body).is_some());
        for query in [
            "query={me}",
            "variables={}",
            "operationName=A",
            "Query={me}",
        ] {
            assert_eq!(called(Some(query), json, &body), None, "{query}");
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/graphql",
        ] {
            assert_eq!(called(None, kind, &body), None, "{kind}");
        }
        let twice = r#"{"query":"{ me }","query":"mutation { login }"}"#;
        assert_eq!(called(None, json, twice), None);
    }
}
