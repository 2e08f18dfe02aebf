//! The text of a mail: the code, what it is for, and what to do if it was not requested.

use super::MailSettings;
use super::error::{MailError, MailSetupError};
use crate::clock::Clock;
use crate::domain::{Secret, Timestamp};
use crate::entropy::Entropy;
use crate::locale::{Locale, Texts, Wording};
use askama::Template;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

/// A code for one person, for one purpose.
#[derive(Clone, Debug)]
pub struct CodeMail<'a> {
    /// The recipient's address.
    pub to: &'a str,
    /// The language.
    pub locale: Locale,
    /// The code, as it is to be typed.
    pub code: &'a Secret<String>,
    /// What it is for: the title of the action, as the policy has it.
    pub title: &'a str,
    /// From which address it was asked for.
    pub client: IpAddr,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When the code stops working.
    pub expires_at: Timestamp,
}

/// Who the mails are from.
#[derive(Debug)]
pub(super) struct Sender {
    from: Mailbox,
    pub(super) site: String,
    pub(super) wording: Wording,
    clock: Clock,
    entropy: Entropy,
}

impl Sender {
    pub(super) fn new(
        settings: &MailSettings,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, MailSetupError> {
        let refused = |error| MailSetupError::Sender(settings.from.clone(), error);
        let mut from: Mailbox = settings.from.parse().map_err(refused)?;
        from.name = from.name.or_else(|| settings.from_name.clone());
        Ok(Self {
            from,
            site: settings.site.clone(),
            wording: settings.wording.clone(),
            clock,
            entropy,
        })
    }

    pub(super) fn compose(&self, mail: &CodeMail<'_>) -> Result<Message, MailError> {
        let t = self.wording.of(mail.locale);
        let facts = Facts {
            code: mail.code.expose(),
            title: mail.title,
            client: mail.client.to_string(),
            asked_at: minute(mail.asked_at),
            expires_at: minute(mail.expires_at),
            valid_for: t.at_most(mail.expires_at.since(mail.asked_at)),
            subject: t.mail.subject(&self.site),
            heading: t.mail.heading(&self.site),
            lang: mail.locale,
        };
        let facts = &facts;
        let html = Html { t, facts }.render().map_err(MailError::Template)?;
        let text = Text { t, facts }.render().map_err(MailError::Template)?;
        self.message(mail.to, mail.locale, facts.subject.clone(), text, html)
    }

    /// A mail of ours, in plain text and in HTML.
    pub(super) fn message(
        &self,
        to: &str,
        locale: Locale,
        subject: String,
        text: String,
        html: String,
    ) -> Result<Message, MailError> {
        let to: Address = to.parse().map_err(MailError::Address)?;
        let now = UNIX_EPOCH + Duration::from_millis(self.clock.now().as_millis());
        let id = data_encoding::HEXLOWER.encode(&self.entropy.bytes::<16>());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(now)
            // The one that lettre makes would show the name of this machine.
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .subject(subject)
            // RFC 3834 §5: asks vacation responders not to reply.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", locale.as_str()))
            .multipart(MultiPart::alternative_plain_html(text, html))
            .map_err(MailError::Compose)
    }
}

/// The text part; nothing to escape.
#[derive(Template)]
#[template(path = "mail/code.txt", escape = "none")]
struct Text<'a> {
    t: &'a Texts,
    facts: &'a Facts<'a>,
}

/// The HTML part; every value is escaped by the template's type.
#[derive(Template)]
#[template(path = "mail/code.html")]
struct Html<'a> {
    t: &'a Texts,
    facts: &'a Facts<'a>,
}

struct Facts<'a> {
    code: &'a str,
    title: &'a str,
    client: String,
    asked_at: String,
    expires_at: String,
    valid_for: String,
    // Nothing that a client sent, and not the code: a locked phone shows subjects.
    subject: String,
    heading: String,
    lang: Locale,
}

/// To the minute, in UTC: the reader's time zone is not known.
pub(super) fn minute(at: Timestamp) -> String {
    i64::try_from(at.as_millis())
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default()
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
