//! Where a person comes back to once they have signed in, or proved who they are.

use crate::domain::{LocalPath, ReturnTarget};
use crate::request::context::RequestContext;
use crate::request::library::{Fetches, Library};
use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

impl RequestContext<'_> {
    /// The application's login page, on the way to where the client wanted to go.
    pub(crate) fn login_url(&self) -> Option<String> {
        let page = self.options.login_page.as_ref()?;
        let library = self.hints.kind.library();
        let page_of_library = library.map(|library| self.page_of_library(library));
        // After the login comes a GET: a form is not sent again.
        let wanted = match &page_of_library {
            Some(page) => page.as_str(),
            None if self.hints.safe => self.target(),
            None => "/",
        };
        Some(page.replace("{path}", &escaped(wanted)))
    }

    /// The login page, on the way to where a challenge returns to.
    pub(crate) fn login_url_for(&self, target: &ReturnTarget) -> Option<String> {
        let page = self.options.login_page.as_ref()?;
        let wanted = match target {
            ReturnTarget::Path(path) | ReturnTarget::Refill(path) => path.as_str(),
            ReturnTarget::Caller | ReturnTarget::Form(_) => "/",
        };
        Some(page.replace("{path}", &escaped(wanted)))
    }

    /// The page that a person of a library comes back to: the one that it fetches, or the one that it stands in.
    pub(crate) fn page_of_library(&self, library: &Library) -> LocalPath {
        let page = if self.hints.safe && library.fetches == Fetches::Pages {
            LocalPath::parse(self.target())
        } else {
            self.page_before()
        };
        page.unwrap_or_else(LocalPath::root)
    }

    /// The page of our own origin that the request was sent from, if it says so.
    pub(crate) fn page_before(&self) -> Option<LocalPath> {
        let page = Url::parse(self.hints.page()?.to_str().ok()?).ok()?;
        let origin = HeaderValue::from_str(&page.origin().ascii_serialization()).ok()?;
        let query = page.query().map(|query| format!("?{query}"));
        let path = format!("{}{}", page.path(), query.unwrap_or_default());
        self.is_own(&origin).then(|| LocalPath::parse(&path))?
    }
}

/// Escapes a text for a query: all but the unreserved characters (RFC 3986 §2.3) and the slash.
fn escaped(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/');
    utf8_percent_encode(text, KEPT).to_string()
}
