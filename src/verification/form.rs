//! Carried forms: the fields of a refused form post, sealed and kept by the browser.
//!
//! We never replay a request: after the verification the person's own browser posts these fields
//! again, at the press of a button that names the action. What looks like a password is not carried
//! at all; the person types it again.

use crate::domain::{
    BrowserKeyHash, ByteReader, ByteWriter, LocalPath, Method, SessionId, Timestamp, is_secret_name,
};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use data_encoding::BASE64URL_NOPAD;

/// The longest sealed form that is opened; a body of the largest usual size fits.
pub const MAX_SEALED_FORM: usize = 512 * 1024;

/// The fields of a form, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedForm {
    /// The method of the refused request.
    pub method: Method,
    /// Its path and query.
    pub target: LocalPath,
    /// The fields, in their order.
    pub fields: Vec<(String, String)>,
    /// The names of fields that are not carried and must be typed again.
    pub dropped: Vec<String>,
    /// The names of fields that held files, which are not carried either.
    pub files: Vec<String>,
    /// Whether it is posted as `multipart/form-data`.
    pub multipart: bool,
}

/// The session and browser that a form is sealed for; no other can open it.
#[derive(Clone, Copy, Debug)]
pub struct FormOwner {
    /// The session.
    pub session: SessionId,
    /// The browser, if it had a key when the form was refused.
    pub browser_key: Option<BrowserKeyHash>,
}

impl CarriedForm {
    /// Takes the fields that may be carried, and notes the names of those that may not.
    pub fn new(method: Method, target: LocalPath, fields: Vec<(String, String)>) -> Self {
        let (secret, fields): (Vec<_>, Vec<_>) = fields
            .into_iter()
            // One that was left empty holds no secret, and is not to be typed now.
            .partition(|(name, value)| is_secret_name(name) && !value.is_empty());
        let mut dropped: Vec<_> = secret.into_iter().map(|(name, _)| name).collect();
        dropped.dedup();
        Self {
            method,
            target,
            fields,
            dropped,
            files: Vec::new(),
            multipart: false,
        }
    }

    /// Seals the form for its owner until `expires_at`.
    pub fn seal(
        &self,
        owner: &FormOwner,
        expires_at: Timestamp,
        keys: &Keys,
        entropy: &Entropy,
    ) -> String {
        let mut out = ByteWriter::default();
        out.time(expires_at)
            .text(self.method.as_str())
            .text(self.target.as_str())
            .pairs(&self.fields)
            .flag(self.multipart);
        for names in [&self.dropped, &self.files] {
            out.number(names.len() as u64);
            for name in names {
                out.text(name);
            }
        }
        BASE64URL_NOPAD.encode(&keys.seal(Purpose::Form, &owner.context(), out.as_bytes(), entropy))
    }

    /// Opens a form; `None` if it is sealed for another owner, or has expired.
    pub fn open(sealed: &str, owner: &FormOwner, keys: &Keys, now: Timestamp) -> Option<Self> {
        // Before it is decoded and deciphered: its length is the client's choice.
        if sealed.len() > MAX_SEALED_FORM {
            return None;
        }
        let sealed = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
        let plain = keys.open(Purpose::Form, &owner.context(), &sealed)?;
        let (form, expires_at) = read(&mut ByteReader::new(plain.expose()))?;
        (now < expires_at).then_some(form)
    }
}

impl FormOwner {
    fn context(&self) -> Vec<u8> {
        let mut out = ByteWriter::default();
        let browser_key = self.browser_key.as_ref();
        // Associated data of the seal: for another owner it does not open.
        out.text("form/1")
            .array(self.session.as_bytes())
            .optional_array(browser_key.map(|key| key.as_bytes().as_slice()));
        out.into_bytes()
    }
}

fn read(plain: &mut ByteReader<'_>) -> Option<(CarriedForm, Timestamp)> {
    let expires_at = plain.time()?;
    let method = plain.text()?.parse().ok()?;
    let target = LocalPath::parse(plain.text()?)?;
    let fields = plain.pairs()?;
    let multipart = plain.flag()?;
    let dropped = plain.list(name)?;
    let files = plain.list(name)?;
    let form = CarriedForm {
        method,
        target,
        fields,
        dropped,
        files,
        multipart,
    };
    plain.end()?;
    Some((form, expires_at))
}

fn name(plain: &mut ByteReader<'_>) -> Option<String> {
    plain.text().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::tests::{keys, now};
    use proptest::prelude::{any, prop};
    use std::time::Duration;

    fn owner(session: u8, browser: Option<u8>) -> FormOwner {
        FormOwner {
            session: SessionId::new([session; 32]),
            browser_key: browser.map(|byte| BrowserKeyHash::new([byte; 32])),
        }
    }

    fn form() -> CarriedForm {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        CarriedForm::new(
            Method::Post,
            LocalPath::parse("/users/1/delete?next=%2F").unwrap(),
            vec![
                field("csrfmiddlewaretoken", "x"),
                field("user", "1"),
                field("password", "hunter2"),
                field("new_password", ""),
                field("user", "2"),
            ],
        )
    }

    #[test]
    fn a_form_opens_for_its_owner_alone_and_for_its_time() {
        let (keys, end) = (keys(), now().after(Duration::from_mins(1)));
        let mine = owner(1, Some(1));
        let sealed = form().seal(&mine, end, &keys, &Entropy::system());
        assert_eq!(
            CarriedForm::open(&sealed, &mine, &keys, now()),
            Some(form())
        );
        for other in [owner(1, Some(2)), owner(2, Some(1)), owner(1, None)] {
            assert_eq!(CarriedForm::open(&sealed, &other, &keys, now()), None);
        }
        assert_eq!(CarriedForm::open(&sealed, &mine, &keys, end), None);
    }

    #[test]
    fn passwords_are_dropped_and_named() {
        let form = form();
        assert_eq!(form.dropped, ["password"]);
        assert_eq!(form.fields.len(), 4);
        assert!(
            form.fields
                .contains(&("new_password".to_owned(), String::new()))
        );
        assert!(!format!("{form:?}").contains("hunter2"));
    }

    proptest::proptest! {
        #[test]
        fn opening_is_total(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&mut ByteReader::new(&bytes));
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(CarriedForm::open(&text, &owner(1, None), &keys(), now()), None);
        }
    }
}
