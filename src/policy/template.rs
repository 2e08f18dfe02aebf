//! Path templates such as `/users/{id}/files/{rest...}`: read by the domain, explained here.

use super::invalid::Invalid;
use crate::domain::{Template, TemplateError};

/// Checks a template and names its captures, in order.
pub(super) fn captures(text: &str) -> Result<Vec<String>, Invalid> {
    if text.len() > MAX_LEN {
        return Err(Invalid::new(format!("path is longer than {MAX_LEN} bytes")));
    }
    if text.contains('*') {
        return Err(Invalid::new("`*` has no meaning in a path")
            .hint("`{name}` is one segment, `{rest...}` all that follows, `%2A` a star"));
    }
    if text.contains(char::is_whitespace) {
        return Err(Invalid::new("path holds a blank").hint("a blank in a path is `%20`"));
    }
    if let Some(open) = text.split('/').find(|segment| !is_closed(segment)) {
        return Err(Invalid::new(format!(
            "`{open}`: a bracket is not closed, or was never opened"
        )));
    }
    check_escapes(text)?;
    check_dots(text)?;
    let template = Template::parse(text).map_err(explain)?;
    Ok(template.names().map(str::to_owned).collect())
}

/// The first segment that other programs take for a capture, such as `:id` and `<int:id>`.
pub(super) fn looks_like_a_capture(text: &str) -> Option<&str> {
    text.split('/').find(|segment| {
        let is_named = |name: &str| name.starts_with(|first: char| first.is_ascii_alphabetic());
        segment.strip_prefix(':').is_some_and(is_named)
            || (segment.starts_with('<') && segment.ends_with('>'))
    })
}

fn explain(error: TemplateError) -> Invalid {
    let invalid = Invalid::new(error.to_string());
    match error {
        TemplateError::NotAbsolute(text) if text.contains("://") => {
            invalid.hint("a path alone, without scheme and host")
        }
        TemplateError::NotAbsolute(text) => invalid.hint(format!("write `/{text}`")),
        TemplateError::MixedSegment(_) => invalid.hint("`path_regex` can take a segment apart"),
        TemplateError::BadCharacter(_)
        | TemplateError::BadName(_)
        | TemplateError::DotSegment(_)
        | TemplateError::DoubledName(_)
        | TemplateError::TailNotLast(_)
        | TemplateError::TooManyForms(_)
        | TemplateError::WithQuery(_) => invalid,
    }
}

fn is_closed(segment: &str) -> bool {
    segment.matches('{').count() == segment.matches('}').count()
}

/// A malformed escape never arrives, since such requests are refused: so it was not meant.
fn check_escapes(text: &str) -> Result<(), Invalid> {
    let is_escape = |tail: &str| {
        let digits = tail.get(..2).unwrap_or_default();
        digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if text.split('%').skip(1).all(is_escape) {
        return Ok(());
    }
    Err(
        Invalid::new("`%` is not followed by two hexadecimal digits")
            .hint("a percent sign itself is `%25`"),
    )
}

/// Dots are dots in every spelling, and such a request is refused before it is matched.
fn check_dots(text: &str) -> Result<(), Invalid> {
    let plain = text.to_ascii_lowercase().replace("%2e", ".");
    let name = |segment: &str| segment.split(';').next().unwrap_or_default().to_owned();
    if plain
        .split('/')
        .map(name)
        .any(|name| name == "." || name == "..")
    {
        return Err(Invalid::new(
            "path holds a dot segment: no request with one gets this far",
        ));
    }
    Ok(())
}

const MAX_LEN: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_named_in_order() {
        assert_eq!(captures("/admin/").unwrap(), [""; 0]);
        assert_eq!(
            captures("/users/{id}/files/{rest...}").unwrap(),
            ["id", "rest"]
        );
    }

    #[test]
    fn the_captures_of_other_programs_are_noticed() {
        assert_eq!(looks_like_a_capture("/users/:id/delete"), Some(":id"));
        assert_eq!(looks_like_a_capture("/users/<int:id>"), Some("<int:id>"));
        for plain in ["/users/{id}", "/v1/users:batch", "/:", "/a<b", "/:1"] {
            assert_eq!(looks_like_a_capture(plain), None, "{plain}");
        }
    }

    #[test]
    fn a_template_that_no_request_can_meet_is_refused() {
        for wrong in [
            "",
            "users",
            "/{x",
            "/x}",
            "/{}",
            "/{1x}",
            "/{x}{y}",
            "/a{x}",
            "/{x...}/b",
            "/{x}/{x}",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\\b",
            "/..",
            "/%2e%2E/x",
            "/..;x/y",
            "/%zz",
            "/%",
            "/%+a",
            "/%a",
            "/*",
            "/{{x}}",
            "/{x..}",
        ] {
            assert!(captures(wrong).is_err(), "{wrong}");
        }
    }
}
