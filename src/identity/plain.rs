//! Plain headers, for applications that read no tokens.

use super::{Proven, amr};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Which plain headers are sent. Those without a name are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainHeaders {
    /// The subject, with escapes.
    pub subject: Option<HeaderName>,
    /// The level, `1` to `4`.
    pub level: Option<HeaderName>,
    /// What was shown, in the words of RFC 8176, such as `otp, pwd`; empty for a fresh sign-in.
    pub amr: Option<HeaderName>,
    /// When, in seconds since the Unix epoch.
    pub auth_time: Option<HeaderName>,
}

/// What a subject's name is escaped of, besides what is not ASCII: blanks that parsers trim, marks by which they take
/// a value apart, and that of the escapes.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b',')
    .add(b';')
    .add(b'\\');

impl PlainHeaders {
    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let all = [&self.subject, &self.level, &self.amr, &self.auth_time];
        all.into_iter().flatten()
    }

    /// Adds those that have a name, in the place of any that is there.
    pub(super) fn add(&self, proven: &Proven, headers: &mut HeaderMap) {
        let mut add = |name: Option<&HeaderName>, value: &dyn Fn() -> String| {
            if let Some(name) = name
                && let Ok(value) = HeaderValue::try_from(value())
            {
                headers.insert(name, value);
            }
        };
        add(self.subject.as_ref(), &|| {
            utf8_percent_encode(proven.subject.as_str(), ESCAPED).to_string()
        });
        add(self.level.as_ref(), &|| proven.level.number().to_string());
        add(self.amr.as_ref(), &|| {
            amr::references(proven.factors).join(", ")
        });
        add(self.auth_time.as_ref(), &|| proven.at.as_secs().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;

    #[test]
    fn every_name_comes_back_and_none_is_two_values() {
        for (name, written) in [
            ("alice@example.com", "alice@example.com"),
            ("Zoë Ünal", "Zo%C3%AB%20%C3%9Cnal"),
            ("a,b;c=\"d\"", "a%2Cb%3Bc=%22d%22"),
            ("100%25", "100%2525"),
            ("dom\\user", "dom%5Cuser"),
            ("a+b", "a+b"),
        ] {
            let escaped = utf8_percent_encode(name, ESCAPED).to_string();
            assert_eq!(escaped, written);
            let back = percent_decode_str(&escaped).decode_utf8().unwrap();
            assert_eq!(back, name);
        }
    }
}
