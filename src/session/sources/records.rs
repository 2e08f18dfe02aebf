//! The application's own sessions in Redis: the record of a request's cookie names the subject.
//!
//! What is read is JSON that the application wrote. A signed cookie counts by its signature alone, as
//! express-session makes it; of any other no more than the characters of an id are taken, so that no client
//! chooses the rest of a key.

use super::Asserted;
use super::asserted::groups_of;
use crate::domain::{CookieName, DisplayName, Naming, Reason, Secret, Timestamp};
use crate::session::credentials::is_called;
use crate::session::{CredentialKind, Credentials};
use crate::store::{ReadOnlyRedis, RedisRecords, StoreError};
use data_encoding::BASE64_NOPAD;
use percent_encoding::percent_decode;
use ring::hmac;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a record, at most.
const LONGEST: usize = 64 * 1024;
/// Bytes of an id, at most.
const LONGEST_ID: usize = 256;
/// How far the application's clock may be ahead of ours.
const LEEWAY: Duration = Duration::from_secs(30);

/// Where the records are, and what they say.
#[derive(Clone, Debug)]
pub struct Records {
    /// The server.
    pub server: Arc<ReadOnlyRedis>,
    /// The cookie that has the id of a record.
    pub cookie: CookieName,
    /// By which of these it is signed; empty if it is not.
    pub secrets: Vec<Secret<String>>,
    /// What stands before and after the id in a key.
    pub key: (String, String),
    /// The pointer to the subject (RFC 6901).
    pub subject: String,
    /// That to the subject's e-mail address.
    pub email: Option<String>,
    /// That to the groups that the subject is in, and what stands between them in a text.
    pub groups: Option<(String, String)>,
    /// That to the name by which a page calls the subject.
    pub display: Option<String>,
    /// That to the time of the login: seconds or milliseconds since the Unix epoch, or a text (RFC 3339).
    pub authenticated_at: Option<String>,
    /// Which spellings of a name are one subject.
    pub naming: Naming,
}

impl Records {
    /// Reads the record of nobody, until the server answers or `limit` is over: for whoever checks the settings.
    pub(crate) async fn try_server(&self, limit: Duration) -> Result<(), StoreError> {
        let redis = self.server.connect();
        let (before, after) = &self.key;
        let key = format!("{before}stepgate-check{after}");
        let asking = async {
            loop {
                match redis.read(&key, 1).await {
                    // The connection is made in the background.
                    Err(StoreError::Unavailable(_)) => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    read => return read.map(drop),
                }
            }
        };
        let asked = tokio::time::timeout(limit, asking).await;
        match asked {
            Ok(asked) => asked,
            Err(_) => redis.read(&key, 1).await.map(drop),
        }
    }
}

/// Why a record does not say who somebody is.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum RecordError {
    #[error("it is {0}; have the application write JSON")]
    Foreign(&'static str),
    #[error("what stands at `session.redis.subject` is neither a text nor a number")]
    NoName,
    #[error("it is longer than 64 KiB")]
    TooLong,
    #[error("it cannot be read")]
    Unread(#[from] StoreError),
}

impl RecordError {
    /// The word for it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Foreign(_) | Self::NoName | Self::TooLong | Self::Unread(_) => {
                Reason::SubjectUnavailable
            }
        }
    }
}

impl Records {
    /// Whose the record of these credentials is, or nobody's; `None` if they are not the cookie alone: beside
    /// another credential the application may act for whoever that names.
    pub(super) async fn read(
        &self,
        redis: &RedisRecords,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<Option<Option<Asserted>>, RecordError> {
        let cookie = credentials.sole().filter(|(kind, name, _)| {
            *kind == CredentialKind::Cookie && is_called(name, &self.cookie)
        });
        let Some((_, _, value)) = cookie else {
            return Ok(None);
        };
        let Some(id) = self.id(value) else {
            return Ok(Some(None));
        };
        let (before, after) = &self.key;
        let key = format!("{before}{id}{after}");
        let record = redis.read(&key, LONGEST).await?;
        self.judge(&record, now).map(Some)
    }

    /// The id that a cookie's value is for.
    fn id(&self, value: &[u8]) -> Option<String> {
        let decoded = percent_decode(value).decode_utf8().ok()?;
        if self.secrets.is_empty() {
            let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_,".contains(&byte);
            return (is_sized(&decoded)
                && value == decoded.as_bytes()
                && decoded.bytes().all(is_id))
            .then(|| decoded.into_owned());
        }
        // `cookie-signature` of Node: the id, and after the last point the HMAC-SHA256 of it.
        let (id, signature) = decoded.strip_prefix("s:")?.rsplit_once('.')?;
        let signature = BASE64_NOPAD.decode(signature.as_bytes()).ok()?;
        let is_signed = self.secrets.iter().any(|secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
            hmac::verify(&key, id.as_bytes(), &signature).is_ok()
        });
        (is_signed && is_sized(id) && id.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| id.to_owned())
    }

    fn groups_in(&self, record: &Value) -> Vec<String> {
        let groups = self.groups.as_ref();
        groups.map_or_else(Vec::new, |(pointer, separator)| {
            groups_of(record.pointer(pointer), separator)
        })
    }

    /// What a record says.
    fn judge(&self, record: &[u8], now: Timestamp) -> Result<Option<Asserted>, RecordError> {
        if record.is_empty() {
            return Ok(None);
        }
        if record.len() > LONGEST {
            return Err(RecordError::TooLong);
        }
        let record: Value =
            serde_json::from_slice(record).map_err(|_| RecordError::Foreign(format_of(record)))?;
        let subject = match record.pointer(&self.subject) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(name)) => self.naming.subject(name),
            Some(Value::Number(number)) => self.naming.subject(&number.to_string()),
            Some(Value::Array(_) | Value::Bool(_) | Value::Object(_)) => {
                return Err(RecordError::NoName);
            }
        };
        let at = |pointer: &Option<String>| record.pointer(pointer.as_deref()?);
        let text = |pointer| at(pointer).and_then(Value::as_str);
        Ok(subject.map(|subject| Asserted {
            subject,
            email: text(&self.email).map(str::to_owned),
            groups: self.groups_in(&record),
            display: text(&self.display).and_then(DisplayName::of),
            // A login that is yet to come makes nothing fresh.
            authenticated_at: at(&self.authenticated_at)
                .and_then(time)
                .filter(|login| *login <= now.after(LEEWAY))
                .map(|login| login.min(now)),
        }))
    }
}

fn is_sized(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
}

/// Seconds, as most write them; milliseconds, as JavaScript does; or RFC 3339, as it writes dates into JSON.
fn time(value: &Value) -> Option<Timestamp> {
    let millis = match value {
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| *number >= 0.0)?;
            // So many seconds are the year 5138, and so many milliseconds March 1973.
            let seconds = if number < 1e11 { number } else { number / 1e3 };
            return Some(Timestamp::default().after(Duration::try_from_secs_f64(seconds).ok()?));
        }
        Value::String(text) => text.parse::<jiff::Timestamp>().ok()?.as_millisecond(),
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => return None,
    };
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// What a record that is no JSON looks like.
fn format_of(record: &[u8]) -> &'static str {
    let has_pipe = |line: &[u8]| {
        let name = line.split(|byte| *byte == b'|').next().unwrap_or_default();
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        name.len() < line.len() && name.iter().all(is_name)
    };
    match record {
        // Protocols 2 to 5, which all begin so.
        [0x80, 2..=5, ..] => {
            "pickled, which is never read: whoever reads a pickle runs what is in it"
        }
        [0x1f, 0x8b, ..] | [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => "compressed",
        [b'a' | b'O' | b's' | b'i', b':', ..] => "PHP-serialized, which is not read",
        record if has_pipe(record) => "PHP-serialized, which is not read",
        _ => "no JSON",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RedisOptions;

    const NOW: u64 = 1_700_000_000_000;

    fn records(secrets: &[&str]) -> Records {
        let secrets = secrets.iter().map(|text| Secret::new((*text).to_owned()));
        Records {
            server: Arc::new(ReadOnlyRedis::new(RedisOptions::new("redis://127.0.0.1")).unwrap()),
            cookie: CookieName::parse("connect.sid").unwrap(),
            secrets: secrets.collect(),
            key: ("sess:".to_owned(), String::new()),
            subject: "/passport/user".to_owned(),
            email: Some("/mail".to_owned()),
            groups: Some(("/groups".to_owned(), " ".to_owned())),
            display: Some("/called".to_owned()),
            authenticated_at: Some("/at".to_owned()),
            naming: Naming::default(),
        }
    }

    #[test]
    fn an_id_counts_by_its_signature_alone() {
        let signed = records(&["former", "keyboard cat"]);
        // Made by `cookie-signature` of Node.
        let right = "s%3Aabc.def.R3mKOD9L1tL5Ys2h%2B%2Bsc4X1DmM5o%2B%2B2PdB6wVkiY9VI";
        let id = |value: &str| signed.id(value.as_bytes());
        assert_eq!(id(right).as_deref(), Some("abc.def"));
        assert_eq!(id(&right.replace("%3A", ":")).as_deref(), Some("abc.def"));
        for wrong in [
            right.replace("abc", "abd"),
            right.replace("Y9VI", "Y9VJ"),
            right.replace("Y9VI", "Y9VI%3D"),
            right.replace("s%3A", ""),
            right.replace("s%3A", "j%3A"),
            right.rsplit_once('.').unwrap().0.to_owned(),
            "s%3Aabc.def.".to_owned(),
            "s%3A.".to_owned(),
            String::new(),
        ] {
            assert_eq!(id(&wrong), None, "{wrong}");
        }
        assert_eq!(records(&["other"]).id(right.as_bytes()), None);
    }

    #[test]
    fn an_unsigned_id_is_no_more_than_an_id() {
        let plain = records(&[]);
        let id = |value: &[u8]| plain.id(value);
        assert_eq!(id(b"x1-_,Y").as_deref(), Some("x1-_,Y"));
        for wrong in [
            &b""[..],
            b"*",
            b"a b",
            b"a\r\nDEL b",
            b"..%2fx",
            b"../x",
            b"a:b",
            b"%61",
            b"\xFF",
            b"a\0",
            b"s:abc.def",
            &[b'a'; 257],
        ] {
            assert_eq!(id(wrong), None, "{}", wrong.escape_ascii());
        }
    }

    #[test]
    fn a_record_names_somebody_nobody_or_is_refused() {
        let judge = |record: &str| {
            let now = Timestamp::from_millis(NOW);
            let said = records(&[]).judge(record.as_bytes(), now);
            said.map(|person| person.map(|person| person.subject.as_str().to_owned()))
        };
        let named = |name: &str| Some(name.to_owned());
        for (record, person) in [
            (r#"{"passport":{"user":"Alice"}}"#, named("alice")),
            (r#"{"passport":{"user":7}}"#, named("7")),
            (
                r#"{"passport":{"user":"mallory","user":"bob"}}"#,
                named("bob"),
            ),
            (r#"{"passport":{"user":null}}"#, None),
            (r#"{"passport":{"user":" "}}"#, None),
            (r#"{"passport":{}}"#, None),
            (r#"{"cookie":{}}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(judge(record).unwrap(), person, "{record}");
        }
        for (record, word) in [
            (
                r#"{"passport":{"user":{"id":1}}}"#,
                "neither a text nor a number",
            ),
            (
                r#"{"passport":{"user":true}}"#,
                "neither a text nor a number",
            ),
            (r#"{"passport":{"user":"alice"}"#, "no JSON"),
            ("\u{80}", "no JSON"),
            (r#"a:1:{s:4:"user";s:5:"alice";}"#, "PHP"),
            (r#"user|s:5:"alice";"#, "PHP"),
            ("O:8:\"stdClass\":0:{}", "PHP"),
        ] {
            let told = judge(record).unwrap_err().to_string();
            assert!(told.contains(word), "{record}: {told}");
        }
        for (record, word) in [
            (&b"\x80\x04\x95"[..], "pickle"),
            (b"\x1f\x8b\x08", "compressed"),
        ] {
            assert!(format_of(record).contains(word));
        }
        let long = format!(
            r#"{{"passport":{{"user":"alice"}},"x":"{}"}}"#,
            "x".repeat(LONGEST)
        );
        assert!(matches!(judge(&long), Err(RecordError::TooLong)));
    }

    #[test]
    fn a_login_has_the_time_that_the_application_wrote() {
        let at = |time: &str| {
            let record =
                format!(r#"{{"passport":{{"user":"a"}},"mail":"a@x","called":"Al","at":{time}}}"#);
            let said = records(&[]).judge(record.as_bytes(), Timestamp::from_millis(NOW));
            let person = said.unwrap().unwrap();
            assert_eq!(person.email.as_deref(), Some("a@x"));
            assert_eq!(person.display, DisplayName::of("Al"));
            person.authenticated_at.map(Timestamp::as_millis)
        };
        for written in [
            "1699999999.5",
            "1699999999500",
            "\"2023-11-14T22:13:19.500Z\"",
        ] {
            assert_eq!(at(written), Some(NOW - 500), "{written}");
        }
        assert_eq!(
            at("1700000010"),
            Some(NOW),
            "a clock that is a little ahead"
        );
        for none in [
            "1700000031",
            "-1",
            "\"now\"",
            "null",
            "true",
            "1e300",
            "\"1700000000\"",
        ] {
            assert_eq!(at(none), None, "{none}");
        }
    }
}
