//! The Django admin behind a sidecar on Redis, and people at browsers of their own.

use crate::support::axe;
use crate::support::browser::Browser;
use crate::support::django::Django;
use crate::support::sidecar::{self, PASSWORD, Setup, Sidecar};
use crate::support::store::Store;
use fantoccini::Locator;
use std::fs;
use std::path::Path;

/// Django and what guards it, at an address that browsers take for a secure one.
pub(super) struct Site {
    pub(super) sidecar: Sidecar,
    _django: Django,
}

impl Site {
    /// With the policy that is shipped; `more` stands in its route for deleting an account.
    pub(super) fn start(more: &str) -> Self {
        Self::start_with(more, |setup| setup, |_| ())
    }

    /// The same with further settings, and with what is to be done before it runs.
    pub(super) fn start_with(
        more: &str,
        settings: impl FnOnce(Setup) -> Setup,
        before: impl FnOnce(&Sidecar),
    ) -> Self {
        let django = Django::start();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/django-admin.yaml");
        let policy = fs::read_to_string(file).unwrap();
        let route = "    title: Delete a user\n";
        assert_eq!(policy.matches(route).count(), 1);
        let setup = sidecar::on(Store::Redis)
            .at_localhost()
            .in_front_of(django.addr())
            .policy(&policy.replace(route, &format!("{route}    {more}\n")))
            .with("session", "cookies: [sessionid]")
            .with("session", "login_page: /admin/login/")
            .with("session", LEARN);
        let mut sidecar = settings(setup).prepare();
        before(&sidecar);
        sidecar.start();
        Self {
            sidecar,
            _django: django,
        }
    }

    pub(super) fn origin(&self) -> String {
        format!("http://localhost:{}", self.sidecar.addr().port())
    }

    /// A code that an operator hands out for a first enrollment.
    pub(super) fn bootstrap_code(&self, name: &str) -> String {
        let told = self.sidecar.command(&["user", "bootstrap", name]);
        let code = told.lines().find_map(|line| line.strip_prefix("code "));
        code.unwrap_or_else(|| panic!("no code in {told}"))
            .trim()
            .to_owned()
    }

    /// Somebody at a browser of their own, signed in to Django.
    pub(super) async fn sign_in(&self, name: &'static str, password: &str) -> Person<'_> {
        let person = Person {
            site: self,
            browser: Browser::open().await,
        };
        person.goto("/admin/login/?next=/admin/").await;
        person.browser.fill("#id_username", name).await;
        person.browser.fill("#id_password", password).await;
        person.browser.click("#login-form input[type=submit]").await;
        person.browser.see("#logout-form").await;
        person
    }

    /// The administrator, who may delete accounts.
    pub(super) async fn admin(&self) -> Person<'_> {
        self.sign_in("admin", "Admin-pass-1!").await
    }

    /// Somebody who may only look at accounts.
    pub(super) async fn alice(&self) -> Person<'_> {
        self.sign_in("alice", "Alice-pass-1!").await
    }
}

/// Somebody at their browser.
pub(super) struct Person<'s> {
    site: &'s Site,
    pub(super) browser: Browser,
}

impl Person<'_> {
    pub(super) async fn goto(&self, path: &str) {
        let url = format!("{}{path}", self.site.origin());
        self.browser.goto(&url).await.unwrap();
    }

    pub(super) async fn reads(&self, words: &str) -> String {
        self.browser.read(words).await
    }

    pub(super) async fn clicks(&self, css: &str) {
        self.browser.click(css).await;
    }

    /// Opens somebody's page from the list, as people do, and says twice that they are to be deleted.
    pub(super) async fn asks_to_delete(&self, name: &str) {
        self.goto("/admin/auth/user/").await;
        let link = self.browser.wait().for_element(Locator::LinkText(name));
        link.await.unwrap().click().await.unwrap();
        self.clicks("a.deletelink").await;
        self.clicks("#content form input[type=submit]").await;
    }

    /// Presses the one button that sends what was asked for.
    pub(super) async fn confirms_to_delete(&self, name: &str) {
        self.reads("Nothing has happened yet").await;
        self.clicks("main form button").await;
        let page = self.reads("was deleted successfully").await;
        assert!(page.contains(name), "{page}");
    }

    /// Has this way opened on the prompt, whichever came first.
    pub(super) async fn chooses(&self, factor: &str) {
        let way = "form.way input[name=factor]";
        let open = self.browser.see(way).await.prop("value").await.unwrap();
        if open.as_deref() != Some(factor) {
            let other = format!("form.way button[name=other][value='{factor}']");
            self.clicks(&other).await;
        }
        self.browser.see(&format!("{way}[value='{factor}']")).await;
    }

    /// That everybody can use the page that they see.
    pub(super) async fn finds_no_barrier(&self) {
        axe::assert_no_findings(&self.browser).await;
    }

    /// Answers the prompt by what is typed.
    pub(super) async fn answers(&self, factor: &str, answer: &str) {
        self.chooses(factor).await;
        self.browser.fill(&format!("#{factor}"), answer).await;
        self.clicks("form[action$='/verify'] button:not([name])")
            .await;
    }

    pub(super) async fn proves_by_password(&self) {
        self.answers("password", PASSWORD).await;
    }

    /// Has the authenticator say who this is.
    pub(super) async fn proves_by_passkey(&self) {
        self.chooses("passkey").await;
        self.clicks("form[data-passkey='get'] button:not([name])")
            .await;
    }

    /// Takes back all that was proved, as it is by the next day.
    pub(super) async fn forgets_confirmations(&self) {
        self.goto("/.stepup/sessions").await;
        self.clicks("form[action$='/lock'] button").await;
        self.browser.see("[role=status]").await;
    }

    /// Fills in the one field of a page on which something is set up.
    pub(super) async fn sends_step(&self, page: &str, answer: &str) {
        self.browser.fill("#answer", answer).await;
        self.clicks(&format!("form[action$='/enroll/{page}'] button"))
            .await;
    }

    /// From the overview of what is set up.
    pub(super) async fn adds_a_passkey(&self, name: &str) {
        self.clicks("main a[href*='/enroll/passkeys']").await;
        self.browser.fill("#name", name).await;
        self.clicks("form[data-passkey='create'] button").await;
        self.browser.see("[role=status]").await;
        self.reads(name).await;
    }

    /// From the overview of what is set up: the codes as they would be printed.
    pub(super) async fn makes_recovery_codes(&self) -> Vec<String> {
        self.clicks("main a[href*='/enroll/recovery']").await;
        self.clicks("form[action$='/enroll/recovery'] button").await;
        self.browser.see(".codes li").await;
        let codes = self.browser.find_all(Locator::Css(".codes li")).await;
        let mut texts = Vec::new();
        for code in codes.unwrap() {
            texts.push(code.text().await.unwrap());
        }
        assert_eq!(texts.len(), 10);
        texts
    }
}

/// What Django answers to a login, and where it is logged out.
const LEARN: &str = "learn: { logins: [{ methods: [POST], path: /admin/login/, subject: { form: username }, \
    success: { status: 302, location: '/admin/.*', cookie: sessionid } }], logouts: [{ methods: [POST], path: /admin/logout/ }] }";
