//! Mails against a small mail server on a real socket.

use super::{CodeMail, MailError, MailSettings, MailSetupError, Mailer, Security, SmtpLogin};
use super::{Sender, SmtpSettings};
use crate::clock::Clock;
use crate::domain::{Secret, Timestamp};
use crate::entropy::Entropy;
use crate::locale::Locale;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// What the mail server says to a recipient.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    Accepts,
    Refuses,
    StaysSilent,
}

/// Starts a mail server; what it was sent arrives at the receiver, one text per connection.
pub(crate) fn mail_server(manner: Manner) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sent, received) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let sent = sent.clone();
            thread::spawn(move || {
                let _ = sent.send(converse(stream.unwrap(), manner));
            });
        }
    });
    (port, received)
}

/// Starts a mail server that speaks TLS from the first byte; gives its certificate as PEM.
fn tls_mail_server(name: &str) -> (u16, mpsc::Receiver<String>, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            signing_key.serialize_der().try_into().unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sent, received) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = rustls::StreamOwned::new(session, stream.unwrap());
            let _ = sent.send(converse(stream, Manner::Accepts));
        }
    });
    (port, received, cert.pem())
}

fn converse(stream: impl Read + Write, manner: Manner) -> String {
    let mut heard = String::new();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut in_data = false;
    if matches!(manner, Manner::StaysSilent) {
        // Reads until the client hangs up, and never says a word.
        while stream.read_line(&mut line).is_ok_and(|length| length > 0) {}
        return heard;
    }
    // A client that does not like our certificate is gone by now.
    let mut answer = "220 test";
    while say(&mut stream, answer) && stream.read_line(&mut line).is_ok_and(|length| length > 0) {
        heard.push_str(&line);
        answer = match (line.trim_end(), manner) {
            (".", _) if in_data => {
                in_data = false;
                "250 taken"
            }
            _ if in_data => "",
            ("DATA", _) => {
                in_data = true;
                "354 go on"
            }
            (rcpt, Manner::Refuses) if rcpt.starts_with("RCPT") => "550 no such user",
            (ehlo, _) if ehlo.starts_with("EHLO") => "250-test\r\n250 AUTH PLAIN",
            (auth, _) if auth.starts_with("AUTH") => "235 welcome",
            _ => "250 fine",
        };
        line.clear();
    }
    heard
}

/// Says a line, or nothing; tells whether the client is still there.
fn say(stream: &mut BufReader<impl Read + Write>, answer: &str) -> bool {
    let stream = stream.get_mut();
    answer.is_empty() || write!(stream, "{answer}\r\n").is_ok() && stream.flush().is_ok()
}

pub(crate) fn settings(port: u16) -> MailSettings {
    let mut smtp = SmtpSettings::new("127.0.0.1");
    smtp.port = Some(port);
    smtp.security = Security::Plain;
    MailSettings::new(smtp, "Example <stepgate@example.com>", "Example")
}

fn mailer(settings: &MailSettings) -> Mailer {
    Mailer::start(settings, clock(), Entropy::system()).unwrap()
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_790_000_000_000))
}

fn mail<'a>(code: &'a Secret<String>, title: &'a str, locale: Locale) -> CodeMail<'a> {
    CodeMail {
        to: "alice@example.com",
        locale,
        code,
        title,
        client: "2001:db8::7".parse().unwrap(),
        asked_at: clock().now(),
        expires_at: clock().now().after(Duration::from_mins(10)),
    }
}

fn code() -> Secret<String> {
    Secret::new("042917".to_owned())
}

#[tokio::test]
async fn a_code_reaches_the_mail_server_with_all_it_must_say() {
    let (port, received) = mail_server(Manner::Accepts);
    mailer(&settings(port))
        .send(&mail(&code(), "Delete an account", Locale::En))
        .await
        .unwrap();
    let heard = received.recv_timeout(Duration::from_secs(5)).unwrap();
    for part in [
        "MAIL FROM:<stepgate@example.com>",
        "RCPT TO:<alice@example.com>",
        "Subject: Your verification code for Example",
        "Auto-Submitted: auto-generated",
        "Content-Type: multipart/alternative",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "Delete an account",
        "042917",
        "2001:db8::7",
        "2026-09-21 14:13 UTC",
        "2026-09-21 14:23 UTC (10 minutes)",
        "Was this not you?",
    ] {
        assert!(heard.contains(part), "`{part}` is missing in {heard}");
    }
    assert!(!heard.contains("http"), "a mail holds no link");
}

#[test]
fn markup_in_a_title_is_text_and_the_subject_holds_neither_title_nor_code() {
    let sender = Sender::new(&settings(25), clock(), Entropy::system()).unwrap();
    let message = sender
        .compose(&mail(&code(), "<b>Löschen</b>\r\nBcc: x@y.z", Locale::De))
        .unwrap();
    let text = String::from_utf8(message.formatted()).unwrap();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(!headers.contains("Bcc") && !headers.contains("042917"));
    let (_, html) = body.split_once("text/html").unwrap();
    assert!(!html.contains("<b>"));
}

#[test]
fn the_site_is_called_by_its_name_and_speaks_in_its_words() {
    let mut settings = settings(25);
    settings.from_name = Some("Schöner Laden".to_owned());
    let own = ("mail.heading", "{site} hat einen Code für Sie.");
    settings.wording.replace(Locale::De, own.0, own.1).unwrap();
    let composed = |settings: &MailSettings| {
        let sender = Sender::new(settings, clock(), Entropy::system()).unwrap();
        let message = sender.compose(&mail(&code(), "t", Locale::De)).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    };
    let named = composed(&settings);
    assert!(named.contains("From: Example <stepgate@example.com>"));
    assert!(named.contains("Example hat einen Code f"), "{named}");
    settings.from = "stepgate@example.com".to_owned();
    // RFC 2047.
    assert!(
        composed(&settings)
            .contains("From: =?utf-8?b?U2Now7ZuZXIgTGFkZW4=?= <stepgate@example.com>")
    );
}

#[tokio::test]
async fn a_refusal_by_the_mail_server_is_told() {
    let (port, _received) = mail_server(Manner::Refuses);
    let error = mailer(&settings(port))
        .send(&mail(&code(), "t", Locale::En))
        .await
        .unwrap_err();
    assert!(matches!(error, MailError::Server(error) if error.is_permanent()));
}

#[tokio::test]
async fn a_silent_mail_server_is_given_up_in_time() {
    let (port, _received) = mail_server(Manner::StaysSilent);
    let mut settings = settings(port);
    settings.smtp.deadline = Duration::from_millis(100);
    let error = mailer(&settings)
        .send(&mail(&code(), "t", Locale::En))
        .await
        .unwrap_err();
    assert!(matches!(error, MailError::Timeout { .. }));
}

#[tokio::test]
async fn whoever_asked_need_not_wait_as_long_as_the_mail_server() {
    let (port, _received) = mail_server(Manner::StaysSilent);
    let mut settings = settings(port);
    settings.patience = Duration::from_millis(50);
    let error = mailer(&settings)
        .send(&mail(&code(), "t", Locale::En))
        .await
        .unwrap_err();
    assert!(matches!(error, MailError::Timeout { limit } if limit == Duration::from_millis(50)));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (port, _received) = mail_server(Manner::StaysSilent);
    let mut settings = settings(port);
    (settings.queue, settings.connections) = (1, 1);
    settings.patience = Duration::from_secs(1);
    let mailer = mailer(&settings);
    let code = code();
    let mail = mail(&code, "t", Locale::En);
    let (a, b, c, d) = tokio::join!(
        mailer.send(&mail),
        mailer.send(&mail),
        mailer.send(&mail),
        mailer.send(&mail)
    );
    let busy = [a, b, c, d]
        .into_iter()
        .filter(|result| matches!(result, Err(MailError::Busy)))
        .count();
    assert!(busy >= 2, "one under way, one waiting, {busy} refused");
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_mail_if_it_is_required() {
    let (port, received) = mail_server(Manner::Accepts);
    let mut settings = settings(port);
    settings.smtp.security = Security::StartTls;
    let result = mailer(&settings)
        .send(&mail(&code(), "t", Locale::En))
        .await;
    assert!(matches!(result, Err(MailError::Server(_))));
    let heard = received.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(!heard.contains("MAIL FROM"));
}

#[tokio::test]
async fn over_tls_the_certificate_is_checked_and_the_login_sent() {
    let (port, received, pem) = tls_mail_server("localhost");
    let ca_file = CaFile::new("right", &pem);
    let mut settings = settings(port);
    settings.smtp.host = "localhost".to_owned();
    settings.smtp.security = Security::Tls;
    settings.smtp.ca_file = Some(ca_file.0.clone());
    settings.smtp.login = Some(SmtpLogin {
        user: "stepgate".to_owned(),
        password: Secret::new("hunter2".to_owned()),
    });
    let sent = mailer(&settings)
        .send(&mail(&code(), "t", Locale::En))
        .await;
    sent.unwrap();
    let heard = received.recv_timeout(Duration::from_secs(5)).unwrap();
    let login = data_encoding::BASE64.encode(b"\0stepgate\0hunter2");
    assert!(heard.contains(&format!("AUTH PLAIN {login}")), "{heard}");
    assert!(heard.contains("042917"));
}

#[tokio::test]
async fn a_server_with_another_name_or_from_another_authority_gets_no_mail() {
    let (port, received, pem) = tls_mail_server("other.example.com");
    let ca_file = CaFile::new("other", &pem);
    let mut settings = settings(port);
    settings.smtp.host = "localhost".to_owned();
    settings.smtp.security = Security::Tls;
    for ca_file in [Some(ca_file.0.clone()), None] {
        settings.smtp.ca_file = ca_file;
        let sent = mailer(&settings)
            .send(&mail(&code(), "t", Locale::En))
            .await;
        assert!(matches!(sent, Err(MailError::Server(_))), "{sent:?}");
        let heard = received.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(heard, "");
    }
}

/// A file with a certificate, removed at the end.
struct CaFile(PathBuf);

impl CaFile {
    fn new(name: &str, pem: &str) -> Self {
        let name = format!("stepgate-mail-{name}-{}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, pem).unwrap();
        Self(path)
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_password_is_not_sent_in_the_open() {
    let mut settings = settings(25);
    settings.smtp.host = "mail.example.com".to_owned();
    settings.smtp.login = Some(SmtpLogin {
        user: "stepgate".to_owned(),
        password: Secret::new("hunter2".to_owned()),
    });
    let error = Mailer::start(&settings, clock(), Entropy::system()).unwrap_err();
    assert!(matches!(error, MailSetupError::PasswordInTheOpen { .. }));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_before_any_connection() {
    let code = code();
    let mut mail = mail(&code, "t", Locale::En);
    mail.to = "alice@example.com>\r\nRCPT TO:<eve@example.com";
    let error = mailer(&settings(9)).send(&mail).await.unwrap_err();
    assert!(matches!(error, MailError::Address(_)));
}
