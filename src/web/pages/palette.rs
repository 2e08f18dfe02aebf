//! The colours of the pages, those of an operator among them, and which stand on which.

use super::STYLE;
use crate::domain::Color;
use std::collections::BTreeMap;
use std::fmt;

/// What a colour is for: a variable of the style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// What can be pressed, and what is pointed out.
    Accent,
    /// The same, under the pointer.
    AccentHover,
    /// Errors, and what destroys.
    Bad,
    /// Behind an error.
    BadTint,
    /// The border of a field.
    Field,
    /// What succeeded.
    Good,
    /// Behind the sheet.
    Ground,
    /// Text.
    Ink,
    /// Between two rows.
    Line,
    /// Text on what can be pressed.
    OnAccent,
    /// Behind all that is read.
    Sheet,
    /// Text of less weight.
    Soft,
    /// Behind what is pointed out.
    Tint,
}

/// Light or dark, as the person has set their device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// All colours of one scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    scheme: Scheme,
    /// Those that were chosen.
    chosen: BTreeMap<Tone, Color>,
    all: BTreeMap<Tone, Color>,
}

/// Two colours of which one stands on the other and does not stand out enough.
#[derive(Clone, Copy, Debug)]
pub struct LowContrast {
    /// Which of the chosen colours it is due to.
    pub due_to: Tone,
    /// What stands in front.
    pub front: (Tone, Color),
    /// What it stands on.
    pub back: (Tone, Color),
    /// How far they stand out, as a WCAG contrast ratio.
    pub ratio: f64,
    /// How far they must.
    pub wanted: f64,
}

/// WCAG 2.2, 1.4.3: text.
const TEXT: f64 = 4.5;
/// WCAG 2.2, 1.4.11: borders of fields, and the outline of what has the focus.
const CONTROL: f64 = 3.0;

/// What stands on what in the style sheet.
const PAIRS: &[(Tone, Tone, f64)] = &[
    (Tone::Ink, Tone::Sheet, TEXT),
    (Tone::Ink, Tone::Ground, TEXT),
    (Tone::Ink, Tone::Tint, TEXT),
    (Tone::Soft, Tone::Sheet, TEXT),
    (Tone::Soft, Tone::Ground, TEXT),
    (Tone::Accent, Tone::Sheet, TEXT),
    (Tone::Accent, Tone::Tint, TEXT),
    (Tone::AccentHover, Tone::Sheet, TEXT),
    (Tone::OnAccent, Tone::Accent, TEXT),
    (Tone::OnAccent, Tone::AccentHover, TEXT),
    (Tone::Bad, Tone::Sheet, TEXT),
    (Tone::Bad, Tone::BadTint, TEXT),
    (Tone::Good, Tone::Sheet, TEXT),
    (Tone::Field, Tone::Sheet, CONTROL),
    (Tone::Accent, Tone::Ground, CONTROL),
];

impl Palette {
    /// Our own colours, some of them replaced; those that follow from others are made anew.
    pub fn new(scheme: Scheme, chosen: BTreeMap<Tone, Color>) -> Self {
        let mut palette = Self {
            scheme,
            all: scheme.own(),
            chosen: BTreeMap::new(),
        };
        // Nothing is made anew where nothing was chosen: our own are as the style sheet has them.
        if !chosen.is_empty() {
            palette.all.extend(&chosen);
            palette.chosen = chosen;
            palette.derive();
        }
        palette
    }

    /// With an accent that was chosen for the other scheme: lighter or darker, as far as it must be.
    #[must_use]
    pub fn with_accent_of(self, other: &Self) -> Self {
        match other.chosen.get(&Tone::Accent) {
            Some(accent) if !self.chosen.contains_key(&Tone::Accent) => {
                let with = |accent| self.replacing(Tone::Accent, accent);
                let usual = with(*accent);
                if usual.is_due_to(Tone::Accent) {
                    usual.nearest(Tone::Accent).map_or(self.clone(), with)
                } else {
                    usual
                }
            }
            _ => self,
        }
    }

    /// What does not stand out enough.
    pub fn low_contrasts(&self) -> impl Iterator<Item = LowContrast> + '_ {
        PAIRS.iter().filter_map(|(front, back, wanted)| {
            let (front, back) = ((*front, self.of(*front)), (*back, self.of(*back)));
            let ratio = front.1.contrast(back.1);
            (ratio < *wanted).then(|| LowContrast {
                due_to: self.origin(front.0, back.0),
                front,
                back,
                ratio,
                wanted: *wanted,
            })
        })
    }

    /// The colour that is most like the chosen one and stands out enough wherever it is used.
    pub fn nearest(&self, tone: Tone) -> Option<Color> {
        let chosen = self.of(tone);
        // Only darker and lighter ones: a brand's colour stays its colour.
        let shares = (1..=100)
            .flat_map(|share| [Color::BLACK, Color::WHITE].map(|end| chosen.mixed(end, share)));
        let mut found = shares.filter(|color| !self.replacing(tone, *color).is_due_to(tone));
        found.next()
    }

    fn replacing(&self, tone: Tone, color: Color) -> Self {
        let mut chosen = self.chosen.clone();
        chosen.insert(tone, color);
        Self::new(self.scheme, chosen)
    }

    fn is_due_to(&self, tone: Tone) -> bool {
        self.low_contrasts().any(|low| low.due_to == tone)
    }

    fn of(&self, tone: Tone) -> Color {
        self.all.get(&tone).copied().unwrap_or_default()
    }

    /// Which chosen colour is in the pair, or what it was made of.
    fn origin(&self, front: Tone, back: Tone) -> Tone {
        // What stands in front is named first: a text is changed more easily than what it stands on.
        let made_of = |tone: Tone| std::iter::once(tone).chain(tone.made_of().iter().copied());
        let mut chain = made_of(front).chain(made_of(back));
        let found = chain.find(|tone| self.chosen.contains_key(tone));
        found.unwrap_or(front)
    }

    /// Makes what was not chosen and follows from what was.
    fn derive(&mut self) {
        let chosen = self.chosen.clone();
        let follows = |tone: Tone| {
            let is_made_anew = tone.made_of().iter().any(|it| chosen.contains_key(it));
            is_made_anew && !chosen.contains_key(&tone)
        };
        for tone in DERIVED.iter().copied().filter(|tone| follows(*tone)) {
            let color = self.derived(tone);
            self.all.insert(tone, color);
        }
    }

    fn derived(&self, tone: Tone) -> Color {
        let (sheet, ink, accent) = (
            self.of(Tone::Sheet),
            self.of(Tone::Ink),
            self.of(Tone::Accent),
        );
        let on = |front: Color, back: Color, wanted: f64| front.contrast(back) >= wanted;
        match tone {
            // One of the two always stands out.
            Tone::OnAccent if on(Color::WHITE, accent, TEXT) => Color::WHITE,
            Tone::OnAccent => Color::BLACK,
            Tone::AccentHover => {
                // Away from the text on it.
                let (text, black, white) = (self.of(Tone::OnAccent), Color::BLACK, Color::WHITE);
                let is_light = text.contrast(black) > text.contrast(white);
                accent.mixed(if is_light { black } else { white }, 25)
            }
            // As much of the colour as leaves it readable on it; none, if need be.
            Tone::Tint => {
                let mut tints = (0..=10).rev().map(|share| sheet.mixed(accent, share));
                let is_read = |tint: &Color| on(accent, *tint, TEXT) && on(ink, *tint, TEXT);
                tints.find(is_read).unwrap_or(sheet)
            }
            Tone::BadTint => {
                let bad = self.of(Tone::Bad);
                let mut tints = (0..=10).rev().map(|share| sheet.mixed(bad, share));
                tints.find(|tint| on(bad, *tint, TEXT)).unwrap_or(sheet)
            }
            Tone::Soft => {
                let ground = self.of(Tone::Ground);
                let mut inks = (60..100).map(|share| sheet.mixed(ink, share));
                let is_read = |soft: &Color| on(*soft, sheet, TEXT) && on(*soft, ground, TEXT);
                inks.find(is_read).unwrap_or(ink)
            }
            Tone::Field => {
                let mut inks = (45..100).map(|share| sheet.mixed(ink, share));
                inks.find(|field| on(*field, sheet, CONTROL)).unwrap_or(ink)
            }
            Tone::Line => sheet.mixed(ink, 18),
            Tone::Accent | Tone::Bad | Tone::Good | Tone::Ground | Tone::Ink | Tone::Sheet => {
                self.of(tone)
            }
        }
    }
}

/// The rules that replace our own colours; empty if none is replaced.
impl fmt::Display for Palette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.scheme.own();
        let replaced = self.all.iter();
        let replaced = replaced.filter(|(tone, color)| own.get(tone) != Some(*color));
        let mut replaced = replaced.peekable();
        if replaced.peek().is_none() {
            return Ok(());
        }
        // Under a query for either scheme: no rule for one of them stands in the way of the other.
        let scheme = match self.scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        write!(f, "@media (prefers-color-scheme: {scheme}) {{ :root {{")?;
        for (tone, color) in replaced {
            write!(f, " --{}: {color};", tone.variable())?;
        }
        writeln!(f, " }} }}")
    }
}

/// What follows from others, each after what it is made of.
const DERIVED: &[Tone] = &[
    Tone::OnAccent,
    Tone::AccentHover,
    Tone::Tint,
    Tone::BadTint,
    Tone::Soft,
    Tone::Field,
    Tone::Line,
];

impl Tone {
    const ALL: &[Self] = &[
        Self::Accent,
        Self::AccentHover,
        Self::Bad,
        Self::BadTint,
        Self::Field,
        Self::Good,
        Self::Ground,
        Self::Ink,
        Self::Line,
        Self::OnAccent,
        Self::Sheet,
        Self::Soft,
        Self::Tint,
    ];

    /// Its name in the style sheet, without `--`.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Accent => "accent",
            Self::AccentHover => "accent-hover",
            Self::Bad => "bad",
            Self::BadTint => "bad-tint",
            Self::Field => "field",
            Self::Good => "good",
            Self::Ground => "ground",
            Self::Ink => "ink",
            Self::Line => "line",
            Self::OnAccent => "on-accent",
            Self::Sheet => "sheet",
            Self::Soft => "soft",
            Self::Tint => "tint",
        }
    }

    /// What it is made of, where it was not chosen itself.
    const fn made_of(self) -> &'static [Self] {
        match self {
            Self::OnAccent => &[Self::Accent],
            Self::AccentHover => &[Self::Accent, Self::OnAccent],
            Self::Tint => &[Self::Accent, Self::Sheet, Self::Ink],
            Self::BadTint => &[Self::Sheet],
            Self::Soft => &[Self::Ink, Self::Sheet, Self::Ground],
            Self::Field | Self::Line => &[Self::Ink, Self::Sheet],
            Self::Accent | Self::Bad | Self::Good | Self::Ground | Self::Ink | Self::Sheet => &[],
        }
    }
}

impl Scheme {
    /// Our own colours. The style sheet has them, those for light first.
    fn own(self) -> BTreeMap<Tone, Color> {
        let place = match self {
            Self::Light => 1,
            Self::Dark => 2,
        };
        let color = |tone: &Tone| {
            let declaration = format!("  --{}: ", tone.variable());
            let value = STYLE.split(&declaration).nth(place)?;
            Some((*tone, Color::parse(value.get(..7)?)?))
        };
        Tone::ALL.iter().filter_map(color).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette(scheme: Scheme, chosen: &[(Tone, &str)]) -> Palette {
        let chosen = chosen.iter();
        let chosen = chosen.map(|(tone, text)| (*tone, Color::parse(text).unwrap()));
        Palette::new(scheme, chosen.collect())
    }

    #[test]
    fn our_own_colours_stand_out_and_replace_nothing() {
        for scheme in [Scheme::Light, Scheme::Dark] {
            let own = palette(scheme, &[]);
            assert_eq!(own.all.len(), Tone::ALL.len());
            assert_eq!(
                own.low_contrasts().map(|low| (low.front, low.back)).next(),
                None
            );
            assert_eq!(own.to_string(), "");
        }
        let ink = palette(Scheme::Dark, &[]).of(Tone::Ink);
        assert_eq!(ink, Color::parse("#e7edf1").unwrap());
    }

    #[test]
    fn what_the_style_sheet_puts_on_each_other_is_looked_at() {
        let variable = |rule: &str, property: &str| {
            let mut declarations = rule.split([';', '{']).map(str::trim);
            let value = declarations.find_map(|it| it.strip_prefix(property))?;
            let name = value.split_once("var(--")?.1.split_once(')')?.0;
            Tone::ALL
                .iter()
                .copied()
                .find(|tone| tone.variable() == name)
        };
        let mut seen = 0;
        for rule in STYLE.split('}') {
            let front = variable(rule, "color:");
            let back = variable(rule, "background:");
            if let (Some(front), Some(back)) = (front, back) {
                let is_known = |(one, two, _): &&(Tone, Tone, f64)| {
                    // The ratio is the same either way round.
                    (*one, *two) == (front, back) || (*one, *two) == (back, front)
                };
                assert!(PAIRS.iter().any(|pair| is_known(&pair)), "{rule}");
                seen += 1;
            }
        }
        assert!(seen >= 8, "{seen}");
    }

    #[test]
    fn what_follows_from_an_accent_is_read_as_well() {
        for accent in [
            "#7a1f5c", "#0000ee", "#a02000", "#556b2f", "#000000", "#6e6e6e",
        ] {
            let light = palette(Scheme::Light, &[(Tone::Accent, accent)]);
            let low: Vec<_> = light.low_contrasts().collect();
            assert!(low.is_empty(), "{accent}: {low:?}");
            let dark = palette(Scheme::Dark, &[]).with_accent_of(&light);
            let low: Vec<_> = dark.low_contrasts().collect();
            assert!(low.is_empty(), "{accent}: {low:?}");
            assert_ne!(dark.of(Tone::Accent), light.of(Tone::Accent), "{accent}");
        }
        let light = palette(Scheme::Light, &[(Tone::Accent, "#7a1f5c")]);
        let rules = light.to_string();
        assert!(
            rules.starts_with(
                "@media (prefers-color-scheme: light) { :root { --accent: #7a1f5c; --accent-hover: "
            ),
            "{rules}"
        );
        assert!(!rules.contains("--ink"), "{rules}");
        // It was chosen for itself.
        let dark = palette(Scheme::Dark, &[(Tone::Accent, "#ffd0e8")]).with_accent_of(&light);
        assert_eq!(dark.of(Tone::Accent), Color::parse("#ffd0e8").unwrap());
    }

    #[test]
    fn a_colour_that_does_not_stand_out_has_a_neighbour_that_does() {
        for (scheme, tone, color) in [
            (Scheme::Light, Tone::Accent, "#ffcc00"),
            (Scheme::Light, Tone::Accent, "#f0f0f0"),
            (Scheme::Dark, Tone::Accent, "#203040"),
            (Scheme::Light, Tone::Ink, "#aaaaaa"),
            (Scheme::Light, Tone::OnAccent, "#0a5550"),
            (Scheme::Dark, Tone::Soft, "#444444"),
            (Scheme::Light, Tone::Sheet, "#808080"),
        ] {
            let poor = palette(scheme, &[(tone, color)]);
            let low = poor.low_contrasts().next();
            let low = low.unwrap_or_else(|| panic!("{color}"));
            assert_eq!(low.due_to, tone, "{color}");
            assert!(low.ratio < low.wanted && low.ratio >= 1.0, "{low:?}");
            let near = poor.nearest(tone).unwrap_or_else(|| panic!("{color}"));
            let better = poor.replacing(tone, near);
            assert_eq!(better.low_contrasts().count(), 0, "{color}: {near}");
        }
    }

    #[test]
    fn two_colours_that_were_chosen_are_held_against_each_other() {
        let chosen = [(Tone::Sheet, "#111111"), (Tone::Ink, "#222222")];
        let poor = palette(Scheme::Light, &chosen);
        let low = poor.low_contrasts().next().unwrap();
        assert_eq!(
            (low.front.0, low.back.0, low.due_to),
            (Tone::Ink, Tone::Sheet, Tone::Ink)
        );
    }
}
