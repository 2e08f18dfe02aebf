//! The kinds of login, and what a browser or a script sends in each of them.

use super::applications::{Applications, NEWCOMER, OWNER, PASSWORD, Site, THIEF};
use super::steps;
use crate::support::client::{Answer, Client};
use crate::support::mail::MailSink;
use crate::support::sidecar::{HOST, ORIGIN};
use data_encoding::BASE64;
use http::Method;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

/// How somebody comes to be signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Form,
    Json,
    OAuth,
    Saml,
    Cas,
    MagicLink,
    NameFirst,
    OwnCode,
    SignUp,
    Reset,
    RememberMe,
    Bearer,
    ApiKey,
    Basic,
    Ntlm,
    RollOut,
}

impl Login {
    pub(super) const ALL: [Self; 16] = [
        Self::Form,
        Self::Json,
        Self::OAuth,
        Self::Saml,
        Self::Cas,
        Self::MagicLink,
        Self::NameFirst,
        Self::OwnCode,
        Self::SignUp,
        Self::Reset,
        Self::RememberMe,
        Self::Bearer,
        Self::ApiKey,
        Self::Basic,
        Self::Ntlm,
        Self::RollOut,
    ];

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Json => "JSON",
            Self::OAuth => "OAuth callback",
            Self::Saml => "SAML POST",
            Self::Cas => "CAS",
            Self::MagicLink => "magic link",
            Self::NameFirst => "name first, then a code",
            Self::OwnCode => "password, then the application's own code",
            Self::SignUp => "sign-up",
            Self::Reset => "password reset",
            Self::RememberMe => "remember-me",
            Self::Bearer => "bearer token",
            Self::ApiKey => "API key",
            Self::Basic => "Basic",
            Self::Ntlm => "NTLM",
            Self::RollOut => "signed in before Stepgate came",
        }
    }

    /// The application that has it.
    pub(super) fn site(self) -> Site {
        match self {
            Self::OAuth | Self::Saml => Site::Express,
            Self::RememberMe | Self::ApiKey | Self::Basic => Site::Flask,
            Self::Ntlm => Site::Ntlm,
            Self::Form
            | Self::Json
            | Self::Cas
            | Self::MagicLink
            | Self::NameFirst
            | Self::OwnCode
            | Self::SignUp
            | Self::Reset
            | Self::Bearer
            | Self::RollOut => Site::Django,
        }
    }

    /// Who owns the sessions.
    pub(super) fn owner(self) -> &'static str {
        if self == Self::SignUp {
            NEWCOMER
        } else {
            OWNER
        }
    }

    /// Signs `name` in; tells the client that sends what has to be sent from now on.
    pub(super) async fn sign_in(self, client: Client, name: &str) -> Client {
        match self {
            Self::Form => form(&client, name).await,
            Self::Json => {
                let given = json!({ "username": name, "password": PASSWORD });
                let answer = client.call(Method::POST, "/api/session", given).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
            }
            Self::OAuth => oauth(&client, name).await,
            Self::Saml => saml(&client, name).await,
            Self::Cas => cas(&client, name).await,
            Self::MagicLink => magic_link(&client, name).await,
            Self::NameFirst => steps::name_first(&client, name).await,
            Self::OwnCode => own_code(&client, name).await,
            // The thief has been there for long.
            Self::SignUp if name == THIEF => form(&client, name).await,
            Self::SignUp => steps::sign_up(&client, name).await,
            Self::Reset => steps::reset_password(&client, name).await,
            Self::RememberMe => remember_me(&client, name).await,
            Self::Bearer => {
                let given = json!({ "username": name, "password": PASSWORD });
                let answer = client.call(Method::POST, "/api/token", given).await;
                let token = answer.json()["access"].as_str().unwrap().to_owned();
                return client.header("authorization", &format!("Bearer {token}"));
            }
            Self::ApiKey => return client.header("x-api-key", &format!("key-of-{name}")),
            Self::Basic => {
                let pair = BASE64.encode(format!("{name}:{PASSWORD}").as_bytes());
                return client.header("authorization", &format!("Basic {pair}"));
            }
            Self::Ntlm => return ntlm(client, name).await,
            Self::RollOut => {
                let direct = Client::new(Applications::shared().addr(self.site())).host(HOST);
                form(&direct, name).await;
                let session = direct.cookie("sessionid").unwrap();
                client.set_cookie("sessionid", &session);
            }
        }
        client
    }
}

pub(super) async fn form(client: &Client, name: &str) {
    let page = client.get("/login").await;
    let csrf = page.hidden("csrfmiddlewaretoken");
    let fields = fields_of_form(&csrf, name);
    leads_to(&client.post_form("/login", &fields).await, "/home");
}

/// What a login form of Django sends.
pub(super) fn fields_of_form<'f>(csrf: &'f str, name: &'f str) -> [(&'f str, &'f str); 3] {
    [
        ("csrfmiddlewaretoken", csrf),
        ("username", name),
        ("password", PASSWORD),
    ]
}

async fn oauth(client: &Client, name: &str) {
    let begin = client.get("/oauth/login").await;
    let provider = Client::new(Applications::shared().provider());
    let login = [("prompt", "login"), ("login", name), ("password", PASSWORD)];
    let form = follow(&provider, begin.header("location")).await;
    let step = provider.post_form(&form, &login).await;
    let form = follow(&provider, step.header("location")).await;
    let step = provider.post_form(&form, &[("prompt", "consent")]).await;
    let callback = follow(&provider, step.header("location")).await;
    leads_to(&client.get(&callback).await, ORIGIN);
}

async fn saml(client: &Client, name: &str) {
    let begin = client.get("/saml/login").await;
    let provider = Client::new(Applications::shared().provider());
    let form = provider.get(path_of(begin.header("location"))).await;
    let (request, state) = (form.hidden("SAMLRequest"), form.hidden("RelayState"));
    let fields = [
        ("username", name),
        ("password", PASSWORD),
        ("SAMLRequest", &request[..]),
        ("RelayState", &state[..]),
    ];
    let form = provider.post_form("/saml", &fields).await;
    let response = form.hidden("SAMLResponse");
    let fields = [("SAMLResponse", &response[..]), ("RelayState", "")];
    leads_to(&client.post_form("/saml/acs", &fields).await, "/home");
}

async fn cas(client: &Client, name: &str) {
    let begin = client.get("/sso").await;
    let server = Client::new(Applications::shared().addr(Site::Django));
    let path = path_of(begin.header("location"));
    let csrf = server.get(path).await.hidden("csrfmiddlewaretoken");
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        ("username", name),
        ("password", PASSWORD),
    ];
    let answer = server.post_form(path, &fields).await;
    let back = answer.header("location");
    assert!(back.starts_with(ORIGIN), "{answer:?}");
    leads_to(&client.get(path_of(back)).await, "/home");
}

async fn magic_link(client: &Client, name: &str) {
    let address = address(name);
    let before = MailSink::shared().mails_to(&address).len();
    let asked = client
        .post_form("/magic/send", &[("email", &address)])
        .await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    let mail = MailSink::shared().wait_for_mail(&address, before + 1);
    leads_to(&client.get(path_of(mail.text.trim())).await, "/home");
}

async fn own_code(client: &Client, name: &str) {
    let page = client.get("/account/login/").await;
    let csrf = page.hidden("csrfmiddlewaretoken");
    let before = MailSink::shared().mails_to(&address(name)).len();
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        ("login_view-current_step", "auth"),
        ("auth-username", name),
        ("auth-password", PASSWORD),
    ];
    let page = client.post_form("/account/login/", &fields).await;
    let csrf = page.hidden("csrfmiddlewaretoken");
    let code = MailSink::shared().wait_for_code(&address(name), before + 1);
    let fields = [
        ("csrfmiddlewaretoken", &csrf[..]),
        ("login_view-current_step", "token"),
        ("token-otp_token", &code),
    ];
    leads_to(&client.post_form("/account/login/", &fields).await, "/home");
}

/// Logs in, and comes back after the browser was closed.
async fn remember_me(client: &Client, name: &str) {
    let fields = [
        ("username", name),
        ("password", PASSWORD),
        ("remember", "1"),
    ];
    leads_to(&client.post_form("/login", &fields).await, "/home");
    client.drop_cookie("session");
    assert_eq!(client.get("/me").await.status, 200);
    assert!(
        client.cookie("session").is_some(),
        "nobody is signed in again"
    );
}

/// Logs a connection in, which all requests of the client go over from then on.
async fn ntlm(client: Client, name: &str) -> Client {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let tongue = Client::new(Applications::shared().ntlm_client());
    let client = client.kept().await;
    let mut challenge = String::new();
    for status in [401, 200] {
        let message = tongue.get(&format!("/{number}/{name}/{challenge}")).await;
        let mut request = client.request(Method::GET, "/me", "");
        let message = format!("NTLM {}", message.text());
        request
            .headers_mut()
            .insert("authorization", message.parse().unwrap());
        let answer = client.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        let told = answer.header("www-authenticate");
        told.strip_prefix("NTLM ")
            .unwrap_or_default()
            .clone_into(&mut challenge);
    }
    client
}

pub(super) fn leads_to(answer: &Answer, place: &str) {
    let (status, location) = (answer.status.as_u16(), answer.header("location"));
    assert!(matches!(status, 302 | 303), "{status}: {}", answer.text());
    assert_eq!(location, place);
}

/// Follows redirects of a provider to a page of its own or of the application; tells its path.
async fn follow(provider: &Client, location: &str) -> String {
    let mut location = location.to_owned();
    while !location.starts_with(ORIGIN) {
        let path = path_of(&location).to_owned();
        let answer = provider.get(&path).await;
        if answer.status == 200 {
            return path;
        }
        assert!(answer.status.is_redirection(), "{}", answer.text());
        answer.header("location").clone_into(&mut location);
    }
    path_of(&location).to_owned()
}

/// Path and query of a URL, or of what is them already.
pub(super) fn path_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let path = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[path..]
}

/// Where the applications send mail for somebody.
pub(super) fn address(name: &str) -> String {
    format!("{name}@compatibility.test")
}
