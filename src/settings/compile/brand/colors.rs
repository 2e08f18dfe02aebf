//! The colours of the site: each stands out from what it stands on, or is refused with one that does.

use crate::domain::Color;
use crate::settings::compile::Draft;
use crate::settings::raw_brand::{RawColors, RawPalette};
use crate::web::pages::{Palette, Scheme, Tone};
use crate::yaml::{Path, clip};
use std::collections::{BTreeMap, BTreeSet};

/// The rules of style that put them in place of ours.
pub(super) fn compile(raw: Option<&RawColors>, at: &Path, draft: &mut Draft<'_>) -> String {
    let Some(raw) = raw else {
        return String::new();
    };
    let light_at = at.key("light");
    let dark_at = at.key("dark");
    let light = palette(Scheme::Light, raw.light.as_ref(), &light_at, draft);
    let dark = palette(Scheme::Dark, raw.dark.as_ref(), &dark_at, draft);
    refuse_low_contrasts(&light, &light_at, draft);
    refuse_low_contrasts(&dark, &dark_at, draft);
    // One accent is enough; the other scheme has it as light or as dark as it must be.
    let light = light.with_accent_of(&dark);
    let dark = dark.with_accent_of(&light);
    format!("{light}{dark}")
}

fn palette(scheme: Scheme, raw: Option<&RawPalette>, at: &Path, draft: &mut Draft<'_>) -> Palette {
    let default = RawPalette::default();
    let raw = raw.unwrap_or(&default);
    let mut chosen = BTreeMap::new();
    for (written, tone) in [
        (&raw.accent, Tone::Accent),
        (&raw.on_accent, Tone::OnAccent),
        (&raw.background, Tone::Ground),
        (&raw.surface, Tone::Sheet),
        (&raw.text, Tone::Ink),
        (&raw.soft_text, Tone::Soft),
    ] {
        let Some(text) = written else { continue };
        let color = Color::parse(text);
        if color.is_none() {
            let message = format!("`{}` is no colour", clip(text));
            let hint = "`#rgb` or `#rrggbb` in quotes, such as `'#0b6660'`";
            draft
                .file
                .report_with_hint(at.key(field(tone)), message, hint);
        }
        chosen.extend(color.map(|color| (tone, color)));
    }
    Palette::new(scheme, chosen)
}

/// Reports each chosen colour once, though it may lack on several others.
fn refuse_low_contrasts(palette: &Palette, at: &Path, draft: &mut Draft<'_>) {
    let mut reported = BTreeSet::new();
    for low in palette.low_contrasts() {
        if !reported.insert(low.due_to) {
            continue;
        }
        let (front, back) = (low.front, low.back);
        // Cut, not rounded: 4.499 is not 4.5.
        let ratio = (low.ratio * 100.0).floor() / 100.0;
        let message = format!(
            "{} `{}` on {} `{}` has a contrast of {ratio:.2}:1, and {}:1 is needed (WCAG 2.2)",
            field(front.0),
            front.1,
            field(back.0),
            back.1,
            low.wanted,
        );
        // It is tried with all that follows from it, so that one change is enough.
        let hint = match palette.nearest(low.due_to) {
            Some(near) => format!("`{near}` is the nearest that stands out everywhere"),
            None => "no shade of it does beside the other colours: change those as well".to_owned(),
        };
        let at = at.key(field(low.due_to));
        draft.file.report_with_hint(at, message, hint);
    }
}

/// What a colour is called in the settings, and those that follow from them in messages.
const fn field(tone: Tone) -> &'static str {
    match tone {
        Tone::Accent => "accent",
        Tone::AccentHover => "accent under the pointer",
        Tone::Bad => "the colour of errors",
        Tone::BadTint => "the ground of errors",
        Tone::Field => "the border of fields",
        Tone::Good => "the colour of success",
        Tone::Ground => "background",
        Tone::Ink => "text",
        Tone::Line => "a line",
        Tone::OnAccent => "on_accent",
        Tone::Sheet => "surface",
        Tone::Soft => "soft_text",
        Tone::Tint => "the tint of accent",
    }
}
