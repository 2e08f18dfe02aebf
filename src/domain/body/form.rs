//! Form fields, whichever way they came, and strict `application/x-www-form-urlencoded`.

use super::BodyRefusal;
use super::content_type::require_utf8;
use crate::domain::parameters::{may_be_key, same_key, splits};
use crate::domain::percent::decoded_strictly;

/// The fields of a form, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) fields: Vec<FormField>,
}

/// One field. The value of a file need not be text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FormField {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
    /// File name and type of a multipart field, where it has them.
    pub(super) file: Option<String>,
    pub(super) media_type: Option<String>,
}

impl Form {
    /// Reads what browsers write (WHATWG URL §5), and nothing that parsers read differently: a raw
    /// `;` separates fields for some, a name goes on to `]=` for qs, a broken escape or other charset is
    /// anyone's guess.
    pub(super) fn urlencoded(bytes: &[u8]) -> Result<Self, BodyRefusal> {
        let odd = bytes
            .iter()
            .find(|byte| !matches!(byte, 0x20..=0x7E) || **byte == b';');
        if let Some(odd) = odd {
            return Err(BodyRefusal::unreadable(format!(
                "byte 0x{odd:02X} in a form must be escaped"
            )));
        }
        let mut fields = Vec::new();
        for pair in bytes
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let split = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = split.map_or((pair, &b""[..]), |at| {
                let (name, value) = pair.split_at(at);
                (name, value.get(1..).unwrap_or_default())
            });
            if std::str::from_utf8(pair).is_ok_and(|pair| splits(pair).nth(1).is_some()) {
                return Err(BodyRefusal::unreadable("`]=` in the value of a form field"));
            }
            let (name, value) = (decoded(name)?, decoded(value)?.into_bytes());
            fields.push(FormField {
                name,
                value,
                file: None,
                media_type: None,
            });
        }
        Self { fields }.checked()
    }

    /// Refuses names that end early for some (at NUL for PHP), and a form that says of itself that it is
    /// in another charset (HTML's `_charset_`).
    pub(super) fn checked(self) -> Result<Self, BodyRefusal> {
        let is_odd = |field: &FormField| field.name.contains(char::is_control);
        if let Some(field) = self.fields.iter().find(|field| is_odd(field)) {
            let name = field.name.escape_default();
            return Err(BodyRefusal::unreadable(format!(
                "field `{name}` has a control character in its name"
            )));
        }
        for field in self.named("_charset_") {
            require_utf8(field.text()?)?;
        }
        Ok(self)
    }

    /// Every field that applications may take for `name`.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &FormField> {
        self.fields
            .iter()
            .filter(move |field| may_be_key(&field.name, name))
    }

    /// The values of a field that a route reads; refused if they differ, unless it is a list
    /// (`name[]`, `name[0]`), where every value counts. `name.x` is a field of its own to most (browsers
    /// send it for an image that submits the form), and refused with none.
    pub(super) fn values(&self, name: &str) -> Result<Vec<&str>, BodyRefusal> {
        let values = self
            .named(name)
            .map(FormField::text)
            .collect::<Result<Vec<_>, _>>()?;
        let same = || self.named(name).filter(|field| same_key(&field.name, name));
        let is_list = same().all(|field| field.name.ends_with(']'));
        let differ = || {
            same()
                .zip(same().skip(1))
                .any(|(one, next)| one.value != next.value)
        };
        if !is_list && differ() {
            return Err(BodyRefusal::AmbiguousKey(name.to_owned()));
        }
        Ok(values)
    }
}

impl FormField {
    /// The value as text.
    pub(super) fn text(&self) -> Result<&str, BodyRefusal> {
        std::str::from_utf8(&self.value)
            .map_err(|_| BodyRefusal::unreadable(format!("field `{}` is not UTF-8", self.name)))
    }
}

fn decoded(text: &[u8]) -> Result<String, BodyRefusal> {
    let bytes = decoded_strictly(text).ok_or_else(|| {
        BodyRefusal::unreadable("`%` in a form without two hexadecimal digits after it")
    })?;
    String::from_utf8(bytes).map_err(|_| BodyRefusal::unreadable("a form that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Result<Form, BodyRefusal> {
        Form::urlencoded(text.as_bytes())
    }

    #[test]
    fn what_browsers_write_is_read() {
        let form = form("action=delete+all&x=%C3%A9%3B&empty=&bare&&a=b=c").unwrap();
        let fields: Vec<_> = form
            .fields
            .iter()
            .map(|f| (f.name.as_str(), f.text().unwrap()))
            .collect();
        assert_eq!(
            fields,
            [
                ("action", "delete all"),
                ("x", "é;"),
                ("empty", ""),
                ("bare", ""),
                ("a", "b=c")
            ]
        );
    }

    #[test]
    fn a_question_mark_before_the_first_field_is_not_part_of_its_name() {
        for text in ["?a=1", "??a=1", "%3Fa=1", "&?a=1", "+a=1", "%EF%BB%BFa=1"] {
            let form = form(text).unwrap();
            assert_eq!(form.values("a"), Ok(vec!["1"]), "{text}");
        }
        let doubled = form("?a=1&a=2").unwrap().values("a").map(|_| ());
        assert_eq!(doubled, Err(BodyRefusal::AmbiguousKey("a".to_owned())));
        // The byte order mark itself is no text of a form.
        assert!(form("\u{feff}a=1").is_err());
    }

    #[test]
    fn what_parsers_read_differently_is_refused() {
        for text in [
            "a=1;b=2",
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%ff",
            "a=\u{e9}",
            "a=1\n",
            "a\0=1",
            "a%00=1",
            "a%0D=1",
            "a=1]=2",
            "a[b=]=2",
            "a[b]=x%5D=2",
            "a[b]=x%5d=2",
            "a==]=1",
        ] {
            assert!(
                matches!(form(text), Err(BodyRefusal::Unreadable(_))),
                "{text:?}"
            );
        }
        assert_eq!(
            form("_charset_=utf-7"),
            Err(BodyRefusal::Charset("utf-7".to_owned()))
        );
    }

    #[test]
    fn a_field_with_two_values_is_ambiguous_and_a_list_is_not() {
        let values = |text: &str| form(text).unwrap().values("a").map(|v| v.join(","));
        let ambiguous = Err(BodyRefusal::AmbiguousKey("a".to_owned()));
        assert_eq!(values("a=1&a=2"), ambiguous);
        assert_eq!(values("a=1&A=2"), ambiguous);
        assert_eq!(values("a=1&a[]=2"), ambiguous);
        assert_eq!(values("a=1&a=1"), Ok("1,1".to_owned()));
        assert_eq!(values("a[]=1&a%5B%5D=2"), Ok("1,2".to_owned()));
        assert_eq!(values("a.x=1&a.y=2"), Ok("1,2".to_owned()));
        assert_eq!(values("a=1&a.y=2&.a=1"), Ok("1,2,1".to_owned()));
        assert_eq!(values("b=1&b=2"), Ok(String::new()));
    }
}
