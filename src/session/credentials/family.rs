//! Where a name of a session's cookie stands in a key, in every spelling that some parser undoes.

use super::spelling::{is_escape, undone};
use crate::domain::{CookieName, NameEnding, chunk_lengths, may_follow};
use std::borrow::Cow;

/// The name that `key` ends in as a whole word, as some parser may find it, if it is of the family of
/// `name`, in the one spelling by which it counts. `key` is unescaped, and `head` says what may stand before
/// the name.
pub(super) fn find_name(key: &[u8], name: &CookieName, head: Head) -> Option<Vec<u8>> {
    if key.len() < name.text().len() {
        return None;
    }
    match name.ending() {
        NameEnding::Chunk => find_one(key, name.text(), head),
        NameEnding::Anything => find_beginning(key, name.text(), head),
    }
}

/// A name, or one of its chunks.
fn find_one(key: &[u8], text: &[u8], head: Head) -> Option<Vec<u8>> {
    // Nearly no key holds the name: looked for once, before each end that it may have.
    if !key.windows(text.len()).any(|word| same(word, text)) {
        return None;
    }
    let start = |end: usize| {
        let start = end.checked_sub(text.len())?;
        let (before, word) = key.get(..end)?.split_at_checked(start)?;
        (same(word, text) && head.allows(before)).then_some(start)
    };
    ends(key).find_map(|end| {
        let chunks = key.get(..end).into_iter().flat_map(chunk_lengths);
        let start = std::iter::once(0)
            .chain(chunks)
            .find_map(|chunk| start(end - chunk))?;
        Some(folded(key.get(start..end)?))
    })
}

/// A name that begins with `text`.
fn find_beginning(key: &[u8], text: &[u8], head: Head) -> Option<Vec<u8>> {
    let mut words = key.windows(text.len()).enumerate();
    let (start, _) = words.find(|(start, word)| {
        same(word, text) && key.get(..*start).is_some_and(|before| head.allows(before))
    })?;
    let (word, behind) = key.get(start..)?.split_at_checked(text.len())?;
    // JupyterHub escapes the `@` of a user's name; unescaped it is of the name as well.
    let is_name = |byte: &&u8| may_follow(**byte) || **byte == b'@';
    let length = behind.iter().take_while(is_name).count();
    Some(folded(&[word, behind.get(..length)?].concat()))
}

/// What may stand before a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Any,
    NoWord,
}

impl Head {
    fn allows(self, before: &[u8]) -> bool {
        is_boundary(before)
            && match self {
                Self::Any => true,
                Self::NoWord => !before.iter().copied().any(is_word),
            }
    }
}

/// A name in the spelling by which it counts: with escapes undone, and folded.
pub(super) fn folded(name: &[u8]) -> Vec<u8> {
    let mut name = Cow::Borrowed(name);
    for _ in 0..2 {
        if name.iter().any(|byte| is_escape(*byte)) {
            name = Cow::Owned(undone(&name));
        }
    }
    name.iter().copied().map(fold).collect()
}

/// Letter case is folded (ASP.NET), and `.`, blank and `[` are `_` (PHP); `+` is a blank (forms).
fn fold(byte: u8) -> u8 {
    match byte.to_ascii_lowercase() {
        b'.' | b' ' | b'[' | b'+' => b'_',
        other => other,
    }
}

fn same(word: &[u8], name: &[u8]) -> bool {
    word.len() == name.len()
        && word
            .iter()
            .zip(name)
            .all(|(one, two)| fold(*one) == fold(*two))
}

/// Where a name may end: before bytes of no word, at its `[` (PHP: what follows is an item of it) and at
/// NUL.
fn ends(key: &[u8]) -> impl Iterator<Item = usize> {
    let no_word = key.iter().rev().take_while(|byte| !is_word(**byte)).count();
    let ends = key.len() - no_word..=key.len();
    let cuts = key.iter().enumerate();
    let cuts = cuts.filter_map(|(at, byte)| matches!(byte, b'[' | 0).then_some(at));
    ends.rev().chain(cuts)
}

/// Whether a name may begin after `head`.
///
/// Not within a word, and not after the `.` or `-` of a longer name: these are bytes of a token, at which
/// no parser begins a cookie, and `connect.sid`, `csrf-sid` and `__Secure-sid` are honest neighbors of
/// `sid`. All else counts, within values as well: `x=/login?sid=5` has a `sid` to a regular expression.
fn is_boundary(head: &[u8]) -> bool {
    let mut before = head.iter().rev();
    match before.next() {
        None => true,
        Some(b'.' | b'-') => !before
            .find(|byte| !matches!(byte, b'.' | b'-'))
            .is_some_and(|byte| is_word(*byte)),
        Some(byte) => !is_word(*byte),
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
