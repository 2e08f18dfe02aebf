//! What a recording shows of logins, logouts and sessions. Pure: exchanges in, findings out.

use super::exchange::SeenExchange;
use super::findings::Findings;
use super::words::leads_on;
use super::{authorization, cookies, logins, logouts, whoami};

/// Looks for all of it.
pub(super) fn find(exchanges: &[SeenExchange]) -> Findings {
    let mut found = Findings::default();
    logins::find(exchanges, &mut found);
    cookies::find(exchanges, &mut found);
    logouts::find(exchanges, &mut found);
    found.login_page = login_page(exchanges, &found);
    let typed = found.logins.iter().find_map(|login| login.typed.clone());
    found.whoami = whoami::find(exchanges, &found, typed.as_deref());
    authorization::find(exchanges, typed.as_deref(), &mut found);
    found
}

/// The page from which people sign in, with where they were going if it takes that along.
fn login_page(exchanges: &[SeenExchange], found: &Findings) -> Option<String> {
    let first = found.logins.first()?.right.first()?;
    let before = exchanges.get(..*first)?;
    let page = before
        .iter()
        .rev()
        .find(|page| page.method == "GET" && page.asks_for_password())?;
    let next = page
        .query
        .iter()
        .find(|(name, value)| leads_on(name) && value.starts_with('/'));
    Some(match next {
        Some((name, _))
            if name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '_') =>
        {
            format!("{}?{name}={{path}}", page.path)
        }
        Some(_) | None => page.path.clone(),
    })
}
