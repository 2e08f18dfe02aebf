//! Decimal digits of all scripts.

/// The zeros of all scripts but the Latin one (Unicode 14, `Nd`), each with its nine other digits behind it.
const ZEROS: &[char] = &[
    '\u{660}',
    '\u{6F0}',
    '\u{7C0}',
    '\u{966}',
    '\u{9E6}',
    '\u{A66}',
    '\u{AE6}',
    '\u{B66}',
    '\u{BE6}',
    '\u{C66}',
    '\u{CE6}',
    '\u{D66}',
    '\u{DE6}',
    '\u{E50}',
    '\u{ED0}',
    '\u{F20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17E0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19D0}',
    '\u{1A80}',
    '\u{1A90}',
    '\u{1B50}',
    '\u{1BB0}',
    '\u{1C40}',
    '\u{1C50}',
    '\u{A620}',
    '\u{A8D0}',
    '\u{A900}',
    '\u{A9D0}',
    '\u{A9F0}',
    '\u{AA50}',
    '\u{ABF0}',
    '\u{FF10}',
    '\u{104A0}',
    '\u{10D30}',
    '\u{10D40}',
    '\u{11066}',
    '\u{110F0}',
    '\u{11136}',
    '\u{111D0}',
    '\u{112F0}',
    '\u{11450}',
    '\u{114D0}',
    '\u{11650}',
    '\u{116C0}',
    '\u{116D0}',
    '\u{116DA}',
    '\u{11730}',
    '\u{118E0}',
    '\u{11950}',
    '\u{11BF0}',
    '\u{11C50}',
    '\u{11D50}',
    '\u{11DA0}',
    '\u{11F50}',
    '\u{16130}',
    '\u{16A60}',
    '\u{16AC0}',
    '\u{16B50}',
    '\u{16D70}',
    '\u{1CCF0}',
    '\u{1D7CE}',
    '\u{1D7D8}',
    '\u{1D7E2}',
    '\u{1D7EC}',
    '\u{1D7F6}',
    '\u{1E140}',
    '\u{1E2F0}',
    '\u{1E4F0}',
    '\u{1E5F1}',
    '\u{1E950}',
    '\u{1FBF0}',
];

/// The value of a digit that is not in ASCII.
pub(crate) fn digit_of(c: char) -> Option<u8> {
    // Zeros in their order; each is followed by its nine others.
    let zero = ZEROS.partition_point(|zero| *zero <= c).checked_sub(1)?;
    let distance = u32::from(c) - u32::from(*ZEROS.get(zero)?);
    u8::try_from(distance).ok().filter(|digit| *digit < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_of_unicode_has_its_value() {
        let digits = regex::Regex::new(r"^\p{Nd}$").unwrap();
        for c in '\u{80}'..=char::MAX {
            let is_digit = digits.is_match(c.encode_utf8(&mut [0; 4]));
            assert_eq!(digit_of(c).is_some(), is_digit, "{c:?}");
        }
        for (c, value) in [
            ('\u{660}', 0),
            ('\u{669}', 9),
            ('\u{FF15}', 5),
            ('\u{1FBF9}', 9),
        ] {
            assert_eq!(digit_of(c), Some(value), "{c:?}");
        }
        for c in ['\u{b2}', '\u{2460}', '\u{e9}', '\u{66A}'] {
            assert_eq!(digit_of(c), None, "{c:?}");
        }
    }
}
