//! Paths of requests: what is refused, and every way in which the rest may be read.
//!
//! Applications disagree about what a path means. What no honest client sends is refused; what
//! remains is read in every way that an application may read it. Readings serve matching alone:
//! the bytes go upstream as they came.

mod accept;
mod digits;
mod fold;
mod readings;
mod steps;
mod template;

pub use accept::{Accept, Ambiguous, Leniency, MAX_READINGS};
pub(crate) use digits::digit_of;
pub(crate) use fold::{fold_into, same_folded};
pub(crate) use steps::is_ignorable;
pub use template::{Template, TemplateError};
pub(crate) use template::{
    TemplateSegment, after_empty, captures_empty, captures_folded, matches_exactly, pieces,
};

use super::percent;

/// The path of a request, with everything it may mean.
///
/// Letter case makes no reading of its own, since matching ignores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath<'r> {
    raw: &'r str,
    others: Vec<String>,
}

impl<'r> RequestPath<'r> {
    /// Reads `raw`, the path of an origin-form target without its query.
    ///
    /// A plain path costs one pass over its bytes and no allocation.
    pub fn parse(raw: &'r str, accept: &Accept) -> Result<Self, Ambiguous> {
        if !raw.starts_with('/') {
            return Err(Ambiguous::NotOriginForm);
        }
        let others = match spelling_of(raw) {
            PathSpelling::Plain => Vec::new(),
            PathSpelling::PlainDirectory => raw
                .strip_suffix('/')
                .map(str::to_owned)
                .into_iter()
                .collect(),
            PathSpelling::Special => readings::other_readings(raw, *accept)?,
        };
        Ok(Self { raw, others })
    }

    /// As [`Self::parse`], of a target with this query. To Jetty the `?` between them may be a digit of an
    /// escape (`/a%3?x`, `/a%?3`), so that all of it is the path: refused, whatever is accepted.
    pub fn of_target(
        raw: &'r str,
        query: Option<&str>,
        accept: &Accept,
    ) -> Result<Self, Ambiguous> {
        let next = query.map(|query| query.as_bytes().first());
        let reaches_query = match (raw.as_bytes(), next) {
            ([.., b'%', high], Some(_)) => percent::odd_escape(*high, b'?').is_some(),
            ([.., b'%'], Some(Some(low))) => percent::odd_escape(b'?', *low).is_some(),
            _ => false,
        };
        if reaches_query {
            return Err(Ambiguous::MalformedEscape);
        }
        Self::parse(raw, accept)
    }

    /// The bytes as they came.
    pub fn raw(&self) -> &'r str {
        self.raw
    }

    /// Whether some application reads a host in the path (`//host/…`), and may take it for the
    /// request's.
    pub(crate) fn names_host(&self) -> bool {
        self.readings().any(|reading| reading.starts_with("//"))
    }

    /// Every reading that differs; the bytes as they came are the first.
    pub fn readings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.raw).chain(self.others.iter().map(String::as_str))
    }
}

/// What one pass over the bytes tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PathSpelling {
    /// Letters, digits and harmless marks: one reading.
    Plain,
    /// As plain, with one slash at the end.
    PlainDirectory,
    /// Anything else.
    Special,
}

fn spelling_of(raw: &str) -> PathSpelling {
    let mut before = b' ';
    for byte in raw.bytes() {
        let harmless = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'_' | b'~' | b'@' | b'+' | b',' | b':' | b'=' | b'!' | b'&'
            )
            // Two slashes are one to some, and the beginning of a host to others.
            || (byte == b'/' && before != b'/');
        if !harmless {
            return PathSpelling::Special;
        }
        before = byte;
    }
    if before == b'/' && raw.len() > 1 {
        PathSpelling::PlainDirectory
    } else {
        PathSpelling::Plain
    }
}

#[cfg(test)]
mod tests;
