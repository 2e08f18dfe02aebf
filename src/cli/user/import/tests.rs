//! What each format of a file is read as.

use super::formats::{FileOfUsers, RowPlace, guess, read};
use crate::cli::arguments::ImportFormat;
use std::path::Path;

fn file(format: ImportFormat, text: &str) -> FileOfUsers {
    read(format, text.as_bytes()).unwrap()
}

/// Place, name, address, hash and aliases of each row, or place and reason.
fn told(file: &FileOfUsers) -> Vec<String> {
    let row = |row: &Result<super::UserRow, (RowPlace, String)>| match row {
        Err((place, reason)) => format!("{place}: {reason}"),
        Ok(row) => {
            let hash = row.hash.as_ref().map_or("-", |hash| hash.expose());
            let email = row.email.as_deref().unwrap_or("-");
            format!(
                "{}: {} {email} {hash} {:?}",
                row.place, row.name, row.aliases
            )
        }
    };
    file.rows.iter().map(row).collect()
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let text = "\u{feff}Email;name;team;aliases;password_hash\r\n\
                a@example.test; Alice ;blue;al ali;\"$2y$04$x\"\r\n;bob;;;\r\n";
    let file = file(ImportFormat::Csv, text);
    assert_eq!(
        told(&file),
        [
            "line 2: Alice a@example.test $2y$04$x [\"al\", \"ali\"]",
            "line 3: bob - - []"
        ]
    );
    assert_eq!(file.unread, ["team"]);
    assert!(
        read(ImportFormat::Csv, b"alice,a@example.test\n")
            .unwrap_err()
            .contains("`name`")
    );
}

#[test]
fn a_line_that_is_none_takes_no_other_with_it() {
    let text = "name,email\nalice,a@example.test\nbob\n\"carol\",c@example.test\ndan,d,e\neve,\n";
    let told = told(&file(ImportFormat::Csv, text));
    assert_eq!(
        told,
        [
            "line 2: alice a@example.test - []",
            "line 3: it has 1 fields, where the first line has 2",
            "line 4: carol c@example.test - []",
            "line 5: it has 3 fields, where the first line has 2",
            "line 6: eve - - []",
        ]
    );
    let latin = read(ImportFormat::Csv, b"name\nalice\nb\xf6b\ncarol\n").unwrap();
    assert_eq!(
        super::tests::told(&latin),
        [
            "line 2: alice - - []",
            "line 3: it is not UTF-8",
            "line 4: carol - - []"
        ]
    );
}

#[test]
fn htpasswd_has_comments_and_blank_lines() {
    let text = "# people\n\nalice:$apr1$x$y\nbob\n carol:{SHA}x= \n";
    assert_eq!(
        told(&file(ImportFormat::Htpasswd, text)),
        [
            "line 3: alice - $apr1$x$y []",
            "line 4: expected `name:hash`",
            "line 5: carol - {SHA}x= []"
        ]
    );
}

#[test]
fn a_dump_of_django_may_hold_other_models() {
    let text = r#"[{"model": "auth.group", "pk": 1, "fields": {"name": "staff"}},
        {"model": "auth.user", "pk": 1, "fields": {"username": "alice", "email": "a@example.test", "password": "pbkdf2_sha256$1$x$y"}},
        {"model": "auth.user", "pk": 2, "fields": {"username": "bob", "email": "", "password": "!unusable"}},
        {"model": "people.person", "pk": 3, "fields": {"email": "c@example.test", "password": "x"}},
        {"model": "auth.user", "pk": 4, "fields": {"username": 5, "password": "x"}},
        7]"#;
    let file = file(ImportFormat::Django, text);
    assert_eq!(
        told(&file),
        [
            "entry 2: alice a@example.test pbkdf2_sha256$1$x$y []",
            "entry 3: bob - - []",
            "entry 4: c@example.test c@example.test x []",
            "entry 5: it has neither `username` nor `email`",
            "entry 6: expected an object with `model` and `fields`",
        ]
    );
    assert_eq!(file.unread, ["auth.group"]);
    assert!(
        read(ImportFormat::Django, b"[{")
            .unwrap_err()
            .contains("line 1")
    );
}

#[test]
fn the_format_is_guessed() {
    for (name, text, format) in [
        ("users.csv", "name\na:b\n", ImportFormat::Csv),
        (
            ".htpasswd",
            "\n# x\nalice:$apr1$x$y\n",
            ImportFormat::Htpasswd,
        ),
        ("-", "alice:$6$x$y\nbob:$6$x$y\n", ImportFormat::Htpasswd),
        ("-", " \n[{\"model\": 1}]", ImportFormat::Django),
        ("-", "name,email\n", ImportFormat::Csv),
        ("-", "name\n", ImportFormat::Csv),
        ("-", "", ImportFormat::Csv),
    ] {
        assert_eq!(guess(Path::new(name), text.as_bytes()), format, "{text:?}");
    }
}
