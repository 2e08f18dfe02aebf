//! Words as they are shown in messages, and the known word that was probably meant.

use strsim::osa_distance;

/// Shortens a text for a message.
pub fn clip(text: &str) -> String {
    let mut chars = text.chars();
    let mut short: String = chars.by_ref().take(MAX_SHOWN).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// Finds the known word that `word` is probably a misspelling of.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word: String = word.to_lowercase().chars().take(MAX_SHOWN).collect();
    // Letters that are changed, added, dropped, or swapped with their neighbor.
    let distance = |known: &str| osa_distance(&word, &known.to_lowercase());
    let scored = known.iter().map(|known| (distance(known), *known));
    scored
        .filter(|(distance, known)| {
            *distance * 3 <= known.chars().count().max(word.chars().count())
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Names the closest known word, or all of them if none is close.
pub fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// How much of a value a message shows.
const MAX_SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_word_that_was_meant() {
        let known = ["max_age", "methods", "match", "level"];
        assert_eq!(nearest("maxage", &known), Some("max_age"));
        assert_eq!(nearest("metohds", &known), Some("methods"));
        assert_eq!(nearest("Level", &known), Some("level"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("", &known), None);
    }

    #[test]
    fn a_long_value_is_clipped() {
        assert_eq!(clip(&"é".repeat(500)).chars().count(), MAX_SHOWN + 1);
    }
}
