//! Chance that a seed repeats, and what all subjects do to texts.

use crate::Case;

/// Random numbers: splitmix64, which needs no more than its seed.
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, table: &[T]) -> T {
        table[self.below(table.len())]
    }

    /// Somewhere in `text`, its ends included.
    pub(crate) fn place(&mut self, text: &[u8]) -> usize {
        self.below(text.len() + 1)
    }
}

/// Blanks of ASCII and Unicode, in UTF-8 and in Latin-1: what one parser trims and another keeps.
pub(crate) const BLANKS: &[&[u8]] = &[
    b" ",
    b"\t",
    b"  ",
    b"\xa0",
    b"\x85",
    b"\xc2\xa0",
    b"\xc2\x85",
    b"\xe1\x9a\x80",
    b"\xe2\x80\x83",
    b"\xe2\x80\x8b",
    b"\xe2\x80\xa8",
    b"\xe2\x81\x9f",
    b"\xe3\x80\x80",
    b"\xef\xbb\xbf",
];

/// The text with `with` in the place of every `what`.
pub(crate) fn replaced(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut new = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(what) {
            new.extend(with);
            rest = after;
        } else {
            new.push(*byte);
            rest = after;
        }
    }
    new
}

/// The text with `what` at a place.
pub(crate) fn inserted(text: &[u8], at: usize, what: &[u8]) -> Vec<u8> {
    [&text[..at], what, &text[at..]].concat()
}

/// The text with one byte of it, if it has any, in other words.
pub(crate) fn with_one(text: &[u8], chance: &mut Chance, other: impl Fn(u8) -> Vec<u8>) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    let at = chance.below(text.len());
    [&text[..at], &other(text[at]), &text[at + 1..]].concat()
}

/// `%41`.
pub(crate) fn percent(byte: u8) -> Vec<u8> {
    format!("%{byte:02x}").into_bytes()
}

/// As [`percent`], with a digit that is none where there is one for it: Jetty has 16 from `0` on.
pub(crate) fn percent_oddly(byte: u8) -> Vec<u8> {
    let digit = match byte & 15 {
        9 => b'@',
        low => b'0' + low,
    };
    let high = char::from(percent(byte)[1]);
    format!("%{high}{}", char::from(digit)).into_bytes()
}

/// `%2541`.
pub(crate) fn percent_twice(byte: u8) -> Vec<u8> {
    format!("%25{byte:02x}").into_bytes()
}

/// `\101`.
pub(crate) fn octal(byte: u8) -> Vec<u8> {
    format!("\\{byte:03o}").into_bytes()
}

/// The letter in its other case.
pub(crate) fn other_case(byte: u8) -> Vec<u8> {
    vec![if byte.is_ascii_lowercase() {
        byte.to_ascii_uppercase()
    } else {
        byte.to_ascii_lowercase()
    }]
}

/// One byte more, less, or other.
pub(crate) fn disturbed(text: &[u8], chance: &mut Chance, odd: &[&[u8]]) -> Vec<u8> {
    let at = chance.place(text);
    match chance.below(4) {
        0 if at < text.len() => [&text[..at], &text[at + 1..]].concat(),
        1 => with_one(text, chance, percent),
        2 => with_one(text, chance, other_case),
        _ => inserted(text, at, chance.pick(odd)),
    }
}

/// The same case with less in it: halves, quarters and so on down to single bytes taken out.
pub(crate) fn shorter(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    for (which, text) in case.texts.iter().enumerate() {
        let mut window = text.len();
        while window > 0 {
            // Of long texts not every place: they get shorter in steps.
            let step = if text.len() > 200 { window } else { 1 };
            for at in (0..=text.len() - window).step_by(step) {
                let mut less = case.clone();
                less.texts[which].drain(at..at + window);
                all.push(less);
            }
            window /= 2;
        }
    }
    all
}
