//! The description of our endpoints for programs (`OpenAPI` 3.1), as `openapi.json` and `docs/openapi.json` have it.
//!
//! The schemas are those of the types that are read and written, and the reasons those of the table: what is missing of
//! the operations, a test tells.

mod enrollment;
mod operation;
mod operations;
mod programs;
mod refusals;
mod schemas;

use operation::Operation;
#[cfg(test)]
pub(crate) use refusals::statuses;
use schemas::{Schemas, with};
use serde_json::{Map, Value, json};

/// What of a site stands in the description.
#[derive(Clone, Copy, Debug)]
pub struct DescribedSite<'a> {
    /// The prefix of our endpoints, without a slash at its end.
    pub prefix: &'a str,
    /// The cookie that the application's session is known by, if one is named.
    pub session_cookie: Option<&'a str>,
    /// The cookie of the browser key.
    pub key_cookie: &'a str,
}

/// The whole document.
pub fn description(site: DescribedSite<'_>) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for operation in operations::all() {
        let path = format!("/{}", operation.path);
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            let described = described(&operation, site, &mut schemas);
            item.insert(operation.method.to_owned(), described);
        }
    }
    let responses = refusals::all(&mut schemas);
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Stepgate",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Step-up authentication: what a client calls when a request was refused for want of a fresh proof.",
            "description": "A refused request, at any path, is answered with a problem document as the refusals below are; where it has \
                a `challenge`, `POST /verify` answers that, and the client repeats its request.",
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": site.prefix }],
        "paths": paths,
        "components": {
            "schemas": schemas.into_definitions(),
            "responses": responses,
            "securitySchemes": security_schemes(site),
        },
    })
}

fn described(operation: &Operation, site: DescribedSite<'_>, schemas: &mut Schemas) -> Value {
    let mut described = json!({
        "operationId": operation.id(),
        "tags": [operation.tag()],
        "summary": operation.summary,
        "responses": operation.responses(schemas),
        "security": if operation.is_for_session() { security(site) } else { json!([]) },
    });
    if !operation.parameters.is_empty() {
        described = with(described, "parameters", operation.parameters.clone().into());
    }
    if let Some(body) = operation.request_body(schemas) {
        described = with(described, "requestBody", body);
    }
    described
}

/// By what a session is known; what was proved in it counts with the second of each pair alone.
fn security(site: DescribedSite<'_>) -> Value {
    let mut ways = Vec::new();
    if site.session_cookie.is_some() {
        ways.push(json!({ "session": [], "browserKey": [] }));
        ways.push(json!({ "session": [] }));
    }
    ways.push(json!({ "authorization": [], "stepUpKey": [] }));
    ways.push(json!({ "authorization": [] }));
    ways.into()
}

fn security_schemes(site: DescribedSite<'_>) -> Value {
    let key = |place: &str, name: &str, description: &str| json!({ "type": "apiKey", "in": place, "name": name, "description": description });
    let mut schemes = json!({
        "authorization": key("header", "Authorization", "What the application knows a program by, of any scheme."),
        "browserKey": key("cookie", site.key_cookie, "The browser key, which Stepgate sets: what was proved counts with it alone."),
        "stepUpKey": key("header", "Step-Up-Key", "The `key` of the answer to `verify`: the browser key of a client without cookies."),
    });
    if let Some(cookie) = site.session_cookie {
        let session = key("cookie", cookie, "The application's own session.");
        schemes = with(schemes, "session", session);
    }
    schemes
}

#[cfg(test)]
mod tests;
