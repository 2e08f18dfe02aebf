//! The page after a verification that carries a form: one button that says what it will do.

use super::{Site, Texts, render, shown};
use crate::domain::{LocalPath, Secret};
use crate::locale::visible;
use askama::{FastWritable, Template, Values, filters::HtmlSafe};
use std::fmt;
use std::time::Duration;

/// What the page shows and what its one form posts.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// What the button will do, such as `Delete an account`.
    pub title: String,
    /// The values it will do it with: label and value.
    pub shown: Vec<(String, String)>,
    /// Where the form was posted, path and query.
    pub action: LocalPath,
    /// How it was posted.
    pub encoding: FormEncoding,
    /// Its fields, in their order.
    pub fields: Vec<CarriedField>,
    /// How long the grant will last; `None` if there is none, as the challenge has expired.
    pub time_left: Option<Duration>,
    /// Where to go instead.
    pub cancel: Option<LocalPath>,
}

/// How a form is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormEncoding {
    /// `multipart/form-data`.
    Multipart,
    /// `application/x-www-form-urlencoded`.
    Urlencoded,
}

/// One field of a carried form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CarriedField {
    /// A file, which was not carried; it is chosen again.
    File(String),
    /// A password, which was not carried; it is typed again.
    Password(String),
    /// A field and its value.
    Value(String, Secret<String>),
}

impl FormEncoding {
    /// The media type, as in `enctype`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Multipart => "multipart/form-data",
            Self::Urlencoded => "application/x-www-form-urlencoded",
        }
    }
}

/// Renders the page.
pub fn confirm(site: &Site, confirm: &Confirm) -> String {
    let t = site.texts();
    let rows: Vec<_> = confirm
        .fields
        .iter()
        .enumerate()
        .map(|(index, field)| FormRow::of(t, index, field))
        .collect();
    render(&ConfirmPage {
        site,
        t,
        title: match confirm.time_left {
            Some(_) => t.confirm.title(&confirm.title),
            None => format!("{}: {}", t.confirm.late_heading, visible(&confirm.title)),
        },
        heading: visible(&confirm.title),
        facts: shown(t, &confirm.shown),
        retype: rows
            .iter()
            .any(|row| !matches!(row, FormRow::Hidden { .. })),
        rows,
        deadline: confirm
            .time_left
            .map(|left| t.confirm.deadline(t.at_least(left))),
        confirm,
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/confirm.html", whitespace = "minimize")]
struct ConfirmPage<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    confirm: &'a Confirm,
    heading: String,
    facts: Vec<(String, String)>,
    retype: bool,
    rows: Vec<FormRow<'a>>,
    deadline: Option<String>,
}

/// A field as the page holds it.
enum FormRow<'a> {
    Hidden {
        name: Exact<'a>,
        value: Exact<'a>,
    },
    Visible {
        id: String,
        kind: &'static str,
        name: Exact<'a>,
        label: String,
    },
}

impl<'a> FormRow<'a> {
    fn of(t: &Texts, index: usize, field: &'a CarriedField) -> Self {
        let visible = |kind, name: &'a str, label: String| Self::Visible {
            id: format!("field-{index}"),
            kind,
            name: Exact(name),
            label,
        };
        let words = |name: &str| name.replace(['_', '-'], " ");
        match field {
            CarriedField::File(name) => visible("file", name, t.confirm.file_label(words(name))),
            CarriedField::Password(name) => {
                visible("password", name, t.confirm.retype_label(words(name)))
            }
            CarriedField::Value(name, value) => Self::Hidden {
                name: Exact(name),
                value: Exact(value.expose()),
            },
        }
    }
}

/// Text that a form must give back as it was.
///
/// HTML parsers turn a bare CR into LF, so line ends are written as character references; the rest
/// is escaped as everywhere.
struct Exact<'a>(&'a str);

impl fmt::Display for Exact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\r', '\n']) {
            let (plain, special) = rest.split_at(at);
            f.write_str(plain)?;
            let mut after = special.chars();
            if let Some(special) = after.next() {
                write!(f, "&#{};", u32::from(special))?;
            }
            rest = after.as_str();
        }
        f.write_str(rest)
    }
}

impl FastWritable for Exact<'_> {
    fn write_into(&self, dest: &mut dyn fmt::Write, _: &dyn Values) -> askama::Result<()> {
        Ok(write!(dest, "{self}")?)
    }
}

// It escapes by itself, above.
impl HtmlSafe for Exact<'_> {}
