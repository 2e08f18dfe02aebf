//! The store on which a test runs, and a look into it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Where the sidecar keeps what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Embedded,
    Redis,
}

/// Makes each test two, one on either store.
macro_rules! on_both_stores {
    ($($(#[$note:meta])* async fn $name:ident($store:ident: Store) $test:block)*) => {$(
        $(#[$note])*
        mod $name {
            #[allow(unused_imports)] // not every test needs everything that its neighbors do
            use super::*;

            async fn test($store: $crate::support::store::Store) $test

            #[test]
            fn on_the_embedded_store() {
                $crate::support::run(test($crate::support::store::Store::Embedded));
            }

            #[test]
            fn on_redis() {
                $crate::support::run(test($crate::support::store::Store::Redis));
            }
        }
    )*};
}
pub(crate) use on_both_stores;

/// The tables of the embedded store, row by row.
pub(crate) fn tables(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = entries
        .map(|entry| entry.path())
        .find(|path| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
        .expect("no database");
    let database = rusqlite::Connection::open(file).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut names = database.prepare(names).unwrap();
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .filter(|name| name != "pings")
        .collect();
    let mut dump = String::new();
    for name in names {
        let mut rows = database.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let value = row.get_ref(column).unwrap();
                let value = match value.as_bytes_or_null() {
                    Ok(Some(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
                    Ok(None) | Err(_) => format!("{value:?}"),
                };
                write!(dump, "{value} | ").unwrap();
            }
            writeln!(dump, "in {name}").unwrap();
        }
    }
    dump
}
