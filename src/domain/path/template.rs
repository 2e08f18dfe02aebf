//! Path templates of a policy, such as `/users/{id}/delete`.

use super::fold::{fold, same_folded};
use super::readings::{exception_forms, route_forms};
use super::steps::is_dots;

/// Stands for a `{name}` while a template is folded; a private-use character, so no text holds it.
const PARAM: char = '\u{E000}';
/// Stands for a `{name...}`.
const TAIL: char = '\u{E001}';

/// The path of a route, understood.
///
/// `{x}` is one segment, and an empty one only for routes, where another follows; `{x...}`, at the end only, is the rest, which may be
/// nothing at all: `/admin/{rest...}` is `/admin` as well. More matches only ask for more proof.
#[derive(Clone, Debug)]
pub struct Template {
    names: Vec<Box<str>>,
    exact: String,
}

/// Why a template cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum TemplateError {
    #[error("`{0}` is no name: expected letters, digits and `_`, beginning with no digit")]
    BadName(String),
    #[error("`{0}` holds a character that no path holds")]
    BadCharacter(String),
    #[error("`{0}` is a dot segment: no request with one gets this far")]
    DotSegment(String),
    #[error("`{{{0}}}` occurs twice: each name may stand once")]
    DoubledName(String),
    #[error("`{0}` mixes text and a placeholder: `{{name}}` must be a whole segment")]
    MixedSegment(String),
    #[error("`{0}` does not begin with `/`")]
    NotAbsolute(String),
    #[error("`{{{0}...}}` must be the last segment")]
    TailNotLast(String),
    #[error("`{0}` can be read in too many ways: write it plainly")]
    TooManyForms(String),
    #[error("`{0}` holds a query or fragment: name query parameters under `query`")]
    WithQuery(String),
}

/// One segment of a folded template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TemplateSegment<'t> {
    /// This text, in folded letters.
    Literal(&'t str),
    /// Any one segment.
    Param,
    /// The rest.
    Tail,
}

/// How letters and slashes are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Exact,
    Folded,
    /// As `Folded`, and a placeholder takes an empty segment where it can.
    Kept,
}

impl Template {
    /// Reads a template as it is written in a policy.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let Some(segments) = text.strip_prefix('/') else {
            return Err(TemplateError::NotAbsolute(text.to_owned()));
        };
        if text.contains(['?', '#']) {
            return Err(TemplateError::WithQuery(text.to_owned()));
        }
        if text.contains(|c: char| {
            c.is_control() || c == '\\' || ('\u{E000}'..='\u{F8FF}').contains(&c)
        }) {
            return Err(TemplateError::BadCharacter(text.to_owned()));
        }
        let mut template = Self {
            names: Vec::new(),
            exact: String::with_capacity(text.len()),
        };
        for segment in segments.split('/') {
            template.push(segment)?;
        }
        // Tried here: where the forms are used, those that cannot be made would be left out.
        route_forms(&template.exact).map_err(|_| TemplateError::TooManyForms(text.to_owned()))?;
        exception_forms(&template.exact)
            .map_err(|_| TemplateError::TooManyForms(text.to_owned()))?;
        Ok(template)
    }

    /// The names of its placeholders, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Its text in every form that requests may be read in, itself first.
    pub(crate) fn route_forms(&self) -> Vec<String> {
        // `parse` has seen that there are not too many.
        let others = route_forms(&self.exact).unwrap_or_default();
        std::iter::once(self.exact.clone())
            .chain(others)
            .map(|form| fold(&form).into_owned())
            .collect()
    }

    /// As [`Self::route_forms`], but with its letters as they are, and cut in all the ways in which
    /// requests are: what the policy wrote is excepted, whatever may be cut from it.
    pub(crate) fn exception_forms(&self) -> Vec<String> {
        let others = exception_forms(&self.exact).unwrap_or_default();
        std::iter::once(self.exact.clone()).chain(others).collect()
    }

    /// Matches the bytes as they are: letters and slashes count.
    pub(crate) fn captures_exactly<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        captures(&self.exact, path, Comparison::Exact)
    }

    fn push(&mut self, segment: &str) -> Result<(), TemplateError> {
        self.exact.push('/');
        if self.exact.contains(TAIL) {
            return Err(TemplateError::TailNotLast(
                self.names
                    .last()
                    .map_or_else(String::new, ToString::to_string),
            ));
        }
        if is_dots(segment) {
            return Err(TemplateError::DotSegment(segment.to_owned()));
        }
        let inner = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let Some(inner) = inner.filter(|inner| !inner.contains(['{', '}'])) else {
            if segment.contains(['{', '}']) {
                return Err(TemplateError::MixedSegment(segment.to_owned()));
            }
            self.exact.push_str(segment);
            return Ok(());
        };
        let (name, mark) = inner
            .strip_suffix("...")
            .map_or((inner, PARAM), |name| (name, TAIL));
        if !is_name(name) {
            return Err(TemplateError::BadName(name.to_owned()));
        }
        if self.names().any(|known| known == name) {
            return Err(TemplateError::DoubledName(name.to_owned()));
        }
        self.names.push(name.into());
        self.exact.push(mark);
        Ok(())
    }
}

/// The segments of one of the [`Template::route_forms`].
pub(crate) fn pieces(form: &str) -> impl Iterator<Item = TemplateSegment<'_>> {
    form.split('/')
        .filter(|segment| !segment.is_empty())
        .map(piece)
}

/// Matches one of the [`Template::route_forms`], without regard to letter case and empty segments.
pub(crate) fn captures_folded<'p>(form: &str, path: &'p str) -> Option<Vec<&'p str>> {
    captures(form, path, Comparison::Folded)
}

/// As [`captures_folded`], where a placeholder takes an empty segment: that of routers that keep these
/// (find-my-way, which Fastify has). `None` if there is none that another segment follows.
pub(crate) fn captures_empty<'p>(form: &str, path: &'p str) -> Option<Vec<&'p str>> {
    path.contains("//")
        .then(|| captures(form, path, Comparison::Kept))?
}

/// What follows an empty segment at the beginning of `path`, if another segment does: an empty one at
/// the end is the directory (`/users/`), to all but a few.
pub(crate) fn after_empty(path: &str) -> Option<&str> {
    let rest = path
        .strip_prefix('/')
        .filter(|rest| rest.starts_with('/'))?;
    rest.contains(|c| c != '/').then_some(rest)
}

/// Whether `path` is exactly one of the [`Template::exception_forms`].
pub(crate) fn matches_exactly(form: &str, path: &str) -> bool {
    captures(form, path, Comparison::Exact).is_some()
}

fn captures<'p>(form: &str, path: &'p str, mode: Comparison) -> Option<Vec<&'p str>> {
    let mut captured = Vec::new();
    let (mut form, mut rest) = (form, path);
    while let Some((segment, form_rest)) = next_segment(form, mode) {
        form = form_rest;
        let piece = piece(segment);
        if let Some(after) = after_empty(rest)
            .filter(|_| mode == Comparison::Kept && piece == TemplateSegment::Param)
        {
            captured.push("");
            rest = after;
            continue;
        }
        match (piece, next_segment(rest, mode)) {
            (TemplateSegment::Tail, _) => {
                captured.push(rest.strip_prefix('/').unwrap_or(rest));
                return Some(captured);
            }
            (TemplateSegment::Param, Some((value, path_rest))) if !value.is_empty() => {
                captured.push(value);
                rest = path_rest;
            }
            (TemplateSegment::Literal(text), Some((value, path_rest)))
                if (mode == Comparison::Exact && text == value)
                    || (mode != Comparison::Exact && same_folded(text, value)) =>
            {
                rest = path_rest;
            }
            (TemplateSegment::Param | TemplateSegment::Literal(_), _) => return None,
        }
    }
    next_segment(rest, mode).is_none().then_some(captured)
}

/// Takes one segment off. Folded, empty segments do not exist.
fn next_segment(path: &str, mode: Comparison) -> Option<(&str, &str)> {
    let rest = match mode {
        Comparison::Exact => path.strip_prefix('/')?,
        Comparison::Folded | Comparison::Kept => {
            Some(path.trim_start_matches('/')).filter(|rest| !rest.is_empty())?
        }
    };
    Some(rest.find('/').map_or((rest, ""), |at| rest.split_at(at)))
}

fn piece(segment: &str) -> TemplateSegment<'_> {
    match segment.chars().next() {
        Some(PARAM) => TemplateSegment::Param,
        Some(TAIL) => TemplateSegment::Tail,
        Some(_) | None => TemplateSegment::Literal(segment),
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded<'p>(template: &str, path: &'p str) -> Option<Vec<&'p str>> {
        let forms = Template::parse(template).unwrap().route_forms();
        forms.iter().find_map(|form| captures_folded(form, path))
    }

    fn exactly<'p>(template: &str, path: &'p str) -> Option<Vec<&'p str>> {
        Template::parse(template).unwrap().captures_exactly(path)
    }

    #[test]
    fn a_placeholder_is_one_whole_segment_and_not_empty() {
        assert_eq!(
            exactly("/users/{id}/delete", "/users/42/delete"),
            Some(vec!["42"])
        );
        assert_eq!(exactly("/users/{id}/delete", "/users//delete"), None);
        assert_eq!(exactly("/users/{id}/delete", "/users/4/2/delete"), None);
        assert_eq!(exactly("/users/{id}", "/users/"), None);
    }

    #[test]
    fn a_tail_is_the_rest_and_may_be_nothing() {
        assert_eq!(exactly("/admin/{rest...}", "/admin/a/b"), Some(vec!["a/b"]));
        assert_eq!(exactly("/admin/{rest...}", "/admin/"), Some(vec![""]));
        assert_eq!(exactly("/admin/{rest...}", "/admin"), Some(vec![""]));
        assert_eq!(exactly("/admin/{rest...}", "/administrator"), None);
        assert_eq!(folded("/{rest...}", "/"), Some(vec![""]));
    }

    #[test]
    fn a_placeholder_takes_an_empty_segment_before_another_one() {
        let empty = |template: &str, path: &'static str| {
            let forms = Template::parse(template).unwrap().route_forms();
            forms.iter().find_map(|form| captures_empty(form, path))
        };
        let user = "/users/{id}/delete";
        assert_eq!(empty(user, "/users//delete"), Some(vec![""]));
        assert_eq!(empty(user, "/Users//DELETE/"), Some(vec![""]));
        assert_eq!(empty(user, "//users//delete"), Some(vec![""]));
        assert_eq!(empty("/{a}/{b}/x", "///x"), Some(vec!["", ""]));
        assert_eq!(empty("/{a}/x", "/a//x"), Some(vec!["a"]));
        assert_eq!(empty("/a/{b}/{c...}", "/a//b/c"), Some(vec!["", "b/c"]));
        // A second one is merged with it: a path too many is only guarded.
        assert_eq!(empty(user, "/users///delete"), Some(vec![""]));
        for path in ["/users/delete", "/users//", "/users//7/delete"] {
            assert_eq!(empty(user, path), None, "{path}");
        }
        assert_eq!(empty("/users/{id}", "/users//"), None);
    }

    #[test]
    fn exact_means_letters_and_slashes() {
        assert_eq!(exactly("/a/b", "/a/B"), None);
        assert_eq!(exactly("/a/b", "/a//b"), None);
        assert_eq!(exactly("/a/b", "/a/b/"), None);
        assert_eq!(exactly("/a/b/", "/a/b/"), Some(vec![]));
        assert_eq!(exactly("/", "/"), Some(vec![]));
    }

    #[test]
    fn a_template_is_folded_as_requests_are_read() {
        for (template, path) in [
            ("/Admin/Users/", "/admin/users"),
            ("/a//b", "/a/b"),
            ("/a%20b", "/a b"),
            ("/j%C3%B6rg", "/JÖRG"),
            ("/@scope%2fname", "/@scope/name"),
            ("/users.json", "/users"),
            ("/admin/index.php", "/admin"),
            ("/index.php/users", "/users"),
        ] {
            assert!(folded(template, path).is_some(), "{template} {path}");
        }
        assert_eq!(folded("/index.php/users", "/index.php"), None);
    }

    #[test]
    fn templates_with_mistakes_are_refused() {
        let cases = [
            ("users", TemplateError::NotAbsolute("users".to_owned())),
            ("/a?b=1", TemplateError::WithQuery("/a?b=1".to_owned())),
            ("/a/../b", TemplateError::DotSegment("..".to_owned())),
            (
                "/{id}.json",
                TemplateError::MixedSegment("{id}.json".to_owned()),
            ),
            ("/{a}/{a}", TemplateError::DoubledName("a".to_owned())),
            ("/{a...}/b", TemplateError::TailNotLast("a".to_owned())),
            ("/{}", TemplateError::BadName(String::new())),
            ("/{1a}", TemplateError::BadName("1a".to_owned())),
            ("/a\\b", TemplateError::BadCharacter("/a\\b".to_owned())),
        ];
        for (template, error) in cases {
            assert_eq!(Template::parse(template).unwrap_err(), error, "{template}");
        }
    }
}
