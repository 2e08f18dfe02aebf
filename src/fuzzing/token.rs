//! Challenge tokens and carried forms: foreign ones, and sealed ones with any content.

use crate::domain::{Secret, SessionId, Timestamp};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use crate::verification::{CarriedForm, FormOwner, open_challenge};
use data_encoding::BASE64URL_NOPAD;
use std::sync::LazyLock;

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let secret = Secret::new((0..64).collect());
    Keys::derive(&secret, None).expect("a secret that is long enough")
});

pub(super) fn token(bytes: &[u8]) {
    let now = Timestamp::from_millis(1);
    let owner = FormOwner {
        session: SessionId::new([7; 32]),
        browser_key: None,
    };
    let text = String::from_utf8_lossy(bytes);
    assert!(open_challenge(&text, |_| None, &KEYS, now).is_none());
    assert!(CarriedForm::open(&text, &owner, &KEYS, now).is_none());
    // With our own seal the content reaches the reader behind it.
    let sealed = KEYS.seal(
        Purpose::Challenge,
        b"challenge/1",
        bytes,
        &Entropy::system(),
    );
    let token = BASE64URL_NOPAD.encode(&sealed);
    assert!(open_challenge(&token, |_| None, &KEYS, now).is_none());
}
