//! From where a session was begun, for the person to recognize it by.

use super::user_agent;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// From where a session was begun: as little as a person needs to tell sessions apart. No decision rests on it.
///
/// One text of four lines, as it is stored, since it travels with each session and is seldom read.
#[derive(Clone, PartialEq, Eq)]
pub struct Provenance(Arc<str>);

/// How much of the place is kept, in characters.
const LONGEST_PLACE: usize = 100;

impl Provenance {
    /// Of a request: the address of the client, its `User-Agent`, and the page, such as `app.example.com/login`.
    ///
    /// Of the header the names of browser and system are kept, and nothing else.
    pub fn new(address: IpAddr, agent: &str, place: &str) -> Self {
        let (browser, system) = (user_agent::browser(agent), user_agent::system(agent));
        let place: String = place
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_PLACE)
            .collect();
        let address = address.to_canonical();
        Self(format!("{address}\n{browser}\n{system}\n{place}").into())
    }

    /// Reads what is stored.
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// As it is stored.
    pub(crate) fn as_text(&self) -> &str {
        &self.0
    }

    /// The address of the client.
    pub fn address(&self) -> &str {
        self.line(0)
    }

    /// The browser or program, such as `Firefox`; empty if it is not known.
    pub fn browser(&self) -> &str {
        self.line(1)
    }

    /// The system, such as `Windows`; empty if it is not known.
    pub fn system(&self) -> &str {
        self.line(2)
    }

    /// The page, without its query.
    pub fn place(&self) -> &str {
        self.line(3)
    }

    fn line(&self, number: usize) -> &str {
        self.0.split('\n').nth(number).unwrap_or_default()
    }
}

impl fmt::Debug for Provenance {
    /// Nothing of it: addresses of people do not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provenance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_of_a_request_is_kept_and_no_line_is_forged() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let place = format!("app.test/login\nforged{}", "x".repeat(200));
        let kept = Provenance::new("::ffff:192.0.2.7".parse().unwrap(), agent, &place);
        assert_eq!(
            (kept.address(), kept.browser(), kept.system()),
            ("192.0.2.7", "Firefox", "Linux")
        );
        assert!(kept.place().starts_with("app.test/loginforged"));
        assert_eq!(kept.place().chars().count(), LONGEST_PLACE);
        assert_eq!(Provenance::from_text(kept.as_text()), kept);
        assert_eq!(Provenance::from_text("").address(), "");
    }
}
