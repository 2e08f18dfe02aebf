//! The page on which people add passkeys, name them and remove them.

use super::{Site, Texts, back_query, render};
use crate::domain::{CredentialEntry, LocalPath, Secret, Timestamp};
use crate::locale::visible;
use crate::web::api::rfc3339;
use askama::Template;

/// What the page shows.
#[derive(Debug)]
pub struct PasskeysView {
    /// The passkeys of the person.
    pub entries: Vec<CredentialEntry>,
    /// Where the person came from before the overview.
    pub back: Option<LocalPath>,
    /// Whether the last one that was to be added was refused.
    pub was_refused: bool,
    /// What ties the forms to this browser.
    pub anti_forgery: Secret<String>,
}

/// Renders the page.
pub fn passkeys(site: &Site, view: &PasskeysView) -> String {
    let t = site.texts();
    let name = &t.factor.passkey_name;
    let number = view.entries.len() + 1;
    render(&PasskeysPage {
        site,
        t,
        title: t.passkeys.heading.to_string(),
        rows: view
            .entries
            .iter()
            .map(|entry| PasskeyRow::of(entry, t))
            .collect(),
        suggested: if number == 1 {
            name.to_string()
        } else {
            format!("{name} {number}")
        },
        query: back_query(view.back.as_ref()),
        view,
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/passkeys.html", whitespace = "minimize")]
struct PasskeysPage<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    rows: Vec<PasskeyRow>,
    suggested: String,
    query: String,
    view: &'a PasskeysView,
}

/// One passkey.
struct PasskeyRow {
    id: String,
    name: String,
    dates: String,
}

impl PasskeyRow {
    fn of(entry: &CredentialEntry, t: &Texts) -> Self {
        let added = t.passkeys.added(day(entry.added_at));
        let used = entry.used_at.map(|at| t.passkeys.used(day(at)));
        Self {
            id: entry.id_text(),
            name: visible(&entry.name),
            dates: [Some(added), used]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" · "),
        }
    }
}

/// The day, in UTC, as ISO 8601 writes it in all languages.
fn day(at: Timestamp) -> String {
    rfc3339(at)
        .chars()
        .take_while(|char| *char != 'T')
        .collect()
}
