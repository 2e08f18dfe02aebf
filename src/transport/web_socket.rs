//! Where the frames of a WebSocket begin and end (RFC 6455 §5.2), and the one frame that we send.

/// A close frame of a server (unmasked): 1008, "policy violation" (RFC 6455 §7.4.1), and why in words.
pub(super) const POLICY_VIOLATION: &[u8] = b"\x88\x25\x03\xf0Sign in again, or verify once more.";

/// The opcode of a close frame.
const CLOSE: u8 = 8;

/// The longest head of a frame: two bytes, eight of length, four of mask.
const LONGEST_HEAD: usize = 14;

/// A place in a stream of frames.
#[derive(Clone, Debug, Default)]
pub(super) struct FrameCursor {
    head: [u8; LONGEST_HEAD],
    /// How much of the head was there.
    read: usize,
    /// How much of the payload is to come.
    payload: u64,
    /// Whether a close frame began: none may follow it.
    is_closing: bool,
}

impl FrameCursor {
    /// Whether a frame of ours may come next (RFC 6455 §5.5.1: none after a close frame).
    pub(super) const fn takes_frame(&self) -> bool {
        self.is_between_frames() && !self.is_closing
    }

    /// Whether the next byte begins a frame.
    const fn is_between_frames(&self) -> bool {
        self.read == 0 && self.payload == 0
    }

    /// Goes on by these bytes.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = self.pass_in_frame(bytes);
        }
    }

    /// Those of the bytes that belong to the frame under way; none if there is none.
    pub(super) fn rest_of_frame<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let mut cursor = self.clone();
        let mut rest = bytes;
        while !cursor.is_between_frames() && !rest.is_empty() {
            rest = cursor.pass_in_frame(rest);
        }
        let passed = bytes.len() - rest.len();
        bytes.get(..passed).unwrap_or(bytes)
    }

    /// Goes on by one byte of a head, or by as much of a payload as there is; returns what is left.
    fn pass_in_frame<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let count = if self.payload > 0 {
            let here = u64::try_from(bytes.len()).map_or(self.payload, |len| len.min(self.payload));
            self.payload -= here;
            usize::try_from(here).unwrap_or(bytes.len())
        } else {
            if let (Some(place), Some(byte)) = (self.head.get_mut(self.read), bytes.first()) {
                *place = *byte;
            }
            self.read += 1;
            if let Some(length) = self.payload_length() {
                self.payload = length;
                self.is_closing |= self.head[0] & 0x0f == CLOSE;
                self.read = 0;
            }
            1
        };
        bytes.get(count..).unwrap_or_default()
    }

    /// The length of the payload, once the whole head is there.
    fn payload_length(&self) -> Option<u64> {
        let [_, second, ..] = self.head;
        let (masked, short) = (second & 0x80 != 0, second & 0x7f);
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let whole = 2 + extended + if masked { 4 } else { 0 };
        if self.read < whole {
            return None;
        }
        let digits = self.head.get(2..2 + extended).unwrap_or_default();
        let long = digits
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        Some(if extended == 0 {
            u64::from(short)
        } else {
            long
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with a payload of `length`, its length written in the shortest way.
    fn frame(length: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match length {
            0..=125 => frame.push(mask | u8::try_from(length).unwrap()),
            126..=0xffff => {
                frame.push(mask | 0x7e);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask | 0x7f);
                frame.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        frame.extend(vec![0; if masked { 4 } else { 0 } + length]);
        frame
    }

    #[test]
    fn a_frame_ends_where_its_head_says_however_it_is_cut() {
        for masked in [false, true] {
            for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
                let bytes = frame(length, masked);
                for piece in [1, 2, 3, 7, 4096, bytes.len()] {
                    let mut cursor = FrameCursor::default();
                    let mut passed = 0;
                    for piece in bytes.chunks(piece) {
                        assert_eq!(cursor.is_between_frames(), passed == 0, "{length} {passed}");
                        cursor.pass(piece);
                        passed += piece.len();
                    }
                    assert!(cursor.is_between_frames(), "{length} in pieces of {piece}");
                }
            }
        }
    }

    #[test]
    fn the_rest_of_a_frame_stops_before_the_next_one() {
        let (first, second) = (frame(300, false), frame(5, false));
        let both = [first.clone(), second].concat();
        for begun in 1..first.len() {
            let mut cursor = FrameCursor::default();
            assert!(cursor.rest_of_frame(&both).is_empty());
            cursor.pass(&both[..begun]);
            assert_eq!(cursor.rest_of_frame(&both[begun..]), &first[begun..]);
            assert!(cursor.rest_of_frame(&[]).is_empty());
        }
    }

    #[test]
    fn nothing_follows_a_close_frame() {
        let mut cursor = FrameCursor::default();
        assert!(cursor.takes_frame());
        cursor.pass(&frame(3, false));
        assert!(cursor.takes_frame());
        cursor.pass(POLICY_VIOLATION);
        assert!(!cursor.takes_frame());
    }

    #[test]
    fn our_frame_is_one_that_says_why() {
        let [first, second, rest @ ..] = POLICY_VIOLATION else {
            panic!("a frame has a head");
        };
        assert_eq!((*first, usize::from(*second)), (0x88, rest.len()));
        // RFC 6455 §5.5: a control frame has at most 125 bytes.
        assert!(rest.len() <= 125);
        assert_eq!(u16::from_be_bytes([rest[0], rest[1]]), 1008);
        assert!(std::str::from_utf8(&rest[2..]).is_ok());
    }
}
