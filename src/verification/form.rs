//! Carried forms: the fields of a refused form post, sealed, in the hands of the person's browser.
//!
//! We never replay a request: after the verification the person's own browser posts these fields
//! again, at the press of a button that names the action. What looks like a password is not carried
//! at all; the person types it again.

use super::wire::{In, Out};
use crate::domain::{BrowserKeyHash, Method, SessionId, Timestamp};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use data_encoding::BASE64URL_NOPAD;

/// The longest sealed form that is looked at; a body of the largest usual size fits.
pub const MAX_SEALED_FORM: usize = 512 * 1024;

/// The fields of a form, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedForm {
    /// The method of the refused request.
    pub method: Method,
    /// Its path and query.
    pub target: String,
    /// The fields, in their order.
    pub fields: Vec<(String, String)>,
    /// The names of fields that are not carried and must be typed again.
    pub dropped: Vec<String>,
    /// The names of fields that held files, which are not carried either.
    pub files: Vec<String>,
    /// Whether it is posted as `multipart/form-data`.
    pub multipart: bool,
}

/// Whose form it is: in other hands it does not open.
#[derive(Clone, Copy, Debug)]
pub struct FormOwner {
    /// The session.
    pub session: SessionId,
    /// The browser, if it had a key when the form was refused.
    pub browser_key: Option<BrowserKeyHash>,
}

impl CarriedForm {
    /// Takes the fields that may be carried, and notes the names of those that may not.
    pub fn new(method: Method, target: String, fields: Vec<(String, String)>) -> Self {
        let (secret, fields): (Vec<_>, Vec<_>) =
            fields.into_iter().partition(|(name, _)| is_secret(name));
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
        let mut out = Out::default();
        out.number(expires_at.as_millis())
            .text(self.method.as_str())
            .text(&self.target)
            .pairs(&self.fields)
            .byte(u8::from(self.multipart));
        for names in [&self.dropped, &self.files] {
            out.number(names.len() as u64);
            for name in names {
                out.text(name);
            }
        }
        BASE64URL_NOPAD.encode(&keys.seal(Purpose::Form, &owner.context(), out.bytes(), entropy))
    }

    /// Opens a form; `None` if it is not this owner's, or its time is over.
    pub fn open(sealed: &str, owner: &FormOwner, keys: &Keys, now: Timestamp) -> Option<Self> {
        if sealed.len() > MAX_SEALED_FORM {
            return None;
        }
        let sealed = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
        let plain = keys.open(Purpose::Form, &owner.context(), &sealed)?;
        let (form, expires_at) = read(&mut In(plain.expose()))?;
        (now < expires_at).then_some(form)
    }
}

impl FormOwner {
    fn context(&self) -> Vec<u8> {
        let mut out = Out::default();
        let browser_key = self.browser_key.as_ref();
        out.text("form/1")
            .array(self.session.as_bytes())
            .optional_array(browser_key.map(|key| key.as_bytes().as_slice()));
        out.bytes().to_vec()
    }
}

fn read(plain: &mut In<'_>) -> Option<(CarriedForm, Timestamp)> {
    let expires_at = Timestamp::from_millis(plain.number()?);
    let method = plain.text()?.parse().ok()?;
    let target = plain.text()?.to_owned();
    let fields = plain.pairs()?;
    let multipart = plain.byte()? != 0;
    let dropped = names(plain)?;
    let files = names(plain)?;
    let form = CarriedForm {
        method,
        target,
        fields,
        dropped,
        files,
        multipart,
    };
    plain.is_over().then_some((form, expires_at))
}

fn names(plain: &mut In<'_>) -> Option<Vec<String>> {
    let count = plain.number()?;
    (0..count)
        .map(|_| plain.text().map(str::to_owned))
        .collect()
}

/// Tells by its name whether a field holds something that is not carried.
///
/// Anti-forgery tokens are: without them the application would refuse the repeated post. So `token`
/// alone is harmless, and only what says what it opens (`api_token`) is not.
fn is_secret(name: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&["csrf", "xsrf", "csrfmiddlewaretoken", "authenticity"]) {
        return false;
    }
    let flat = words.concat();
    SECRET_PARTS.iter().any(|part| flat.contains(part))
        || has(SECRET_WORDS)
        || (has(&["token"]) && has(OPENERS))
        || flat == "card"
}

/// Secret wherever they stand in a name.
const SECRET_PARTS: &[&str] = &[
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "kennwort",
    "apikey",
    "privatekey",
    "signingkey",
    "cardnum",
    "cardno",
    "cardcode",
    "creditcard",
    "ccnum",
    "ccno",
];
/// Secret as a word of its own; inside others (`shipping`, `tangent`) they mean nothing.
const SECRET_WORDS: &[&str] = &[
    "pass", "pass1", "pass2", "pw", "pw1", "pw2", "pin", "otp", "totp", "mfa", "2fa", "tan", "cvv",
    "cvv2", "cvc", "csc",
];
/// With these, a token opens something.
const OPENERS: &[&str] = &[
    "access", "api", "auth", "bearer", "bot", "id", "oauth", "personal", "private", "refresh",
    "session",
];

/// The words of a name, in lower case: `newPassWord[2]` is `new`, `pass`, `word`, `2`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (after_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        after_lower = c.is_lowercase() || c.is_numeric();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
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
            "/users/1/delete?next=%2F".to_owned(),
            vec![
                field("csrfmiddlewaretoken", "x"),
                field("user", "1"),
                field("password", "hunter2"),
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
        assert_eq!(form.fields.len(), 3);
        assert!(!format!("{form:?}").contains("hunter2"));
    }

    #[test]
    fn what_opens_something_is_secret_and_what_protects_the_form_is_not() {
        for name in [
            "password",
            "new_password1",
            "user[password]",
            "newPassword",
            "PASSWD",
            "pwd",
            "pw",
            "passphrase",
            "client_secret",
            "otp",
            "otp_token",
            "pin",
            "userPin",
            "card_number",
            "cardNumber",
            "card",
            "cc-number",
            "cc-csc",
            "cvv",
            "api_key",
            "apiKey",
            "access_token",
            "auth[token]",
            "sessionToken",
            "Passwort",
            "mfa_code",
            "kennwort",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "csrfmiddlewaretoken",
            "authenticity_token",
            "_token",
            "key_id",
            "card_id",
            "cc",
            "iban",
            "csrf_token",
            "__RequestVerificationToken",
            "_csrf",
            "form_token",
            "_wpnonce",
            "user",
            "shipping",
            "opinion",
            "discard",
            "description",
            "key",
            "token",
            "X-CSRF-Token",
            "",
            "hotplate",
            "tangent",
            "action",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn opening_is_total(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&mut In(&bytes));
            let text = String::from_utf8_lossy(&bytes);
            let _ = words(&text);
            assert_eq!(CarriedForm::open(&text, &owner(1, None), &keys(), now()), None);
        }
    }
}
