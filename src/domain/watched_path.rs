//! A path of the settings, such as that of a login, under any reading of a request.

use super::{Template, TemplateError, captures_folded};

/// A path of the settings: `/login`, or `/u/{name}/{rest...}`. Letter case, escapes and empty segments
/// do not matter.
#[derive(Clone, Debug)]
pub struct WatchedPath {
    text: String,
    names: Vec<Box<str>>,
    /// The template in every form that requests may be read in, itself first.
    forms: Vec<String>,
}

impl WatchedPath {
    /// Reads a template as it is written.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let template = Template::parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            names: template.names().map(Into::into).collect(),
            forms: template.route_forms(),
        })
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its placeholders, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Whether every path is this one: it is a placeholder for all of it.
    pub fn covers_all(&self) -> bool {
        self.names.len() == 1 && self.text.ends_with("...}") && self.text.starts_with("/{")
    }

    /// Whether every path of `other` is one of these as well.
    pub fn covers_all_of(&self, other: &Self) -> bool {
        // What stands in the place of a placeholder is found by a placeholder alone.
        let with = |rest: &str| {
            let segments = other.text.split('/').map(|segment| {
                match (segment.starts_with('{'), segment.ends_with("...}")) {
                    (true, true) => rest,
                    (true, false) => SAMPLE,
                    (false, _) => segment,
                }
            });
            segments.collect::<Vec<_>>().join("/")
        };
        // Nothing, and fewer or more segments than any path of the settings has.
        let rests = [String::new(), SAMPLE.to_owned(), [SAMPLE; 9].join("/")];
        rests.iter().all(|rest| self.covers(&with(rest)))
    }

    /// Whether one reading of a path is this one.
    pub fn covers(&self, reading: &str) -> bool {
        self.captures(reading).is_some()
    }

    /// The values of its placeholders in one reading of a path, in order; `None` if that is another.
    pub fn captures<'p>(&self, reading: &'p str) -> Option<Vec<&'p str>> {
        let mut forms = self.forms.iter();
        forms.find_map(|form| captures_folded(form, reading))
    }
}

/// A segment that nobody writes into the settings.
const SAMPLE: &str = "x-5f0c9a";
