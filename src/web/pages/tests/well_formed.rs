//! A small strict reader of our own HTML: stricter than a browser, which repairs everything.

/// An opening or closing tag.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) closing: bool,
    pub(super) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(super) fn opens(&self, name: &str) -> bool {
        !self.closing && self.name == name
    }

    pub(super) fn value(&self, attribute: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == attribute)?;
        Some(&found.1)
    }
}

/// Reads all tags; an error for what is not closed, closed twice, unquoted or doubled.
pub(super) fn tags(html: &str) -> Result<Vec<Tag>, String> {
    let mut rest = html.strip_prefix("<!doctype html>").ok_or("no doctype")?;
    let (mut tags, mut open) = (Vec::new(), Vec::new());
    while let Some((text, after)) = rest.split_once('<') {
        if text.contains('>') {
            return Err(format!("stray > in {text:?}"));
        }
        let (tag, self_closing, after) = tag(after)?;
        rest = after;
        if tag.closing {
            let expected: Option<String> = open.pop();
            if expected.as_deref() != Some(tag.name.as_str()) {
                return Err(format!("</{}> closes {expected:?}", tag.name));
            }
        } else if !self_closing && !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        tags.push(tag);
    }
    if open.is_empty() {
        Ok(tags)
    } else {
        Err(format!("not closed: {open:?}"))
    }
}

/// All values of one attribute, in their order.
pub(super) fn attributes(html: &str, name: &str) -> Vec<String> {
    let tags = tags(html).unwrap();
    tags.iter()
        .filter_map(|tag| tag.value(name).map(str::to_owned))
        .collect()
}

fn tag(text: &str) -> Result<(Tag, bool, &str), String> {
    let (closing, text) = text
        .strip_prefix('/')
        .map_or((false, text), |text| (true, text));
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric())
        .ok_or("cut off")?;
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return Err(format!("stray < before {text:.20?}"));
    }
    let mut attributes: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>") {
            return Ok((
                Tag {
                    name: name.to_owned(),
                    closing,
                    attributes,
                },
                true,
                after,
            ));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Ok((
                Tag {
                    name: name.to_owned(),
                    closing,
                    attributes,
                },
                false,
                after,
            ));
        }
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .ok_or("cut off")?;
        let (attribute, after) = rest.split_at(end);
        if attribute.is_empty() || attributes.iter().any(|(known, _)| known == attribute) {
            return Err(format!("attribute {attribute:?} of <{name}>: {rest:.30?}"));
        }
        let value;
        (value, rest) = match after.strip_prefix("=\"") {
            None => ("", after),
            Some(quoted) => quoted.split_once('"').ok_or("value not closed")?,
        };
        attributes.push((attribute.to_owned(), value.to_owned()));
    }
}

const VOID: [&str; 6] = ["br", "img", "input", "link", "meta", "source"];
