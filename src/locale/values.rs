//! What a text may hold: `{values}`, and plurals. The build script reads this file too, so that a text of the settings is
//! held to what the texts of `locales/` are held to.

use icu_plurals::PluralCategory;

/// Plurals that stand for one number each, in whose texts it may be a word.
const EXACT: [&str; 3] = ["zero", "one", "two"];

/// The values that a text holds, in the order in which they first stand.
pub(crate) fn values(text: &str) -> Vec<&str> {
    let mut values = Vec::new();
    for value in text
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
    {
        if !values.contains(&value.0) {
            values.push(value.0);
        }
    }
    values
}

/// Why a text cannot be one, whatever it is for.
pub(crate) fn malformed(text: &str) -> Option<&'static str> {
    let is_sound = |rest: &str| {
        rest.split_once('}').is_some_and(|(name, after)| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|char| char.is_ascii_lowercase() || char == '_')
                && !after.contains('}')
        })
    };
    match text.split_once('{') {
        _ if text.trim().is_empty() => Some("is empty"),
        None if text.contains('}') => Some("`}` without `{`"),
        Some((before, _)) if before.contains('}') || !text.split('{').skip(1).all(is_sound) => {
            Some("expected values as `{name}`, in small letters")
        }
        _ => None,
    }
}

/// What is wrong with the values of a text, held against another of the same meaning. In the `plural` of one number, `n`
/// may be a word.
pub(crate) fn differing(own: &str, reference: &str, plural: &str) -> Option<String> {
    let (mut own, mut wanted) = (values(own), values(reference));
    if EXACT.contains(&plural) {
        own.retain(|value| *value != "n");
        wanted.retain(|value| *value != "n");
    }
    own.sort_unstable();
    wanted.sort_unstable();
    let braced = |values: &[&str]| match values {
        [] => "none".to_owned(),
        values => values
            .iter()
            .map(|value| format!("{{{value}}}"))
            .collect::<Vec<_>>()
            .join(" "),
    };
    (own != wanted).then(|| {
        format!(
            "holds the values {}, expected {}",
            braced(&own),
            braced(&wanted)
        )
    })
}

/// What a plural is called, after Unicode CLDR.
pub(crate) const fn word(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}
