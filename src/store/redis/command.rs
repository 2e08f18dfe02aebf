//! Writes commands as RESP has them, straight into the buffer they are sent from.

use crate::store::keys::{GrantField, LatestField, Pieces, SessionKey};

/// One word of a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word<'a> {
    Grant(GrantField<'a>),
    Latest(LatestField<'a>),
    Number(u64),
    Session(SessionKey<'a>),
    Text(&'a [u8]),
}

/// Appends a command. The words are counted first: a command that says a wrong number would
/// swallow the one behind it.
pub(super) fn write_command<'a>(out: &mut Vec<u8>, words: impl Iterator<Item = Word<'a>> + Clone) {
    write_head(b'*', words.clone().count(), out);
    for word in words {
        match word {
            Word::Grant(field) => field.with_pieces(|pieces| write_text(pieces, out)),
            Word::Latest(field) => field.with_pieces(|pieces| write_text(pieces, out)),
            Word::Number(number) => {
                write_text(&[itoa::Buffer::new().format(number).as_bytes()], out);
            }
            Word::Session(key) => key.with_pieces(|pieces| write_text(pieces, out)),
            Word::Text(text) => write_text(&[text], out),
        }
    }
}

fn write_text(pieces: &[&[u8]], out: &mut Vec<u8>) {
    let length = pieces.iter().map(|piece| piece.len()).sum();
    write_head(b'$', length, out);
    for piece in pieces {
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(b"\r\n");
}

/// What comes before a list or a text: its kind and its length.
fn write_head(kind: u8, length: usize, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Action, GrantKey, RequestDigest, SessionId};
    use crate::store::keys::KeySpace;

    /// What redis-rs makes of the same words.
    fn packed(words: &[Word<'_>]) -> Vec<u8> {
        let mut command = redis::Cmd::new();
        for word in words {
            match *word {
                Word::Grant(field) => command.arg(field),
                Word::Latest(field) => command.arg(field),
                Word::Number(number) => command.arg(number),
                Word::Session(key) => command.arg(key),
                Word::Text(text) => command.arg(text),
            };
        }
        command.get_packed_command()
    }

    #[test]
    fn commands_are_written_as_redis_rs_writes_them() {
        let (space, id) = (KeySpace::new("sg:"), SessionId::new([0xab; 32]));
        let key = |binding| GrantKey {
            action: Action::new("pay"),
            binding,
            single_use: true,
        };
        let (bound, free) = (key(Some(RequestDigest::new([7; 32]))), key(None));
        let long = [b'x'; 1000];
        let mut words = vec![
            Word::Text(b"EVALSHA"),
            Word::Session(space.session(&id)),
            Word::Grant(GrantField(&bound)),
            Word::Grant(GrantField(&free)),
            Word::Latest(LatestField(&free.action)),
            Word::Text(b""),
            Word::Text(b"\r\n"),
            Word::Text(&long),
        ];
        words.extend([0, 9, 10, 99, 100, 1_800_000_000_000, u64::MAX].map(Word::Number));
        for count in 1..=words.len() {
            let mut out = b"before".to_vec();
            write_command(&mut out, words[..count].iter().copied());
            assert_eq!(
                out.strip_prefix(b"before").unwrap(),
                packed(&words[..count])
            );
        }
    }
}
