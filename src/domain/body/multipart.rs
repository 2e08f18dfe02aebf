//! `multipart/form-data` (RFC 7578, RFC 2046), read strictly from a buffer.

use super::BodyRefusal;
use super::content_type::{ContentType, is_token, take_parameter};
use super::form::{Form, FormField};
use memchr::memmem;

/// How many parts a form may have.
const MAX_PARTS: usize = 1000;
const DISPOSITION: &str = "content-disposition";

impl Form {
    /// Reads a form between its boundaries. Nothing may stand before the first and after the last;
    /// wherever the boundary's bytes occur they must be a boundary, so that no parser can find
    /// another one.
    pub(super) fn multipart(content_type: &ContentType, bytes: &[u8]) -> Result<Self, BodyRefusal> {
        // PHP takes whatever is named like `xboundary` for the boundary.
        if !content_type.has_only(&["boundary", "charset"]) {
            return Err(broken("a parameter beside its boundary"));
        }
        let boundary = content_type
            .parameter("boundary")
            .filter(|b| is_boundary(b));
        let delimiter = format!("--{}", boundary.ok_or_else(|| broken("no sound boundary"))?);
        let first = bytes.strip_prefix(delimiter.as_bytes());
        let mut rest = first.ok_or_else(|| broken("it does not begin with its boundary"))?;
        let mut fields = Vec::new();
        loop {
            if let Some(epilogue) = rest.strip_prefix(b"--") {
                return match epilogue {
                    b"" | b"\r\n" => Self { fields }.checked(),
                    _ => Err(broken("something follows its end")),
                };
            }
            if fields.len() == MAX_PARTS {
                return Err(broken("it has too many parts"));
            }
            let part = rest
                .strip_prefix(b"\r\n")
                .ok_or_else(|| broken("a boundary's line goes on"))?;
            let end =
                memmem::find(part, delimiter.as_bytes()).ok_or_else(|| broken("it has no end"))?;
            let (part, after) = part.split_at(end);
            let part = part
                .strip_suffix(b"\r\n")
                .ok_or_else(|| broken("a boundary within a line"))?;
            fields.push(field(part)?);
            rest = after.strip_prefix(delimiter.as_bytes()).unwrap_or_default();
        }
    }
}

fn field(part: &[u8]) -> Result<FormField, BodyRefusal> {
    let (head, value) = if let Some(value) = part.strip_prefix(b"\r\n") {
        (&b""[..], value)
    } else {
        let end = memmem::find(part, b"\r\n\r\n").ok_or_else(|| broken("a part without a body"))?;
        let (head, value) = part.split_at(end);
        (head, value.get(4..).unwrap_or_default())
    };
    let head = std::str::from_utf8(head).map_err(|_| broken("a part's header is not UTF-8"))?;
    let mut disposition = None;
    let mut media_type = None;
    for line in head.split("\r\n").filter(|_| !head.is_empty()) {
        // Folded lines, bare line ends and odd names all fail here.
        let (name, content) = line
            .split_once(':')
            .ok_or_else(|| broken("a part's header has no colon"))?;
        if !is_token(name) || content.contains(|c: char| c.is_control() && c != '\t') {
            return Err(broken("a part's header is no header"));
        }
        let content = content.trim_matches([' ', '\t']);
        let name = name.to_ascii_lowercase();
        // Rack finds it wherever it stands.
        if holds(content, DISPOSITION) || (name != DISPOSITION && holds(&name, DISPOSITION)) {
            return Err(broken("a part's disposition stands elsewhere"));
        }
        let known = match name.as_str() {
            DISPOSITION => disposition.replace(content).is_some(),
            "content-type" => media_type.replace(ContentType::parse(content)?).is_some(),
            "content-transfer-encoding" => {
                // RFC 7578 §4.7: deprecated; some parsers decode, others do not.
                !["binary", "8bit", "7bit"]
                    .iter()
                    .any(|plain| content.eq_ignore_ascii_case(plain))
            }
            _ => false,
        };
        if known {
            return Err(broken("a part's header occurs twice or encodes it"));
        }
    }
    if media_type
        .as_ref()
        .is_some_and(|media| media.essence.starts_with("multipart/"))
    {
        return Err(broken("a part is multipart itself"));
    }
    let (name, file) = names(disposition.ok_or_else(|| broken("a part has no disposition"))?)?;
    let field = FormField {
        name,
        value: value.to_vec(),
        file,
        media_type: media_type.map(|media| media.essence),
    };
    if field.file.is_none() {
        field.text()?;
    }
    Ok(field)
}

/// Takes name and file name from `form-data; name="…"; filename="…"`.
fn names(disposition: &str) -> Result<(String, Option<String>), BodyRefusal> {
    let (kind, mut rest) = disposition
        .find(';')
        .map_or((disposition, ""), |at| disposition.split_at(at));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(broken("a part is no form-data"));
    }
    let (mut name, mut file) = (None, None);
    while let Some(parameter) = rest.strip_prefix(';') {
        let (key, value, after) =
            take_parameter(parameter).ok_or_else(|| broken("a part's name is unreadable"))?;
        // Rack finds a name within a name.
        if holds(&value, "name=") {
            return Err(broken("a part's name holds another"));
        }
        // RFC 7578 §4.2 forbids `filename*`; with it there are two names.
        let twice = match key.as_str() {
            "name" => name.replace(value).is_some(),
            "filename" => file.replace(value).is_some(),
            _ => true,
        };
        if twice {
            return Err(broken("a part has more than its name and file name"));
        }
        rest = after;
    }
    let name = name
        .filter(|name| !name.is_empty())
        .ok_or_else(|| broken("a part has no name"))?;
    // Browsers write `%22`, `%0D` and `%0A` for what a name cannot hold; nobody agrees on reading it.
    if name.contains('%') {
        return Err(broken("a part's name is escaped"));
    }
    Ok((name, file))
}

/// Whether `text` has `part` in it, in any letter case; `part` is in lower case.
fn holds(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(part)
}

/// RFC 2046 §5.1.1, but for a comma, where Rack stops, and what Rack takes for another boundary: `boundary=` in its
/// value. The word alone is in most: `----WebKitFormBoundary…` of Chromium and Safari, `----geckoformboundary…` of Firefox.
fn is_boundary(text: &str) -> bool {
    (1..=70).contains(&text.len())
        && !text.ends_with(' ')
        && !(holds(text, "boundary") && text.contains('='))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"'()+_-./:=? ".contains(&byte))
}

fn broken(why: &str) -> BodyRefusal {
    BodyRefusal::unreadable(format!("multipart: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Form, BodyRefusal> {
        let content_type = ContentType::parse("multipart/form-data; boundary=XX").unwrap();
        Form::multipart(&content_type, body.as_bytes())
    }

    fn part(header: &str) -> String {
        format!("--XX\r\n{header}\r\n\r\nvalue\r\n--XX--\r\n")
    }

    #[test]
    fn what_browsers_write_is_read() {
        let form = parse(
            "--XX\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\ndelete\r\nall\r\n\
             --XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a;b.txt\"\r\n\
             Content-Type: text/plain\r\n\r\n\r\n--XX--\r\n",
        )
        .unwrap();
        assert_eq!(form.values("action").unwrap(), ["delete\r\nall"]);
        assert_eq!(form.fields[1].file.as_deref(), Some("a;b.txt"));
        assert_eq!(form.fields[1].value, b"");
        assert_eq!(parse("--XX--").unwrap(), Form::default());
    }

    #[test]
    fn what_parsers_read_differently_is_refused() {
        let sound = part("Content-Disposition: form-data; name=\"a\"");
        assert!(parse(&sound).is_ok());
        let broken = [
            format!("\r\n{sound}"),
            format!("preamble\r\n{sound}"),
            format!("{sound}epilogue"),
            sound.replace("--XX--\r\n", ""),
            sound.replace("--XX--", "--XX"),
            sound.replace("\r\n", "\n"),
            sound.replace("value", "value\n--XX\nvalue"),
            sound.replace("value", "value --XX"),
            sound.replace("--XX\r\n", "--XX \r\n"),
            part("Content-Disposition: form-data"),
            part("Content-Disposition: form-data; name=\"\""),
            part("Content-Disposition: form-data; name=\"a%22b\""),
            part("Content-Disposition: form-data; name=\"a\\\"b\""),
            part("Content-Disposition: form-data; name=\"a\"; name=\"b\""),
            part("Content-Disposition: form-data; name='a'"),
            part("Content-Disposition: form-data; name=\"a\0b\""),
            part("Content-Disposition: form-data; name=\"x; Name=_method\""),
            part("Content-Disposition: form-data; name=\"x\"; filename=\"y; filename=z\""),
            part(
                "X-A: content-disposition: form-data; name=\"b\"\r\nContent-Disposition: form-data; name=\"a\"",
            ),
            part(
                "X-Content-Disposition: form-data; name=\"b\"\r\nContent-Disposition: form-data; name=\"a\"",
            ),
            part("Content-Disposition: form-data; name=\"a\"; filename*=utf-8''b"),
            part("Content-Disposition: attachment; name=\"a\""),
            part(
                "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
            ),
            part("Content-Disposition: form-data;\r\n name=\"a\""),
            part("Content-Disposition : form-data; name=\"a\""),
            part(
                "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: multipart/mixed; boundary=b",
            ),
            part("Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64"),
            part("Content-Type: text/plain"),
        ];
        for body in broken {
            assert!(
                matches!(parse(&body), Err(BodyRefusal::Unreadable(_))),
                "{body:?}"
            );
        }
        let charset = part(
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=utf-16",
        );
        assert_eq!(
            parse(&charset),
            Err(BodyRefusal::Charset("utf-16".to_owned()))
        );
    }

    #[test]
    fn the_boundaries_of_browsers_and_programs_are_sound() {
        for boundary in [
            "----WebKitFormBoundaryx8Vq5Wk85LLtjSBQ",
            "----geckoformboundary9a3f0f2d1c",
            "---------------------------187091371540983345041",
            "------------------------mJ7Ea1oQYpDeNKLdKf5nXz",
            "----=_Part_7_1234.5678",
        ] {
            let content_type = format!("multipart/form-data; boundary=\"{boundary}\"");
            let parsed = ContentType::parse(&content_type).unwrap();
            let body = part("Content-Disposition: form-data; name=\"a\"").replace("XX", boundary);
            let form = Form::multipart(&parsed, body.as_bytes()).unwrap();
            assert_eq!(form.values("a").unwrap(), ["value"], "{boundary}");
        }
    }

    #[test]
    fn a_boundary_must_be_sound() {
        for content_type in [
            "multipart/form-data",
            "multipart/form-data; boundary=\"\"",
            "multipart/form-data; boundary=\"a\u{e9}\"",
            "multipart/form-data; xboundary=a; boundary=b",
            "multipart/form-data; boundary=\"a,b\"",
            "multipart/form-data; boundary=\"Boundary=a\"",
            "multipart/form-data; boundary=\"aBoundary =a\"",
        ] {
            let parsed = ContentType::parse(content_type).unwrap();
            assert!(Form::multipart(&parsed, b"----").is_err(), "{content_type}");
        }
    }
}
