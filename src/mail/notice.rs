//! The mail that tells a person what was changed, so that they notice what somebody else did in their name.

use super::error::MailError;
use super::message::{Sender, minute};
use crate::domain::{Factor, Timestamp};
use crate::locale::{Locale, Texts};
use askama::Template;
use lettre::Message;
use std::net::IpAddr;

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A way to prove who one is was set up.
    Added(Factor),
    /// One was removed.
    Removed(Factor),
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many are left.
        left: usize,
    },
    /// Other sessions were ended.
    SessionsEnded,
}

/// What a person is told, and where.
#[derive(Clone, Debug)]
pub struct NoticeMail {
    /// The recipient's address.
    pub to: String,
    /// The language.
    pub locale: Locale,
    /// What happened.
    pub notice: Notice,
    /// From which address it was done.
    pub client: IpAddr,
    /// When it was done.
    pub at: Timestamp,
}

impl Sender {
    pub(super) fn compose_notice(&self, mail: &NoticeMail) -> Result<Message, MailError> {
        let t = self.wording.of(mail.locale);
        // What was changed is not in the subject: a locked phone shows it.
        let subject = t.notice.subject(&self.site);
        let view = NoticeView {
            t,
            lang: mail.locale,
            subject: &subject,
            heading: t.notice.heading(&self.site),
            what: sentence(&mail.notice, t),
            client: mail.client.to_string(),
            at: minute(mail.at),
        };
        let html = NoticeHtml { view: &view }.render();
        let text = NoticeText { view: &view }.render();
        let (text, html) = (
            text.map_err(MailError::Template)?,
            html.map_err(MailError::Template)?,
        );
        self.message(&mail.to, mail.locale, subject, text, html)
    }
}

/// The text part; nothing to escape.
#[derive(Template)]
#[template(path = "mail/notice.txt", escape = "none")]
struct NoticeText<'a> {
    view: &'a NoticeView<'a>,
}

/// The HTML part; every value is escaped by the template's type.
#[derive(Template)]
#[template(path = "mail/notice.html")]
struct NoticeHtml<'a> {
    view: &'a NoticeView<'a>,
}

struct NoticeView<'a> {
    t: &'a Texts,
    lang: Locale,
    subject: &'a str,
    heading: String,
    what: String,
    client: String,
    at: String,
}

fn sentence(notice: &Notice, t: &Texts) -> String {
    let name = |factor| t.enrolled_name(factor);
    match notice {
        Notice::Added(factor) => t.notice.added(name(*factor)),
        Notice::Removed(factor) => t.notice.removed(name(*factor)),
        Notice::RecoveryCodeUsed { left } => t.notice.recovery_used(*left as u64),
        Notice::SessionsEnded => t.notice.sessions_ended.to_string(),
    }
}
