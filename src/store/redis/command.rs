//! Writes commands in RESP, into the buffer that they are sent from.

use crate::store::keys::{GrantField, LatestField, Pieces, SessionHashKey};

/// One argument of a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Argument<'a> {
    Grant(GrantField<'a>),
    Latest(LatestField<'a>),
    Number(u64),
    Session(SessionHashKey<'a>),
    Text(&'a [u8]),
}

/// Appends a command. The arguments are counted first: with a wrong count the server would read the
/// next command as an argument.
pub(super) fn write_command<'a>(
    out: &mut Vec<u8>,
    arguments: impl Iterator<Item = Argument<'a>> + Clone,
) {
    write_head(b'*', arguments.clone().count(), out);
    for argument in arguments {
        match argument {
            Argument::Grant(field) => field.with_pieces(|pieces| write_text(pieces, out)),
            Argument::Latest(field) => field.with_pieces(|pieces| write_text(pieces, out)),
            Argument::Number(number) => {
                write_text(&[itoa::Buffer::new().format(number).as_bytes()], out);
            }
            Argument::Session(key) => key.with_pieces(|pieces| write_text(pieces, out)),
            Argument::Text(text) => write_text(&[text], out),
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

/// The head of an array or a bulk string: its type and its length.
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

    /// What redis-rs makes of the same arguments.
    fn packed(arguments: &[Argument<'_>]) -> Vec<u8> {
        let mut command = redis::Cmd::new();
        for argument in arguments {
            match *argument {
                Argument::Grant(field) => command.arg(field),
                Argument::Latest(field) => command.arg(field),
                Argument::Number(number) => command.arg(number),
                Argument::Session(key) => command.arg(key),
                Argument::Text(text) => command.arg(text),
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
        let mut arguments = vec![
            Argument::Text(b"EVALSHA"),
            Argument::Session(space.session(&id)),
            Argument::Grant(GrantField(&bound)),
            Argument::Grant(GrantField(&free)),
            Argument::Latest(LatestField(&free.action)),
            Argument::Text(b""),
            Argument::Text(b"\r\n"),
            Argument::Text(&long),
        ];
        arguments.extend([0, 9, 10, 99, 100, 1_800_000_000_000, u64::MAX].map(Argument::Number));
        for count in 1..=arguments.len() {
            let mut out = b"before".to_vec();
            write_command(&mut out, arguments[..count].iter().copied());
            assert_eq!(
                out.strip_prefix(b"before").unwrap(),
                packed(&arguments[..count])
            );
        }
    }
}
