//! Challenge tokens and carried forms: foreign ones, and sealed ones with any content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use stepgate::domain::{Secret, SessionId, Timestamp};
use stepgate::entropy::Entropy;
use stepgate::seal::{Keys, Purpose};
use stepgate::verification::{CarriedForm, FormOwner, open_challenge};

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let secret = Secret::new((0..64).collect());
    Keys::derive(&secret, None).expect("a secret that is long enough")
});

fuzz_target!(|bytes: &[u8]| {
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
    let token = encode(&sealed);
    assert!(open_challenge(&token, |_| None, &KEYS, now).is_none());
});

/// Base64url without padding, RFC 4648 §5.
fn encode(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = word >> (18 - 6 * place) & 63;
            text.push(char::from(LETTERS[index as usize]));
        }
    }
    text
}
