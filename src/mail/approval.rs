//! The mails about a request for approval: to approvers, that they look at it, and to whoever asked, what became of it.
//! The link opens a page and does nothing.

use super::error::MailError;
use super::message::{Sender, minute};
use crate::domain::Timestamp;
use crate::locale::{Locale, Texts};
use askama::Template;
use lettre::Message;

/// What such a mail tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalNews {
    /// The request was approved.
    Approved,
    /// It is asked for.
    Asked,
    /// It was refused.
    Refused,
}

/// What somebody is told of a request, and where. Nothing that anybody wrote: it stands on the page, beside who they are.
#[derive(Clone, Debug)]
pub struct ApprovalMail {
    /// What it tells.
    pub news: ApprovalNews,
    /// The recipient's address.
    pub to: String,
    /// The language.
    pub locale: Locale,
    /// What is asked for: the title of the action, as the policy has it.
    pub title: String,
    /// Who asks, or who has decided, as the application names them.
    pub person: String,
    /// Until when it can be decided, or taken up.
    pub expires_at: Timestamp,
    /// The page of the request, if its address is known; else where it is found on the site.
    pub page: Result<String, String>,
}

impl Sender {
    pub(super) fn compose_approval(&self, mail: &ApprovalMail) -> Result<Message, MailError> {
        let t = self.wording.of(mail.locale);
        let (asked, decided, site) = (&t.approval_mail, &t.decision_mail, &self.site);
        let (subject, heading) = match mail.news {
            ApprovalNews::Approved => (decided.subject(site), decided.approved(site)),
            ApprovalNews::Asked => (asked.subject(site), asked.heading(site)),
            ApprovalNews::Refused => (decided.subject(site), decided.refused(site)),
        };
        let link = mail.page.as_ref().ok().map(String::as_str);
        let is_asked = mail.news == ApprovalNews::Asked;
        let open = match &mail.page {
            Ok(_) if is_asked => asked.open.to_string(),
            Ok(_) => decided.open.to_string(),
            Err(path) if is_asked => asked.open_list(path),
            Err(path) => decided.open_list(path),
        };
        let (who, advice) = if is_asked {
            (&asked.who, &asked.advice)
        } else {
            (&decided.who, &decided.advice)
        };
        let view = ApprovalMailView {
            t,
            lang: mail.locale,
            subject: &subject,
            heading,
            mail,
            who: who.as_ref(),
            advice: advice.as_ref(),
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
    who: &'a str,
    advice: &'a str,
    until: String,
    open: String,
    link: Option<&'a str>,
}
