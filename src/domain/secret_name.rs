//! Which fields of a form hold a secret, as far as their names tell.

/// Whether a field of a form holds, by its name, a password, a code, or another secret.
///
/// Anti-forgery tokens are none: they protect the form, and open nothing. So `token`
/// alone is harmless, and only what says what it opens (`api_token`) is not.
pub fn is_secret_name(name: &str) -> bool {
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
            assert!(is_secret_name(name), "{name}");
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
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
