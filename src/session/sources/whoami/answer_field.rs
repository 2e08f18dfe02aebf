//! Finds a value in an answer of the application: in a header, in JSON, HTML or XML, or in any text.

use crate::domain::only_line;
use crate::session::sources::asserted::{groups_in, groups_of};
use http::{HeaderMap, HeaderName};
use regex::Regex;
use roxmltree::{Document, Node};
use scraper::{Html, Selector};
use serde_json::Value;
use std::cell::OnceCell;

/// A value of an answer.
#[derive(Clone, Debug)]
pub struct AnswerField {
    /// Where it stands.
    pub place: AnswerPlace,
    /// The part of it that counts: the one group of this pattern.
    pub regex: Option<Regex>,
}

/// Where a value stands in an answer.
#[derive(Clone, Debug)]
pub enum AnswerPlace {
    /// Anywhere in the body; a pattern finds it.
    Body,
    /// In the first element of an HTML page that this selector finds.
    Css {
        /// The selector.
        selector: Box<Selector>,
        /// The attribute that holds it; `None` for the text of the element.
        attribute: Option<String>,
    },
    /// In a header that is there once.
    Header(HeaderName),
    /// At this pointer of a JSON document (RFC 6901): a text or a number.
    Json(String),
    /// Nowhere: a success says all that is asked.
    Success,
    /// In the first XML element under these names, from the root on; namespaces do not matter.
    Xml(Vec<String>),
}

impl AnswerField {
    /// The part of a text that counts.
    fn part<'t>(&self, text: &'t str) -> Option<&'t str> {
        match &self.regex {
            None => Some(text),
            Some(regex) => Some(regex.captures(text)?.get(1)?.as_str()),
        }
    }
}

/// A selector of elements, or why it is none.
pub fn valid_selector(text: &str) -> Result<Box<Selector>, String> {
    let selector = Selector::parse(text);
    selector.map(Box::new).map_err(|error| error.to_string())
}

/// An answer of the application, which is parsed once for all values.
pub(super) struct AnswerReader<'a> {
    headers: &'a HeaderMap,
    text: &'a str,
    json: OnceCell<Value>,
    html: OnceCell<Html>,
}

impl<'a> AnswerReader<'a> {
    pub(super) const fn new(headers: &'a HeaderMap, text: &'a str) -> Self {
        Self {
            headers,
            text,
            json: OnceCell::new(),
            html: OnceCell::new(),
        }
    }

    /// The value of a field, without blanks around it; `None` if there is none, or an empty one.
    pub(super) fn value(&self, field: &AnswerField) -> Option<String> {
        let found = match &field.place {
            AnswerPlace::Body => Some(self.text.to_owned()),
            AnswerPlace::Css {
                selector,
                attribute,
            } => self.in_html(selector, attribute.as_deref()),
            AnswerPlace::Header(name) => only_line(self.headers, name)
                .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
                .map(str::to_owned),
            AnswerPlace::Json(pointer) => self.in_json(pointer),
            AnswerPlace::Success => Some("success".to_owned()),
            AnswerPlace::Xml(names) => self.in_xml(names),
        }?;
        let value = field.part(&found)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The groups that a field names: a list of JSON, or any text, with `separator` between several.
    pub(super) fn groups(&self, field: &AnswerField, separator: &str) -> Vec<String> {
        if let AnswerPlace::Json(pointer) = &field.place
            && let Some(list @ Value::Array(_)) = self.json().pointer(pointer)
        {
            let groups = groups_of(Some(list), separator).into_iter();
            return groups
                .filter_map(|group| field.part(&group).map(str::to_owned))
                .collect();
        }
        let text = self.value(field);
        text.map_or_else(Vec::new, |text| groups_in(&text, separator))
    }

    fn in_json(&self, pointer: &str) -> Option<String> {
        match self.json().pointer(pointer)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => None,
        }
    }

    fn json(&self) -> &Value {
        self.json.get_or_init(|| {
            // Some begin with a line that keeps other sites from running it as a script.
            let text = self.text.trim_start_matches('\u{FEFF}');
            let guarded = text.strip_prefix(")]}'");
            let text = guarded.map_or(text, |rest| rest.strip_prefix(',').unwrap_or(rest));
            serde_json::from_str(text).unwrap_or_default()
        })
    }

    fn in_html(&self, selector: &Selector, attribute: Option<&str>) -> Option<String> {
        let html = self.html.get_or_init(|| Html::parse_document(self.text));
        let element = html.select(selector).next()?;
        match attribute {
            Some(name) => element.value().attr(name).map(str::to_owned),
            None => Some(element.text().collect()),
        }
    }

    fn in_xml(&self, names: &[String]) -> Option<String> {
        // Document types are refused, and so are their entities.
        let document = Document::parse(self.text).ok()?;
        let (root, rest) = names.split_first()?;
        let element = Some(document.root_element()).filter(|element| is_named(*element, root))?;
        let found = below(element, rest)?;
        let texts = found.descendants().filter(Node::is_text);
        Some(texts.filter_map(|node| node.text()).collect())
    }
}

/// The first element under these names, below one: all of them are tried in turn.
fn below<'n, 'i>(element: Node<'n, 'i>, names: &[String]) -> Option<Node<'n, 'i>> {
    let Some((name, rest)) = names.split_first() else {
        return Some(element);
    };
    let mut children = element.children().filter(|child| is_named(*child, name));
    children.find_map(|child| below(child, rest))
}

fn is_named(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(place: AnswerPlace, regex: Option<&str>, text: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.append("x-user", " alice ".parse().unwrap());
        headers.append("x-twice", "alice".parse().unwrap());
        headers.append("x-twice", "bob".parse().unwrap());
        let field = AnswerField {
            place,
            regex: regex.map(|text| Regex::new(text).unwrap()),
        };
        AnswerReader::new(&headers, text).value(&field)
    }

    fn css(selector: &str, attribute: Option<&str>) -> AnswerPlace {
        AnswerPlace::Css {
            selector: Box::new(Selector::parse(selector).unwrap()),
            attribute: attribute.map(str::to_owned),
        }
    }

    #[test]
    fn a_value_is_found_wherever_applications_tell_it() {
        let alice = Some("alice".to_owned());
        let json = |pointer: &str| AnswerPlace::Json(pointer.to_owned());
        let page = "<meta name=user-login content='alice'><div id=user-tools>Hi, <strong> alice\n</strong></div>";
        let xml = "<?xml version='1.0'?><d:multistatus xmlns:d='DAV:'><d:response/><d:response>\
                   <d:propstat><d:prop><d:href>/principals/alice/</d:href></d:prop></d:propstat>\
                   </d:response></d:multistatus>";
        let names = "multistatus/response/propstat/prop/href".split('/');
        let names = AnswerPlace::Xml(names.map(str::to_owned).collect());
        let header = |name| AnswerPlace::Header(HeaderName::from_static(name));
        for (place, regex, text) in [
            (json("/user/name"), None, r#"{"user":{"name":"alice"}}"#),
            (json("/0/name"), None, ")]}',\n[{\"name\":\"alice\"}]"),
            (header("x-user"), None, ""),
            (css("#user-tools strong", None), None, page),
            (css("meta[name=user-login]", Some("content")), None, page),
            (names, Some("^/principals/([^/]+)/$"), xml),
            (
                AnswerPlace::Body,
                Some(r#"currentUser\s*=\s*"([^"]+)""#),
                "var currentUser = \"alice\";",
            ),
        ] {
            assert_eq!(read(place.clone(), regex, text), alice, "{place:?}");
        }
        assert_eq!(read(json("/id"), None, r#"{"id":7}"#).as_deref(), Some("7"));
    }

    #[test]
    fn groups_are_a_list_or_parts_of_a_text() {
        let groups = |regex: Option<&str>, separator, text: &str| {
            let field = AnswerField {
                place: AnswerPlace::Json("/groups".to_owned()),
                regex: regex.map(|text| Regex::new(text).unwrap()),
            };
            AnswerReader::new(&HeaderMap::new(), text).groups(&field, separator)
        };
        let list = r#"{"groups":["/staff/payroll","x",{"name":"board"}]}"#;
        assert_eq!(groups(None, ",", list), ["/staff/payroll", "x"]);
        assert_eq!(groups(Some("^/staff/(.+)$"), "", list), ["payroll"]);
        let text = r#"{"groups":"payroll|board"}"#;
        assert_eq!(groups(None, "|", text), ["payroll", "board"]);
        assert_eq!(groups(None, "", text), ["payroll|board"]);
        assert_eq!(groups(None, "", "{}"), [""; 0]);
    }

    #[test]
    fn what_is_not_there_once_and_plainly_is_nobody() {
        let json = |pointer: &str| AnswerPlace::Json(pointer.to_owned());
        let header = |name| AnswerPlace::Header(HeaderName::from_static(name));
        for (place, text) in [
            (json("/user"), r#"{"user":null}"#),
            (json("/user"), r#"{"user":{"name":"alice"}}"#),
            (json("/user"), r#"{"user":["alice"]}"#),
            (json("/user"), r#"{"user":true}"#),
            (json("/user"), r#"{"user":"  "}"#),
            (json("/user"), "<html>alice</html>"),
            (header("x-twice"), ""),
            (header("x-other"), ""),
            (css("#user", None), "<p>alice</p>"),
            (
                AnswerPlace::Xml(vec!["a".to_owned()]),
                "<!DOCTYPE a [<!ENTITY u 'alice'>]><a>&u;</a>",
            ),
        ] {
            assert_eq!(read(place.clone(), None, text), None, "{place:?} {text}");
        }
    }
}
