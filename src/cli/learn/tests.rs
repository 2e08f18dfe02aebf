//! What is found in recordings of each kind, and what is written of it.

mod applications;

use super::*;
use crate::proxy::RecordedExchange;
use crate::yaml::is_unseen;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName, LOCATION, SET_COOKIE};
use serde_json::json;

const FORM: &str = "application/x-www-form-urlencoded";
const HTML: &str = "text/html; charset=utf-8";

/// A request with its answer.
struct Sent(RecordedExchange);

fn sent(method: &str, target: &str, status: u16) -> Sent {
    Sent(RecordedExchange {
        method: method.parse().unwrap(),
        target: target.to_owned(),
        request: HeaderMap::new(),
        sent: Bytes::new(),
        status,
        response: HeaderMap::new(),
        answer: Vec::new(),
    })
}

impl Sent {
    fn body(mut self, kind: &'static str, body: &'static str) -> Self {
        self.0.request.insert(CONTENT_TYPE, kind.parse().unwrap());
        self.0.sent = Bytes::from_static(body.as_bytes());
        self
    }

    fn cookie(mut self, line: &str) -> Self {
        self.0.request.insert(COOKIE, line.parse().unwrap());
        self
    }

    fn told(mut self, name: HeaderName, value: &str) -> Self {
        self.0.response.append(name, value.parse().unwrap());
        self
    }

    fn answer(self, kind: &str, body: &str) -> Self {
        let mut this = self.told(CONTENT_TYPE, kind);
        this.0.answer = body.as_bytes().to_vec();
        this
    }
}

/// What is written of a recording, which must be valid settings, and the notes.
fn learned(recording: Vec<Sent>) -> (String, Vec<String>) {
    let exchanges: Vec<_> = recording
        .into_iter()
        .map(|sent| SeenExchange::of(sent.0))
        .collect();
    let findings = find::find(&exchanges);
    let text = write::session(&exchanges, &findings).unwrap_or_default();
    assert!(!holds_secret(&text, &exchanges), "{text}");
    if !text.is_empty() {
        let parsed = settings::parse(Path::new(NOWHERE), format!("{AROUND}{text}").as_bytes());
        let settings = parsed.unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let told = tried(&exchanges, &findings, &settings);
        assert!(
            told.iter()
                .all(|line| !line.contains("WRONG") && !line.contains(": 0 of")),
            "{told:?}"
        );
    }
    (text, notes(&exchanges, &findings))
}

fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
}

const SESSION: &str = "sid=0123456789abcdef0123; Path=/; HttpOnly";

#[test]
fn a_callback_of_a_provider_asks_the_application_who_it_was() {
    let (text, _) = learned(vec![
        sent(
            "GET",
            "/auth/callback?code=4%2F0AbCdEf-9876543210&state=xyzxyzxyz123",
            302,
        )
        .told(SET_COOKIE, SESSION)
        .told(LOCATION, "/home"),
        sent("GET", "/api/v1/me", 200)
            .cookie("sid=0123456789abcdef0123")
            .answer(
                "application/json",
                r#"{"data":{"login":"alice","email":"a@example.test"}}"#,
            ),
        sent("POST", "/logout", 302)
            .cookie("sid=0123456789abcdef0123")
            .told(SET_COOKIE, "sid=; Max-Age=0"),
    ]);
    has(
        &text,
        &[
            "url: /api/v1/me\n    subject: { json: /data/login }\n    email: { json: /data/email }",
            "- match: { methods: [GET], path: /auth/callback, query: { code: present } }",
            "subject: whoami  # the application is asked",
            "success: { status: 302, location: /home, cookie: sid }",
            "- match: { methods: [POST], path: /logout }",
        ],
    );
}

#[test]
fn without_an_answer_that_names_the_user_a_callback_is_left_out_and_told() {
    let (text, notes) = learned(vec![
        sent("POST", "/saml/acs", 302)
            .body(FORM, "SAMLResponse=PHNhbWw%2BYWxpY2U8L3NhbWw%2B")
            .told(SET_COOKIE, SESSION)
            .told(LOCATION, "/"),
        sent("GET", "/", 200).cookie("sid=0123456789abcdef0123"),
    ]);
    assert!(
        text.contains("cookies:") && !text.contains("learn:"),
        "{text}"
    );
    assert!(
        notes
            .iter()
            .any(|note| note.contains("it needs `session.whoami`")),
        "{notes:?}"
    );
}

#[test]
fn a_token_in_a_path_or_a_place_of_one_person_is_not_told() {
    let (text, _) = learned(vec![
        sent("POST", "/login/3f9a1c0d2b4e3f9a1c0d", 303)
            .body(
                FORM,
                "email=alice%40example.test&passwd=Secret-pass-123&csrf=0123456789abcdef",
            )
            .told(SET_COOKIE, SESSION)
            .told(
                LOCATION,
                "https://app.example/users/42/home?flash=xyz123xyz456xyz",
            ),
        sent("GET", "/users/42/home", 200).cookie("sid=0123456789abcdef0123"),
    ]);
    has(
        &text,
        &[
            "path: '/login/{part1}'",
            "subject: { form: email }",
            "location: 'https?://[^/]+/users/[^/?]+/home\\?.*'",
        ],
    );
}

#[test]
fn a_cookie_that_the_login_keeps_is_named_and_told() {
    let (text, notes) = learned(vec![
        sent("GET", "/login", 200)
            .cookie("PHPSESSID=of-before-the-login")
            .answer(HTML, "<input type='password'>"),
        sent("POST", "/login", 302)
            .cookie("PHPSESSID=of-before-the-login; lang=en")
            .body(FORM, "log=alice&pwd=Secret-pass-123")
            .told(LOCATION, "/home"),
        sent("GET", "/home", 200).cookie("PHPSESSID=of-before-the-login"),
    ]);
    has(
        &text,
        &[
            "- PHPSESSID  # keeps its value over the login",
            "login_page: /login",
            "subject: { form: log }",
        ],
    );
    assert!(
        notes.iter().any(|note| note.contains("session fixation")),
        "{notes:?}"
    );
    assert!(
        notes.iter().any(|note| note.contains("no logout is in it")),
        "{notes:?}"
    );
}

#[test]
fn remember_me_counts_and_what_stands_beside_a_session_does_not() {
    let after =
        "sid=0123456789abcdef0123; remember_me=ffff0123456789abcdef; XSRF-TOKEN=1; theme=dark";
    let (text, notes) = learned(vec![
        sent("POST", "/login", 302)
            .body("multipart/form-data; boundary=aB3", "--aB3\r\nContent-Disposition: form-data; name=\"userName\"\r\n\r\nalice\r\n--aB3\r\nContent-Disposition: form-data; name=\"passWord\"\r\n\r\nSecret-pass-123\r\n--aB3--\r\n")
            .told(SET_COOKIE, SESSION)
            .told(SET_COOKIE, "remember_me=ffff0123456789abcdef; Path=/; Max-Age=999")
            .told(SET_COOKIE, "XSRF-TOKEN=1; Path=/")
            .told(SET_COOKIE, "theme=dark")
            .told(LOCATION, "/"),
        sent("GET", "/", 200).cookie(after),
    ]);
    has(
        &text,
        &[
            "- sid  #",
            "- remember_me  #",
            "subject: { form: userName }",
        ],
    );
    assert!(!text.contains("XSRF") && !text.contains("theme"), "{text}");
    assert!(
        notes.iter().any(|note| note.contains("XSRF-TOKEN, theme")),
        "{notes:?}"
    );
}

#[test]
fn what_a_recording_hides_is_seen_in_the_settings_and_stays_what_it_is() {
    let json = "application/json";
    let form = r#"{"user\u202e \"\\ '#: -\u001b[31m":"alice","password":"Correct-horse-1"}"#;
    let mut login = sent("POST", "/api/login", 200).body(json, form);
    login = login
        .told(SET_COOKIE, SESSION)
        .answer(json, r#"{"ok":true}"#);
    let (text, _) = learned(vec![login]);
    let pointer = r#""/user\U0000202e \"\\ '#: -\U0000001b[31m""#;
    has(&text, &[&format!("subject: {{ json: {pointer} }}")]);
    assert!(
        text.chars().all(|char| char == '\n' || !is_unseen(char)),
        "{text:?}"
    );
    let settings = settings::parse(Path::new(NOWHERE), format!("{AROUND}{text}").as_bytes());
    let said = format!(
        "{:?}",
        settings.unwrap().sessions.learn.unwrap().logins[0].subject
    );
    assert!(
        said.contains(r#"/user\u{202e} \"\\ '#: -\u{1b}[31m"#),
        "{said}"
    );
}

#[test]
fn an_issuer_writes_no_settings_of_its_own() {
    let issuer = "https://id.example\n  login_page: /theirs\n  #\u{1b}[31m\u{202e}";
    let part = |value: serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let head = part(json!({ "alg": "RS256" }));
    let claims =
        part(json!({ "iss": issuer, "sub": "alice", "aud": "shop", "exp": 2_000_000_000 }));
    let mut api = sent("GET", "/api/things", 200);
    let line = format!("Bearer {head}.{claims}.c2ln");
    api.0.request.insert(AUTHORIZATION, line.parse().unwrap());
    let (text, _) = learned(vec![api]);
    has(&text, &["jwt:", "issuer: "]);
    assert!(!text.contains("\n  login_page"), "{text}");
    assert!(
        text.chars().all(|char| char == '\n' || !is_unseen(char)),
        "{text:?}"
    );
}

#[test]
fn a_sign_up_or_a_change_of_the_password_is_no_login() {
    let exchanges: Vec<_> = [sent("POST", "/sign-up", 302)
        .body(
            FORM,
            "email=a%40b.test&password1=Secret-pass-123&password2=Secret-pass-123",
        )
        .told(SET_COOKIE, SESSION)
        .told(LOCATION, "/")]
    .into_iter()
    .map(|sent| SeenExchange::of(sent.0))
    .collect();
    assert!(find::find(&exchanges).logins.is_empty());
}

#[test]
fn a_secret_that_would_be_told_is_found() {
    let sent = sent("GET", "/", 200).cookie("sid=0123456789abcdef0123");
    let exchanges = [SeenExchange::of(sent.0)];
    assert!(holds_secret(
        "location: /0123456789abcdef0123/x",
        &exchanges
    ));
    assert!(!holds_secret("location: /home", &exchanges));
}
