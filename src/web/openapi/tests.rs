//! The description is complete, and fits itself.

use super::*;
use crate::domain::Reason;

const SITE: DescribedSite<'_> = DescribedSite {
    prefix: "/.stepup",
    session_cookie: Some("sid"),
    key_cookie: "__Host-stepgate",
};

/// All that is named by `$ref`.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str().filter(|_| name == "$ref") {
                    Some(at) => found.push(at.to_owned()),
                    None => references(field, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| references(one, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_is_to_something_that_is_there() {
    let document = description(SITE);
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for at in found {
        let there = document.pointer(at.strip_prefix('#').unwrap());
        assert!(there.is_some(), "{at}");
    }
}

#[test]
fn every_reason_is_told_with_each_of_its_statuses() {
    let document = description(SITE);
    for reason in Reason::ALL {
        for status in statuses(*reason) {
            let response = &document["components"]["responses"][format!("Refused{status}")];
            let told = response["description"].as_str().unwrap();
            assert!(told.contains(&format!("`{reason}`: ")), "{reason} {status}");
        }
    }
    let words = document["components"]["schemas"]["Reason"]["enum"].as_array();
    assert_eq!(words.unwrap().len(), Reason::ALL.len());
}

#[test]
fn what_is_left_out_is_never_null_and_what_is_there_may_be() {
    let schemas = &description(SITE)["components"]["schemas"];
    let of = |name: &str, field: &str| schemas[name]["properties"][field].clone();
    assert_eq!(of("ChallengeView", "confirm")["type"], "string");
    assert_eq!(
        of("StatusResponse", "verified_at")["type"],
        json!(["string", "null"])
    );
    assert_eq!(of("VerifyRequest", "token")["type"], "string");
    let required = schemas["VerifyRequest"]["required"].as_array().unwrap();
    assert_eq!(required, &["token", "factor", "answer"].map(Value::from));
}

#[test]
fn an_example_has_the_fields_that_are_needed_and_no_others() {
    let document = description(SITE);
    let mut seen = 0;
    for operation in operations::all() {
        let mut schemas = Schemas::new();
        let mut contents = Vec::from_iter(operation.request_body(&mut schemas));
        contents.push(operation.responses(&mut schemas)["200"].clone());
        for content in contents {
            let content = &content["content"]["application/json"];
            let Some(example) = content["example"].as_object() else {
                continue;
            };
            let mut schema = content["schema"].clone();
            if let Some(at) = schema["$ref"].as_str() {
                schema = document.pointer(&at[1..]).unwrap().clone();
            }
            if schema["properties"].is_null() {
                continue;
            }
            seen += 1;
            for name in example.keys() {
                let known = schema["properties"].get(name);
                assert!(known.is_some(), "{}: {name}", operation.id());
            }
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap();
                assert!(example.contains_key(name), "{}: {name}", operation.id());
            }
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn without_a_cookie_of_the_session_none_is_described() {
    let document = description(DescribedSite {
        session_cookie: None,
        ..SITE
    });
    assert!(document["components"]["securitySchemes"]["session"].is_null());
    let status = &document["paths"]["/status"]["get"];
    assert_eq!(
        status["security"],
        json!([{ "authorization": [], "stepUpKey": [] }, { "authorization": [] }])
    );
}
