//! What a browser remembers for its person beside its key: words of closed lists, which decide the language of our pages and
//! what they show first, and nothing else. So they need no seal: whoever sets one in somebody's browser gains nothing.

use crate::request::headers::{LANGUAGE_SUFFIX, WAY_SUFFIX};
use http::HeaderValue;
use std::str::FromStr;

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remembered {
    /// The language that the person chose.
    Language,
    /// The way by which they proved themselves last.
    Way,
}

/// The cookies that remember it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RememberedCookies {
    language: String,
    way: String,
    attributes: &'static str,
}

impl RememberedCookies {
    /// Beside the browser key's cookie of this name.
    pub fn beside(browser_key: &str) -> Self {
        // `__Host-` and `__Secure-` alike are for https alone. A year: what is not used for longer may be forgotten.
        let is_secure = browser_key.starts_with("__");
        Self {
            language: format!("{browser_key}{LANGUAGE_SUFFIX}"),
            way: format!("{browser_key}{WAY_SUFFIX}"),
            attributes: if is_secure {
                "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"
            } else {
                "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
            },
        }
    }

    /// The `Set-Cookie` value that has `word` remembered.
    pub(crate) fn set(&self, what: Remembered, word: &str) -> Option<HeaderValue> {
        let cookie = format!("{}={word}{}", self.name(what), self.attributes);
        HeaderValue::from_str(&cookie).ok()
    }

    /// The first known word among the cookies of a request.
    pub(crate) fn read<'l, T: FromStr>(
        &self,
        what: Remembered,
        lines: impl Iterator<Item = &'l HeaderValue>,
    ) -> Option<T> {
        let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        let mut words = pairs.filter_map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            let (name, word) = pair.split_once('=')?;
            (name.trim() == self.name(what)).then_some(word.trim())
        });
        words.find_map(|word| word.parse().ok())
    }

    fn name(&self, what: Remembered) -> &str {
        match what {
            Remembered::Language => &self.language,
            Remembered::Way => &self.way,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Factor;
    use crate::locale::Locale;

    #[test]
    fn only_known_words_are_read() {
        let cookies = RememberedCookies::beside("__Host-stepgate");
        for (line, language, way) in [
            ("", None, None),
            ("__Host-stepgate-language=de", Some(Locale::De), None),
            (
                "a=b;__Host-stepgate-language = ja ; x",
                Some(Locale::Ja),
                None,
            ),
            ("stepgate-language=de", None, None),
            ("__Host-stepgate-language=DE-AT", None, None),
            (
                "__Host-stepgate-language=<b>; __Host-stepgate-language=fr",
                Some(Locale::Fr),
                None,
            ),
            ("__Host-stepgate-way=totp", None, Some(Factor::Totp)),
            ("__Host-stepgate-way=admin", None, None),
            ("__Host-stepgate-way=", None, None),
        ] {
            let lines = [HeaderValue::from_str(line).unwrap()];
            let read = cookies.read(Remembered::Language, lines.iter());
            assert_eq!(read, language, "{line}");
            assert_eq!(cookies.read(Remembered::Way, lines.iter()), way, "{line}");
        }
    }

    #[test]
    fn the_cookies_are_as_safe_as_the_key() {
        let set = |name: &str| {
            let set = RememberedCookies::beside(name).set(Remembered::Way, "totp");
            set.unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(
            set("__Host-stepgate"),
            "__Host-stepgate-way=totp; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(
            set("stepgate").starts_with("stepgate-way=") && !set("stepgate").contains("Secure")
        );
    }
}
