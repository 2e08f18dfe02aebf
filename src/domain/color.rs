//! A colour, and how far two of them stand out from each other (WCAG 2.2).

use std::fmt;

/// An opaque colour of sRGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Color([u8; 3]);

impl Color {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// From red, green and blue.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Reads `#rgb` or `#rrggbb`, and nothing else that CSS knows: what is read is written into the style sheet.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        // `from_str_radix` takes a sign as well.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = number.to_be_bytes();
        match digits.len() {
            // `#abc` is `#aabbcc`.
            3 => Some(Self([green % 16, blue / 16, blue % 16].map(|it| it * 17))),
            6 => Some(Self([red, green, blue])),
            _ => None,
        }
    }

    /// How far the two stand out from each other, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// This colour with as much of `other` in it, in percent.
    #[must_use]
    pub fn mixed(self, other: Self, percent: u8) -> Self {
        let share = u16::from(percent.min(100));
        let mix = |(own, other): (u8, u8)| {
            let sum = u16::from(own) * (100 - share) + u16::from(other) * share;
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        let ([r1, g1, b1], [r2, g2, b2]) = (self.0, other.0);
        Self([(r1, r2), (g1, g2), (b1, b2)].map(mix))
    }

    /// How bright it is, from 0 to 1 (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.040_45 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        Color::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_colour_is_three_or_six_hexadecimal_digits() {
        for (text, shown) in [
            ("#0b6660", "#0b6660"),
            ("#ABC", "#aabbcc"),
            ("#000", "#000000"),
            ("#fff", "#ffffff"),
        ] {
            assert_eq!(color(text).to_string(), shown, "{text}");
        }
        for text in [
            "",
            "#",
            "0b6660",
            "#12",
            "#1234",
            "#12345",
            "#1234567",
            "#12345678",
            "#+12345",
            "#ggg",
            "red",
            "rgb(0,0,0)",
            "#fff;}",
            " #fff",
            "#ff\u{ff}",
        ] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    /// Figures of the contrast checker of `webaim.org`, cut after two digits as it does.
    #[test]
    fn contrast_is_as_others_compute_it() {
        for (one, two, hundredths) in [
            ("#000", "#fff", 2100),
            ("#777", "#fff", 447),
            ("#767676", "#fff", 454),
            ("#f00", "#fff", 399),
            ("#00f", "#fff", 859),
            ("#123456", "#123456", 100),
        ] {
            let ratio = color(one).contrast(color(two));
            let wanted = f64::from(hundredths) / 100.0;
            assert!(
                (wanted..wanted + 0.01).contains(&ratio),
                "{one} {two}: {ratio}"
            );
            assert_eq!(ratio.to_bits(), color(two).contrast(color(one)).to_bits());
        }
    }

    #[test]
    fn a_mixture_goes_from_one_to_the_other() {
        let (one, two) = (color("#204060"), Color::WHITE);
        assert_eq!(one.mixed(two, 0), one);
        assert_eq!(one.mixed(two, 100), two);
        assert_eq!(one.mixed(two, 50), color("#90a0b0"));
        assert_eq!(one.mixed(two, 200), two);
    }
}
