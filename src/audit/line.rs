//! Formats an event as a JSON object; the chain adds the beginning of the line.

use super::event::Event;
use crate::domain::{
    Action, ChallengeId, Enforcement, Factor, GrantId, Method, Reason, Subject, Timestamp,
};
use data_encoding::HEXLOWER;
use std::io::Write as _;
use std::net::IpAddr;

/// The longest path that is written.
const MAX_PATH: usize = 2048;

/// Appends the members of `event` that are set: from `"time"` to the closing brace and the line end.
pub(super) fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    let mut line = JsonLine(out);
    line.0.extend_from_slice(br#""time":""#);
    line.0.extend_from_slice(&rfc3339(event.at));
    line.0.push(b'"');
    line.word(r#","event":"#, Some(event.kind.as_str()));
    line.word(r#","outcome":"#, Some(event.outcome.as_str()));
    line.word(r#","reason":"#, event.reason.map(Reason::as_str));
    line.text(r#","request_id":"#, event.request_id);
    let routes = event.routes.iter().map(|route| route.as_str());
    line.texts(r#","routes":["#, routes);
    line.text(r#","action":"#, event.action.map(Action::as_str));
    line.number(
        r#","level":"#,
        event.level.map(|level| level.number().into()),
    );
    line.word(
        r#","enforcement":"#,
        event.enforcement.map(Enforcement::as_str),
    );
    line.text(r#","subject":"#, event.subject.map(Subject::as_str));
    if let Some(session) = event.session {
        // Enough to tell sessions apart; the whole is the key of the session's record in the store.
        let (head, _) = session.as_bytes().split_at(8);
        let mut hex = [b'0'; 16];
        HEXLOWER.encode_mut(head, &mut hex);
        line.word(r#","session":"#, std::str::from_utf8(&hex).ok());
    }
    line.address(event);
    line.word(r#","method":"#, event.method.map(Method::as_str));
    line.text(r#","path":"#, event.path.map(shown_path));
    line.word(r#","factor":"#, event.factor.map(Factor::as_str));
    line.text(r#","acr":"#, event.acr);
    line.texts(r#","amr":["#, event.amr.iter().map(String::as_str));
    line.word(
        r#","challenge":"#,
        event.challenge.map(ChallengeId::to_hex).as_deref(),
    );
    line.word(r#","grant":"#, event.grant.map(GrantId::to_hex).as_deref());
    line.text(r#","requester":"#, event.requester.map(Subject::as_str));
    line.text(r#","approver":"#, event.approver.map(Subject::as_str));
    line.text(r#","group":"#, event.group);
    line.text(r#","text":"#, event.text);
    line.text(r#","operator":"#, event.operator);
    line.number(r#","count":"#, event.count);
    let micros = |latency: std::time::Duration| u64::try_from(latency.as_micros()).ok();
    line.number(r#","latency_us":"#, event.latency.and_then(micros));
    line.0.extend_from_slice(b"}\n");
}

/// Appends members of the object. A key includes the punctuation around it; a member that is `None` is
/// left out.
struct JsonLine<'a>(&'a mut Vec<u8>);

impl JsonLine<'_> {
    /// One of our own words, in which nothing needs to be escaped.
    fn word(&mut self, key: &str, word: Option<&str>) {
        if let Some(word) = word {
            self.0.extend_from_slice(key.as_bytes());
            self.0.push(b'"');
            self.0.extend_from_slice(word.as_bytes());
            self.0.push(b'"');
        }
    }

    /// A string from outside, escaped.
    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.0.extend_from_slice(key.as_bytes());
            self.string(text);
        }
    }

    /// RFC 8259 §7: control characters must be escaped, so no value can end a line.
    fn string(&mut self, text: &str) {
        let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if text.bytes().fold(true, |all, byte| all & plain(byte)) {
            self.0.push(b'"');
            self.0.extend_from_slice(text.as_bytes());
            self.0.push(b'"');
        } else {
            // Writing text to memory cannot fail.
            let _ = serde_json::to_writer(&mut *self.0, text);
        }
    }

    fn number(&mut self, key: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.0.extend_from_slice(key.as_bytes());
            self.0
                .extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
    }

    /// A list of strings from outside; one that is empty is left out.
    fn texts<'t>(&mut self, key: &str, texts: impl ExactSizeIterator<Item = &'t str>) {
        let is_empty = texts.len() == 0;
        for (place, text) in texts.enumerate() {
            let before = if place == 0 { key } else { "," };
            self.0.extend_from_slice(before.as_bytes());
            self.string(text);
        }
        if !is_empty {
            self.0.push(b']');
        }
    }

    fn address(&mut self, event: &Event<'_>) {
        let Some(client) = event.client else { return };
        self.0.extend_from_slice(br#","client":""#);
        match client {
            // By hand, since it stands in every line.
            IpAddr::V4(client) => {
                for (place, octet) in client.octets().into_iter().enumerate() {
                    if place > 0 {
                        self.0.push(b'.');
                    }
                    self.0
                        .extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
                }
            }
            // Writing to memory cannot fail.
            IpAddr::V6(client) => drop(write!(self.0, "{client}")),
        }
        self.0.push(b'"');
    }
}

fn shown_path(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.get(..path.floor_char_boundary(MAX_PATH))
        .unwrap_or(path)
}

/// The time in UTC, to the millisecond (RFC 3339); by hand, since every line has it. Years are counted
/// from March, so that the leap day is the last day of a year, in eras of 400 years of equal length.
fn rfc3339(at: Timestamp) -> [u8; 24] {
    const LAST: u64 = 253_402_300_799_999; // the last millisecond of year 9999: RFC 3339 has four digits
    let millis = at.as_millis().min(LAST);
    let (days, in_day) = (millis / 86_400_000 + 719_468, millis % 86_400_000);
    let (era, in_era) = (days / 146_097, days % 146_097);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    let (month, next) = if from_march < 10 {
        (from_march + 3, 0)
    } else {
        (from_march - 9, 1)
    };
    let numbers = [
        (0..4, year + era * 400 + next),
        (5..7, month),
        (8..10, day),
        (11..13, in_day / 3_600_000),
        (14..16, in_day / 60_000 % 60),
        (17..19, in_day / 1_000 % 60),
        (20..23, in_day % 1_000),
    ];
    let mut text = *b"0000-00-00T00:00:00.000Z";
    for (place, mut number) in numbers {
        for digit in text.get_mut(place).into_iter().flatten().rev() {
            *digit = b'0' + (number % 10).to_le_bytes()[0];
            number /= 10;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{EventKind, Outcome};
    use crate::domain::{RiskLevel, RouteId, SessionId};
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn every_member_is_json_whatever_its_text() {
        let odd = "a\"b\\c\nd\u{1}e\u{7f}\u{fc}\u{2028}";
        let (route, other) = (RouteId::new("pay"), RouteId::new(odd));
        let (action, subject) = (Action::new(odd), Subject::new(odd));
        let mut event = Event::new(
            Timestamp::from_millis(0),
            EventKind::Decision,
            Outcome::Denied,
        );
        event.reason = Some(Reason::StepUpRequired);
        event.request_id = Some(odd);
        event.routes = vec![&route, &other];
        event.action = Some(&action);
        event.level = Some(RiskLevel::High);
        event.enforcement = Some(Enforcement::Report);
        event.subject = Some(&subject);
        event.session = Some(SessionId::new([0xab; 32]));
        event.client = Some("2001:db8::1".parse().unwrap());
        event.method = Some(Method::Delete);
        event.path = Some("/a\"b?token=x");
        event.factor = Some(Factor::Totp);
        let amr = ["pwd".to_owned(), odd.to_owned()];
        event.acr = Some(odd);
        event.amr = &amr;
        event.challenge = Some(ChallengeId::new([1; 16]));
        event.grant = Some(GrantId::new([2; 16]));
        event.requester = Some(&subject);
        event.approver = Some(&subject);
        event.group = Some(odd);
        event.text = Some(odd);
        event.operator = Some(odd);
        event.count = Some(u64::MAX);
        event.latency = Some(Duration::from_micros(7));
        let mut text = b"{".to_vec();
        write(&event, &mut text);
        assert_eq!(text.split(|byte| *byte == b'\n').count(), 2);
        let line: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let expected = json!({
            "time": "1970-01-01T00:00:00.000Z", "event": "decision", "outcome": "denied",
            "reason": "step-up-required", "request_id": odd, "routes": ["pay", odd],
            "action": odd, "level": 3, "enforcement": "report", "subject": odd,
            "session": "abababababababab", "client": "2001:db8::1", "method": "DELETE",
            "path": "/a\"b", "factor": "totp", "acr": odd, "amr": ["pwd", odd], "challenge": "01".repeat(16),
            "grant": "02".repeat(16), "requester": odd, "approver": odd, "group": odd, "text": odd, "operator": odd, "count": u64::MAX, "latency_us": 7,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let leap = [951_782_399_999, 951_782_400_000, 4_107_542_400_000];
        let spread = (0..2_000).map(|step| step * 126_701_150_399);
        for millis in spread.chain(leap) {
            let time = jiff::Timestamp::from_millisecond(millis).unwrap();
            let text = rfc3339(Timestamp::from_millis(millis.unsigned_abs()));
            assert_eq!(text, format!("{time:.3}").as_bytes());
        }
    }
}
