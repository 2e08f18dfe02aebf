//! Logins that end in another request than the one in which people say who they are; sign-up; password reset.

use super::applications::{Applications, PASSWORD, Site};
use super::logins::{address, leads_to};
use crate::support::client::Client;
use crate::support::mail::MailSink;
use crate::support::sidecar::HOST;
use data_encoding::BASE32_NOPAD;
use stepgate::clock::Clock;
use stepgate::verification::TotpSecret;

/// The name first, then the code from a mail.
pub(super) async fn name_first(client: &Client, name: &str) {
    let page = client.get("/accounts/login/code/").await;
    let csrf = page.hidden("csrfmiddlewaretoken");
    let before = MailSink::shared().mails_to(&address(name)).len();
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        ("email", &address(name)),
    ];
    let next = "/accounts/login/code/confirm/";
    leads_to(
        &client.post_form("/accounts/login/code/", &fields).await,
        next,
    );
    let csrf = client.get(next).await.hidden("csrfmiddlewaretoken");
    let mail = MailSink::shared().wait_for_mail(&address(name), before + 1);
    let mut lines = mail.text.lines();
    let code = lines.find(|line| line.len() == 9 && line.find('-') == Some(4));
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        (
            "code",
            code.unwrap_or_else(|| panic!("no code in {}", mail.text)),
        ),
    ];
    leads_to(&client.post_form(next, &fields).await, "/home");
}

/// Signs up as somebody who is not there yet, or not any more.
pub(super) async fn sign_up(client: &Client, name: &str) {
    let direct = Client::new(Applications::shared().addr(Site::Django)).host(HOST);
    direct.post_form("/test/forget", &[("name", name)]).await;
    let page = client.get("/accounts/signup/").await;
    let csrf = page.hidden("csrfmiddlewaretoken");
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        ("username", name),
        ("email", &address(name)),
        ("password1", PASSWORD),
    ];
    leads_to(
        &client.post_form("/accounts/signup/", &fields).await,
        "/home",
    );
}

/// Sets a new password (the same), by a link in a mail, which signs in.
pub(super) async fn reset_password(client: &Client, name: &str) {
    let page = client.get("/accounts/password/reset/").await;
    let csrf = page.hidden("csrfmiddlewaretoken");
    let before = MailSink::shared().mails_to(&address(name)).len();
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        ("email", &address(name)),
    ];
    let asked = client.post_form("/accounts/password/reset/", &fields).await;
    leads_to(&asked, "/accounts/password/reset/done/");
    let mail = MailSink::shared().wait_for_mail(&address(name), before + 1);
    let at = mail.text.find("/accounts/password/reset/key/").unwrap();
    let link = mail.text[at..].split_whitespace().next().unwrap();
    let page = client.get(link).await.header("location").to_owned();
    let csrf = client.get(&page).await.hidden("csrfmiddlewaretoken");
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        ("password1", PASSWORD),
        ("password2", PASSWORD),
    ];
    leads_to(&client.post_form(&page, &fields).await, "/home");
}

/// An authenticator that the application has asked for since.
pub(super) async fn add_authenticator(name: &str) -> TotpSecret {
    let direct = Client::new(Applications::shared().addr(Site::Django)).host(HOST);
    let secret = BASE32_NOPAD.encode(format!("{name:*<20}").as_bytes());
    let fields = [("name", name), ("secret", &secret)];
    assert_eq!(direct.post_form("/test/totp", &fields).await.status, 200);
    TotpSecret::from_base32(&secret).unwrap()
}

/// The first of two steps: name and password.
pub(super) async fn password_of_two(client: &Client, name: &str) {
    let page = client.get("/accounts/login/").await;
    let csrf = page.hidden("csrfmiddlewaretoken");
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        ("login", name),
        ("password", PASSWORD),
    ];
    let answer = client.post_form("/accounts/login/", &fields).await;
    leads_to(&answer, "/accounts/2fa/authenticate/");
}

/// The second: the code of the application's own authenticator.
pub(super) async fn code_of_two(client: &Client, secret: &TotpSecret) {
    let page = client.get("/accounts/2fa/authenticate/").await;
    let csrf = page.hidden("csrfmiddlewaretoken");
    let code = secret.code_at(Clock::System.now());
    let fields = [("csrfmiddlewaretoken", &csrf[..]), ("code", code.expose())];
    let answer = client
        .post_form("/accounts/2fa/authenticate/", &fields)
        .await;
    leads_to(&answer, "/home");
}
