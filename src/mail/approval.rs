//! The mail that asks an approver to look at a request. Its link opens a page and decides nothing.

use super::error::MailError;
use super::message::{Sender, minute};
use crate::domain::Timestamp;
use crate::locale::{Locale, Texts};
use askama::Template;
use lettre::Message;

/// What an approver is told, and where. Nothing that the requester wrote: it stands on the page, beside who they are.
#[derive(Clone, Debug)]
pub struct ApprovalMail {
    /// The recipient's address.
    pub to: String,
    /// The language.
    pub locale: Locale,
    /// What is asked for: the title of the action, as the policy has it.
    pub title: String,
    /// Who asks, as the application names them.
    pub requester: String,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
    /// The page of the request, if its address is known; else where it is found on the site.
    pub page: Result<String, String>,
}

impl Sender {
    pub(super) fn compose_approval(&self, mail: &ApprovalMail) -> Result<Message, MailError> {
        let t = self.wording.of(mail.locale);
        let texts = &t.approval_mail;
        let subject = texts.subject(&self.site);
        let (open, link) = match &mail.page {
            Ok(link) => (texts.open.to_string(), Some(link.as_str())),
            Err(path) => (texts.open_list(path), None),
        };
        let view = ApprovalMailView {
            t,
            lang: mail.locale,
            subject: &subject,
            heading: texts.heading(&self.site),
            mail,
            until: minute(mail.expires_at),
            open,
            link,
        };
        let html = ApprovalHtml { view: &view }.render();
        let text = ApprovalText { view: &view }.render();
        let (text, html) = (
            text.map_err(MailError::Template)?,
            html.map_err(MailError::Template)?,
        );
        self.message(&mail.to, mail.locale, subject, text, html)
    }
}

/// The text part; nothing to escape.
#[derive(Template)]
#[template(path = "mail/approval.txt", escape = "none")]
struct ApprovalText<'a> {
    view: &'a ApprovalMailView<'a>,
}

/// The HTML part; every value is escaped by the template's type.
#[derive(Template)]
#[template(path = "mail/approval.html")]
struct ApprovalHtml<'a> {
    view: &'a ApprovalMailView<'a>,
}

struct ApprovalMailView<'a> {
    t: &'a Texts,
    lang: Locale,
    subject: &'a str,
    heading: String,
    mail: &'a ApprovalMail,
    until: String,
    open: String,
    link: Option<&'a str>,
}
