//! What people see: pages as pure functions from a view to HTML.
//!
//! Nothing here answers a request; the caller adds [`HEADERS`]. No page holds an inline
//! script or style. One script asks the browser for a passkey, on the pages that need it, and one tells the page around
//! the prompt what became of it; all else works without JavaScript. `client.js` is for pages of the application.

mod approvals;
mod confirm;
mod device;
mod enroll;
mod message;
mod palette;
mod panels;
mod passkeys;
mod prompt;
mod prompt_view;
mod sessions;

pub use approvals::{ApprovalPage, WaitingPage, approval, approvals, waiting};
pub use confirm::{CarriedField, Confirm, FormEncoding, confirm};
pub use device::{DevicePage, device};
pub use enroll::{
    EnrollDone, EnrollField, EnrollForm, EnrollInput, EnrollOverview, EnrollStep, EnrolledItem,
    enroll_overview, enroll_step,
};
pub(crate) use enroll::{back_query, qr};
pub use message::{
    ErrorView, Framed, SessionView, VerifiedPage, error, framed, lock, onward, problem,
    problem_index, refresh, session, verified,
};
pub use palette::{LowContrast, Palette, Scheme, Tone};
pub use panels::asks_for_passkey;
pub use passkeys::{PasskeysView, passkeys};
pub use prompt::prompt;
pub use prompt_view::{Earns, EmailCode, Prompt, PromptError, PurposeField};
pub use sessions::{SessionsPage, SessionsState, sessions};

use crate::domain::LocalPath;
use crate::locale::{Texts, visible};
pub use crate::request::site::Site;
use askama::Template;

/// The headers of every page.
///
/// `Referrer-Policy` is `strict-origin` rather than `no-referrer`: with the latter, browsers send
/// `Origin: null` with a form (Fetch §4.1), which neither our own check nor an application's
/// cross-site protection would take. Either way no path, and so no token, is ever in a referrer.
pub const HEADERS: [(&str, &str); 6] = headers(CONTENT_SECURITY_POLICY);

/// The headers of [`confirm`], whose form goes to the application.
///
/// Browsers hold `form-action` against every redirect that follows a form (CSP3 §6.4.1), and an
/// application may well send people on to another origin, such as a payment page. With `'self'`
/// alone the request would have its effect and the person would see nothing of it.
pub const CONFIRM_HEADERS: [(&str, &str); 6] = headers(CONFIRM_CONTENT_SECURITY_POLICY);

const fn headers(policy: &'static str) -> [(&'static str, &'static str); 6] {
    [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", policy),
        ("cross-origin-resource-policy", "same-origin"),
        // Without the path: that of a prompt holds its token. Not `no-referrer`: forms would come
        // with `Origin: null` (Fetch, `Origin` header).
        ("referrer-policy", "strict-origin"),
        ("x-content-type-options", "nosniff"),
        // For browsers that do not know `frame-ancestors`; others ignore it (CSP3 §6.4.2).
        ("x-frame-options", "DENY"),
    ]
}

/// The policy of every page but one: no script, no inline style, no frame around it, forms to us.
pub(in crate::web) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const CONFIRM_CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; \
     img-src 'self'; form-action 'self' https: http:; frame-ancestors 'none'; base-uri 'none'";

/// The policy of the page that stands in a frame: pages of the same origin may frame it, or nobody
/// would ever see it. It asks for nothing and holds one link, which opens a window of its own.
pub const FRAMED_CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'none'; frame-ancestors 'self'; base-uri 'none'";

/// The policy of a page that asks for a passkey, by the one script: it asks us for options, and sends a form.
pub const SCRIPTED_CSP: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; \
     img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The same for the prompt in a dialog, and what comes after it there: pages of the same origin may frame it.
pub const DIALOG_CSP: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; \
     img-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'";

/// The script for pages of the application, served as `client.js` under the prefix. It is part of a package of npm.
pub const CLIENT: &str = include_str!("../../../packaging/npm/client.js");

/// The script of the prompt in a dialog, served as `dialog.js` under the prefix.
pub const DIALOG: &str = include_str!("dialog.js");

/// The script, served as `script.js` under the prefix (`text/javascript`).
pub const SCRIPT: &str = include_str!("script.js");

/// The style sheet, served as `style.css` under the prefix (`text/css; charset=utf-8`).
pub const STYLE: &str = include_str!("style.css");

/// Renders. Writing to a `String` cannot fail, nor can a text; an empty page would be the answer.
fn render(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

/// A link, and what it says.
struct PageLink<'a> {
    href: String,
    text: &'a str,
    top: bool,
}

impl<'a> PageLink<'a> {
    fn to(path: &LocalPath, text: &'a str) -> Self {
        Self {
            href: path.to_string(),
            text,
            top: false,
        }
    }
}

/// Labels and values, made visible, also values that were left empty.
fn shown(t: &Texts, pairs: &[(String, String)]) -> Vec<(String, String)> {
    let shown = |value: &str| match value.trim() {
        "" => t.page.empty.to_string(),
        _ => visible(value),
    };
    let pair = |(label, value): &(String, String)| (visible(label), shown(value));
    pairs.iter().map(pair).collect()
}

/// Takes the address of a sign-in page, which may be another site's; `None` if it is no web address.
fn web_address(url: &str) -> Option<String> {
    // Browsers drop tabs and line ends from an address, and take `\` for `/` (WHATWG URL §4.4).
    let sound = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let web = url.starts_with("https://") || url.starts_with("http://");
    ((sound && web) || LocalPath::parse(url).is_some()).then(|| url.to_owned())
}

#[cfg(test)]
mod tests;
