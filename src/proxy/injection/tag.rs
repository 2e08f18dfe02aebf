//! The tag of our script, as it is written into a document.

use super::csp::{Permission, Script};

/// What goes into a document, if it is one.
#[derive(Debug)]
pub(super) struct Tag {
    /// The path of our script.
    pub(super) path: String,
    /// How policies see it.
    pub(super) script: Script,
    /// The policies in the head of the answer that are in force.
    pub(super) in_force: Vec<String>,
    /// Those that only report.
    pub(super) reporting: Vec<String>,
}

impl Tag {
    /// The markup; `None` if a policy bars the script: one of the head, or one of `further`, which the document sets itself.
    pub(super) fn markup(&self, further: &[String]) -> Option<String> {
        let in_force = self.in_force.iter().chain(further).map(String::as_str);
        let reporting = self.reporting.iter().map(String::as_str);
        match self.script.permission(in_force, reporting) {
            Permission::Barred => None,
            Permission::ByNonce(nonce) => Some(markup(&self.path, Some(nonce))),
            Permission::Given => Some(markup(&self.path, None)),
        }
    }
}

/// All of it is ASCII. In the path may stand what a client chose, so nothing in it ends the attribute.
fn markup(path: &str, nonce: Option<&str>) -> String {
    let mut markup = String::from("<script src=\"");
    for char in path.chars() {
        match char {
            '&' => markup.push_str("&amp;"),
            '"' => markup.push_str("&quot;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            char => markup.push(char),
        }
    }
    markup.push('"');
    if let Some(nonce) = nonce {
        markup.push_str(" nonce=\"");
        markup.push_str(nonce);
        markup.push('"');
    }
    markup.push_str(" defer></script>");
    markup
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_path_ends_the_attribute() {
        assert_eq!(
            markup("/u/\"><b>&amp;/.stepup/client.js", Some("n+/=")),
            "<script src=\"/u/&quot;&gt;&lt;b&gt;&amp;amp;/.stepup/client.js\" nonce=\"n+/=\" defer></script>"
        );
    }
}
