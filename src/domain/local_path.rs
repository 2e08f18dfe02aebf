//! Paths of this origin: the only places that our pages link, post or return to.

use std::borrow::Cow;
use std::fmt;

/// A path with its query, within this origin. It cannot leave it, however a browser reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Takes a path as it stands in a request line; `None` for whatever could lead elsewhere.
    ///
    /// Browsers drop tabs and newlines, and read `\` as `/`, so `/\evil`, `//evil` and a slash that
    /// only an application decodes (`/%2fevil`) are all refused, as are encoded controls. So is a path that
    /// begins with two slashes once its dot segments are removed (RFC 3986 §5.2.4): `/a/..//evil`.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let has_escape = rest.contains('%');
        let lower = if has_escape {
            Cow::Owned(rest.to_ascii_lowercase())
        } else {
            Cow::Borrowed(rest)
        };
        let leads_away = ["/", "\\", "%2f", "%5c", "%252f", "%255c"]
            .into_iter()
            .any(|start| lower.starts_with(start));
        let plain = rest
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\\#".contains(&byte));
        let path = lower.split('?').next().unwrap_or_default();
        // In a query, `%0A` is a newline somebody typed; a path has none.
        let encoded_control = has_escape
            && ["%0", "%1", "%7f", "%5c"]
                .into_iter()
                .any(|escape| path.contains(escape));
        (plain
            && !leads_away
            && !encoded_control
            && !may_collapse_to_a_host(path)
            && text.len() <= MAX_BYTES)
            .then(|| Self(text.to_owned()))
    }

    /// Shows the path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a path has dot segments and empty ones: without the former it may begin with two slashes.
fn may_collapse_to_a_host(path: &str) -> bool {
    if !path.contains("//") && !path.contains("%2f") {
        return false;
    }
    let decoded = path.replace("%2e", ".").replace("%2f", "/");
    let has_dots = decoded.split('/').any(|name| matches!(name, "." | ".."));
    has_dots && decoded.contains("//")
}

/// Beyond this no browser address bar and few servers follow.
const MAX_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_within_the_origin_is_taken_as_it_is() {
        for path in [
            "/",
            "/users/42/delete?next=/a//b&u=https://x",
            "/@scope%2fpkg",
            "/a?note=line%0Aline",
            "/.stepup/challenge?t=abc_-",
            "/a/../b?u=//c",
            "/a//b",
        ] {
            assert_eq!(
                LocalPath::parse(path).map(|p| p.to_string()),
                Some(path.to_owned())
            );
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_dropped() {
        for path in [
            "",
            "users",
            "//evil.example",
            "/\\evil.example",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/%5Cevil.example",
            "/%252fevil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            " /a",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\r\nLocation: x",
            "/a%0d%0ax",
            "/a\\b",
            "/a#b",
            "/ä",
            "/.././/evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "/a/%2E%2e/%2fevil.example",
        ] {
            assert_eq!(LocalPath::parse(path), None, "{path}");
        }
    }
}
