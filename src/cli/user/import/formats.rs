//! The formats of files of users: CSV, htpasswd, and what Django's `dumpdata` writes.

use super::Secret;
use crate::cli::arguments::ImportFormat;
use csv::{ReaderBuilder, StringRecord, Trim};
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// One user as a file has them.
#[derive(Debug)]
pub(super) struct UserRow {
    pub(super) place: RowPlace,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) hash: Option<Secret<String>>,
    pub(super) aliases: Vec<String>,
}

/// Where in the file a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowPlace {
    /// Of a JSON array, counted from 1.
    Entry(usize),
    Line(u64),
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(number) => write!(f, "entry {number}"),
            Self::Line(number) => write!(f, "line {number}"),
        }
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct FileOfUsers {
    /// Users, and what could not be read as one.
    pub(super) rows: Vec<Result<UserRow, (RowPlace, String)>>,
    /// Columns or models that are of no use here.
    pub(super) unread: Vec<String>,
}

/// The format of a file, by its name and its beginning.
pub(super) fn guess(path: &Path, bytes: &[u8]) -> ImportFormat {
    let text = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes));
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let is_csv = path
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    if text.starts_with('[') {
        ImportFormat::Django
    } else if !is_csv && first.is_some_and(|line| line.contains(':') && !line.contains(',')) {
        ImportFormat::Htpasswd
    } else {
        ImportFormat::Csv
    }
}

/// Reads a file; an error is about all of it.
pub(super) fn read(format: ImportFormat, bytes: &[u8]) -> Result<FileOfUsers, String> {
    match format {
        ImportFormat::Csv => csv(bytes),
        ImportFormat::Django => django(bytes),
        ImportFormat::Htpasswd => Ok(htpasswd(bytes)),
    }
}

fn csv(bytes: &[u8]) -> Result<FileOfUsers, String> {
    // Excel writes a byte order mark, which would be part of the first column's name.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let heading = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    // Spreadsheets write `;` where the comma is the decimal sign.
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .find(|byte| heading.contains(byte));
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .trim(Trim::All)
        .from_reader(bytes);
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header.eq_ignore_ascii_case(name))
    };
    let (name, email) = (column("name"), column("email"));
    // What a database calls `password` holds hashes; a plain one is refused with the line.
    let hash = column("password_hash").or_else(|| column("password"));
    let aliases = column("aliases");
    if name.is_none() {
        let expected = "expected a first line with the names of the columns: `name`, and of `email`, \
                        `password_hash` and `aliases` those that there are";
        return Err(format!("there is no column `name`; {expected}"));
    }
    let known = [name, email, hash, aliases];
    let unread = headers.iter().enumerate();
    let unread = unread.filter(|(at, _)| !known.contains(&Some(*at)));
    let cell = |record: &StringRecord, at: Option<usize>| {
        let cell = at
            .and_then(|at| record.get(at))
            .filter(|cell| !cell.is_empty());
        cell.map(str::to_owned)
    };
    let mut lines = LineCounter {
        bytes,
        offset: 0,
        line: 1,
    };
    let read = |record: Result<StringRecord, csv::Error>| {
        let record = record.map_err(|error| {
            let place = RowPlace::Line(lines.at(error.position()));
            (place, csv_fault(&error))
        })?;
        let place = RowPlace::Line(lines.at(record.position()));
        let aliases = cell(&record, aliases).unwrap_or_default();
        Ok(UserRow {
            place,
            name: cell(&record, name).unwrap_or_default(),
            email: cell(&record, email),
            hash: cell(&record, hash).map(Secret::new),
            aliases: aliases.split_whitespace().map(str::to_owned).collect(),
        })
    };
    let unread = unread.map(|(_, header)| header.to_owned()).collect();
    let rows = reader.records().map(read).collect();
    Ok(FileOfUsers { rows, unread })
}

/// Counts lines up to a record. The library counts one less after `\r\n`, and blank ones to the record.
struct LineCounter<'b> {
    bytes: &'b [u8],
    offset: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let to = position.and_then(|position| usize::try_from(position.byte()).ok());
        let to = to.unwrap_or_default();
        while let Some(byte) = self.bytes.get(self.offset)
            && (self.offset < to || matches!(byte, b'\r' | b'\n'))
        {
            self.line += u64::from(*byte == b'\n');
            self.offset += 1;
        }
        self.line
    }
}

/// Why a line is none; the library's own words may quote the line, which has a hash in it.
fn csv_fault(error: &csv::Error) -> String {
    if let csv::ErrorKind::UnequalLengths {
        expected_len, len, ..
    } = error.kind()
    {
        format!("it has {len} fields, where the first line has {expected_len}")
    } else if let csv::ErrorKind::Utf8 { .. } = error.kind() {
        "it is not UTF-8".to_owned()
    } else {
        "it is no line of CSV".to_owned()
    }
}

fn htpasswd(bytes: &[u8]) -> FileOfUsers {
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let place = RowPlace::Line(number);
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let parts = std::str::from_utf8(line).map(|line| line.split_once(':'));
        rows.push(match parts {
            Err(_) => Err((place, "it is not UTF-8".to_owned())),
            Ok(None) => Err((place, "expected `name:hash`".to_owned())),
            Ok(Some((name, hash))) => Ok(UserRow {
                place,
                name: name.to_owned(),
                email: None,
                hash: Some(Secret::new(hash.to_owned())),
                aliases: Vec::new(),
            }),
        });
    }
    FileOfUsers {
        rows,
        ..FileOfUsers::default()
    }
}

/// One object of Django's serialization format.
#[derive(Deserialize)]
struct DjangoObject {
    model: String,
    fields: HashMap<String, serde_json::Value>,
}

fn django(bytes: &[u8]) -> Result<FileOfUsers, String> {
    let objects: Vec<serde_json::Value> = serde_json::from_slice(bytes)
        .map_err(|error| format!("no JSON array, as `manage.py dumpdata` writes one: {error}"))?;
    let mut file = FileOfUsers::default();
    for (number, object) in (1..).zip(objects) {
        let place = RowPlace::Entry(number);
        let expected = "expected an object with `model` and `fields`";
        let row = match serde_json::from_value::<DjangoObject>(object) {
            Err(_) => Err((place, expected.to_owned())),
            // `dumpdata auth` has groups and permissions, too.
            Ok(object) if !object.fields.contains_key("password") => {
                if !file.unread.contains(&object.model) {
                    file.unread.push(object.model);
                }
                continue;
            }
            Ok(object) => django_user(place, &object.fields),
        };
        file.rows.push(row);
    }
    Ok(file)
}

fn django_user(
    place: RowPlace,
    fields: &HashMap<String, serde_json::Value>,
) -> Result<UserRow, (RowPlace, String)> {
    let field = |name: &str| {
        let text = fields.get(name).and_then(serde_json::Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let email = field("email");
    // A user model of the application's own may have its address for a name.
    let name = field("username").or_else(|| email.clone());
    let name = name.ok_or_else(|| (place, "it has neither `username` nor `email`".to_owned()))?;
    // Django writes `!` and chance for a password that nothing matches.
    let hash = field("password").filter(|hash| !hash.starts_with('!'));
    Ok(UserRow {
        place,
        name,
        email,
        hash: hash.map(Secret::new),
        aliases: Vec::new(),
    })
}
