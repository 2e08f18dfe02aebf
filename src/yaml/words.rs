//! Words as they are shown in messages, and the known word that was probably meant.

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
    let word: Vec<char> = word.to_lowercase().chars().take(MAX_SHOWN).collect();
    let scored = known.iter().map(|known| (distance(&word, known), *known));
    scored
        .filter(|(distance, known)| *distance * 3 <= known.chars().count().max(word.len()))
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

/// How many letters must be changed, added, dropped or swapped with their neighbor.
fn distance(word: &[char], known: &str) -> usize {
    let mut rows = [Vec::new(), (0..=word.len()).collect::<Vec<usize>>()];
    let mut before = None;
    for (line, letter) in known.to_lowercase().chars().enumerate() {
        let [older, last] = &rows;
        let mut row = vec![line + 1];
        for (index, own) in word.iter().enumerate() {
            let cell =
                |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = cell(last, index) + usize::from(*own != letter);
            let shorter = cell(last, index + 1).min(cell(&row, index)) + 1;
            let swapped = match index.checked_sub(1) {
                Some(left) if word.get(left) == Some(&letter) && Some(*own) == before => {
                    cell(older, left) + 1
                }
                _ => usize::MAX,
            };
            row.push(changed.min(shorter).min(swapped));
        }
        before = Some(letter);
        let [_, last] = rows;
        rows = [last, row];
    }
    let [_, last] = rows;
    last.last().copied().unwrap_or(0)
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
