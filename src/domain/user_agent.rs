//! What a `User-Agent` header says of browser and system, in words that people know them by.
//!
//! Nothing rests on it: whoever sends the header writes it. Most browsers name their ancestors as well, so the first
//! mark found here counts.

/// A product token in the header, and what the browser is called.
const BROWSERS: [(&str, &str); 17] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("Trident/", "Internet Explorer"),
];

/// A mark in the header, and what the system is called.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    // iPads say this, too.
    ("Macintosh", "Mac"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// How long the name of a program may be, in bytes.
const LONGEST_NAME: usize = 32;

/// The browser: its usual name, or that of the program, as it begins the header; empty if it says neither.
pub(super) fn browser(agent: &str) -> &str {
    let known = BROWSERS.iter().find(|(mark, _)| agent.contains(mark));
    known.map_or_else(|| program(agent), |(_, name)| name)
}

/// The system; empty if the header does not say.
pub(super) fn system(agent: &str) -> &'static str {
    let known = SYSTEMS.iter().find(|(mark, _)| agent.contains(mark));
    known.map_or("", |(_, name)| name)
}

/// RFC 9110 §10.1.5: products in order of importance, `name/version`. Of the name, what everybody can read.
fn program(agent: &str) -> &str {
    let name = agent.split(['/', ' ']).next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.len() <= LONGEST_NAME && name.bytes().all(is_plain) && name != "Mozilla" {
        name
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_systems_are_called_as_people_know_them() {
        const KIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, known) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox Windows",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/142.0.0.0 Safari/537.36"
                ),
                "Chrome Windows",
            ),
            (
                &format!(
                    "Mozilla/5.0 (X11; Linux x86_64) {KIT} HeadlessChrome/142.0.0.0 Safari/537.36"
                ),
                "Chrome Linux",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
                ),
                "Edge Windows",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Linux; Android 10; K) {KIT} Chrome/142.0.0.0 Mobile Safari/537.36"
                ),
                "Chrome Android",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Linux; Android 10; K) {KIT} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36"
                ),
                "Samsung Internet Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari iPhone",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
                "Chrome iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
                "Safari Mac",
            ),
            (
                &format!(
                    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KIT} Chrome/142.0.0.0 Safari/537.36 OPR/124.0.0.0"
                ),
                "Opera Mac",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
                "Internet Explorer Windows",
            ),
            ("curl/8.14.1", "curl "),
            ("git/2.51.0", "git "),
            ("python-requests/2.32.5", "python-requests "),
            ("<script>alert(1)</script>", " "),
            ("Mozilla/5.0", " "),
            ("", " "),
        ] {
            assert_eq!(
                format!("{} {}", browser(agent), system(agent)),
                known,
                "{agent}"
            );
        }
    }
}
