//! A regex that must cover the whole text.

use regex::{Regex, RegexBuilder};
use std::fmt;

/// How large one compiled regex may grow, in bytes; a policy file is not a place for more.
const SIZE_LIMIT: usize = 1 << 20;

/// A regex of a policy. It matches a text only as a whole, so that `/admin` never means
/// `/admin/harmless`, and an alternative at its end never means its beginning.
#[derive(Clone)]
pub struct WholeRegex {
    source: Box<str>,
    regex: Regex,
}

impl WholeRegex {
    /// Compiles `source`, which must be a regex on its own (no group left open).
    pub fn new(source: &str) -> Result<Self, regex::Error> {
        // Compiled alone first: `a)|(b` is whole only together with what we put around it.
        build(source)?;
        let regex = build(&format!(r"\A(?:{source})\z"))?;
        Ok(Self {
            source: source.into(),
            regex,
        })
    }

    /// The same regex, without regard to letter case.
    pub fn ignoring_case(&self) -> Result<Self, regex::Error> {
        Self::new(&format!("(?i:{})", self.source))
    }

    /// The regex as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it covers all of `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The named groups of a match, in the order they are written; `None` if there is no match.
    pub fn named_groups<'t>(&self, text: &'t str) -> Option<Vec<(&str, &'t str)>> {
        let groups = self.regex.captures(text)?;
        let names = self.regex.capture_names().flatten();
        Some(
            names
                .filter_map(|name| Some((name, groups.name(name)?.as_str())))
                .collect(),
        )
    }

    /// The regex with its anchors, for a set of them.
    pub(super) fn anchored(&self) -> &str {
        self.regex.as_str()
    }

    /// The names of its groups, in the order they are written.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.regex.capture_names().flatten()
    }
}

impl fmt::Debug for WholeRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.source)
    }
}

fn build(source: &str) -> Result<Regex, regex::Error> {
    // Its matching takes time linear in the text: no pattern of a policy makes requests slow.
    RegexBuilder::new(source).size_limit(SIZE_LIMIT).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regex_covers_the_whole_text_or_does_not_match() {
        let regex = WholeRegex::new("/a|/a/b").unwrap();
        assert!(regex.is_match("/a") && regex.is_match("/a/b"));
        assert!(!regex.is_match("/a/"));
        assert!(!regex.is_match("x/a"));
        assert!(!regex.is_match("/a\n"));
    }

    #[test]
    fn a_regex_that_is_whole_only_with_our_brackets_is_refused() {
        assert!(WholeRegex::new("a)|(b").is_err());
        assert!(WholeRegex::new("(?x) a # comment").is_err());
    }

    #[test]
    fn case_is_ignored_on_request() {
        let regex = WholeRegex::new("/(?P<what>users)").unwrap();
        assert!(!regex.is_match("/Users"));
        let folded = regex.ignoring_case().unwrap();
        assert_eq!(folded.named_groups("/Users"), Some(vec![("what", "Users")]));
    }
}
