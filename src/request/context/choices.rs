//! What the person behind a request has chosen: the language of our pages, and the way to prove themselves.

use super::RequestContext;
use crate::domain::{Factor, LocalPath};
use crate::locale::{Locale, Texts};
use crate::request::remembered::Remembered;
use http::header;
use std::sync::Arc;

impl RequestContext<'_> {
    /// The language of our answers: what the person has chosen, or what their browser prefers.
    pub(crate) fn locale(&self) -> Locale {
        let remembered = || {
            let cookies = &self.options.remembered;
            cookies.read(Remembered::Language, self.cookie_lines())
        };
        let chosen = self.chosen.get().or_else(remembered);
        chosen.unwrap_or_else(|| self.hints.locale())
    }

    /// Has the language remembered; this answer is in it already.
    pub(crate) fn choose_language(&self, locale: Locale) {
        self.chosen.set(Some(locale));
        self.remember(Remembered::Language, locale.as_str());
    }

    /// By what the person proved themselves last in this browser, if it says so.
    pub(crate) fn last_way(&self) -> Option<Factor> {
        let cookies = &self.options.remembered;
        cookies.read(Remembered::Way, self.cookie_lines())
    }

    /// Has it remembered by what they have.
    pub(crate) fn remember_way(&self, factor: Factor) {
        // What is for once is not what they will want next time.
        if !matches!(factor, Factor::BootstrapCode | Factor::RecoveryCode) {
            self.remember(Remembered::Way, factor.as_str());
        }
    }

    fn remember(&self, what: Remembered, word: &str) {
        let cookie = self.options.remembered.set(what, word);
        let lines = cookie.map(|cookie| (header::SET_COOKIE, cookie));
        self.hand_on(Arc::new(lines.into_iter().collect()));
    }

    /// The page that is asked for, if it only shows something.
    pub(super) fn here(&self) -> Option<LocalPath> {
        let is_page = self.hints.safe && self.hints.reads_pages();
        let target = self.target();
        // An answer of the provider's is taken once.
        let is_answer = self
            .options
            .endpoint(self.path())
            .is_some_and(|name| name.starts_with("oidc/"));
        (is_page && !is_answer).then(|| LocalPath::parse(target))?
    }

    /// The texts in this client's language.
    pub(crate) fn texts(&self) -> &Texts {
        self.options.brand.wording.of(self.locale())
    }
}
