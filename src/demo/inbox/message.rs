//! A mail as the inbox shows it.

use crate::domain::Timestamp;
use mailparse::{MailHeaderMap, ParsedMail};
use serde_json::{Value, json};

/// A mail that was taken.
pub(super) struct ReceivedMail {
    at: Timestamp,
    pub(super) to: Vec<String>,
    pub(super) subject: String,
    pub(super) text: String,
    /// The first number of six to eight digits in the text: what the reader came for.
    pub(super) code: Option<String>,
}

impl ReceivedMail {
    /// Reads a mail; one that cannot be taken apart is shown raw.
    pub(super) fn read(raw: &[u8], to: Vec<String>, at: Timestamp) -> Self {
        let (subject, text) = match mailparse::parse_mail(raw) {
            Ok(mail) => (
                mail.headers.get_first_value("Subject").unwrap_or_default(),
                text_part(&mail).unwrap_or_else(|| lossy(raw)),
            ),
            Err(_) => (String::new(), lossy(raw)),
        };
        let code = code(&text);
        Self {
            at,
            to,
            subject,
            text,
            code,
        }
    }

    /// The time of day when the mail came.
    pub(super) fn time(&self) -> String {
        let millis = i64::try_from(self.at.as_millis()).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_millisecond(millis) {
            Ok(time) => time.strftime("%H:%M:%S UTC").to_string(),
            Err(_) => String::new(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "at": self.at.as_millis(), "to": self.to, "subject": self.subject, "text": self.text,
            "code": self.code,
        })
    }
}

fn text_part(mail: &ParsedMail<'_>) -> Option<String> {
    if mail.subparts.is_empty() {
        let is_text = mail.ctype.mimetype == "text/plain";
        return is_text.then(|| mail.get_body().ok()).flatten();
    }
    mail.subparts.iter().find_map(text_part)
}

fn code(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| (6..=8).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit()))
        .map(str::to_owned)
}

fn lossy(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> ReceivedMail {
        let to = vec!["alice@example.test".to_owned()];
        ReceivedMail::read(
            raw.replace('\n', "\r\n").as_bytes(),
            to,
            Timestamp::default(),
        )
    }

    #[test]
    fn the_text_part_of_a_quoted_printable_alternative_is_shown() {
        let message = read(
            "Subject: =?utf-8?b?SWhyIENvZGUg4oCTIEFCQw==?=\nContent-Type: multipart/alternative; boundary=b\n\n\
             --b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n\
             Your code is=\n 012345 =E2=80=93 bye\n\n\
             --b\nContent-Type: text/html\n\n<b>999999</b>\n--b--\n",
        );
        assert_eq!(message.subject, "Ihr Code – ABC");
        assert_eq!(message.text.trim(), "Your code is 012345 – bye");
        assert_eq!(message.code.as_deref(), Some("012345"));
    }

    #[test]
    fn a_base64_part_is_decoded() {
        let message = read(
            "Subject: s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n\
             Q29kZTogNjU0MzIx\n",
        );
        assert_eq!(message.code.as_deref(), Some("654321"));
    }

    #[test]
    fn digits_inside_a_longer_word_are_no_code() {
        assert_eq!(code("ref A123456, 123456789, 12345"), None);
    }

    #[test]
    fn a_mail_without_a_text_part_is_shown_raw() {
        let message = read("Content-Type: text/html\n\n<p>Code 123456</p>");
        assert!(message.text.contains("<p>Code 123456</p>"));
    }
}
