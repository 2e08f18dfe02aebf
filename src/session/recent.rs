//! The callers of the last lines with credentials, so that a client's next request costs no hashing.
//!
//! A thread's own, and bounded. What a line means never changes while the process runs: it depends
//! on the line, the settings and the keys alone. What the session it names may do is asked anew
//! each time.

use super::Caller;
use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use zeroize::Zeroize;

/// The lines that were read last. Two generations: when the young one is full, it becomes
/// the old one, and whoever was not seen since is forgotten.
#[derive(Default)]
pub struct Recent {
    generations: RefCell<(Generation, Generation)>,
}

type Generation = HashMap<Line, Caller>;

/// How many lines a generation holds, and how long a line may be: a few megabytes at the most.
const MOST_LINES: usize = 1024;
const LONGEST_LINE: usize = 2048;

/// A line of cookies, or that with one of `Authorization`; wiped when it is forgotten. The table hashes it under a random key of its own, so
/// that only who sends the very line is compared with it to the end.
#[derive(PartialEq, Eq, Hash)]
struct Line(Box<[u8]>);

impl Borrow<[u8]> for Line {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Recent {
    /// What `line` says, if it was read lately.
    pub fn find(&self, line: &[u8]) -> Option<Caller> {
        let (young, old) = &mut *self.generations.borrow_mut();
        if let Some(known) = young.get(line) {
            return Some(known.clone());
        }
        let (line, known) = old.remove_entry(line)?;
        keep(young, old, line, known.clone());
        Some(known)
    }

    /// Notes what `line` says.
    pub fn note(&self, line: &[u8], said: Caller) {
        if line.len() <= LONGEST_LINE {
            let (young, old) = &mut *self.generations.borrow_mut();
            keep(young, old, Line(line.into()), said);
        }
    }
}

fn keep(young: &mut Generation, old: &mut Generation, line: Line, said: Caller) {
    if young.len() >= MOST_LINES {
        std::mem::swap(young, old);
        young.clear();
    }
    young.insert(line, said);
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recent([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SessionId;

    fn said(byte: u8) -> Caller {
        Caller {
            session: Some(SessionId::new([byte; 32])),
            ..Caller::default()
        }
    }

    #[test]
    fn a_line_is_known_by_all_its_bytes() {
        let recent = Recent::default();
        recent.note(b"s=1", said(1));
        recent.note(b"s=2", said(2));
        assert_eq!(recent.find(b"s=1"), Some(said(1)));
        assert_eq!(recent.find(b"s=2"), Some(said(2)));
        assert_eq!(recent.find(b"s=12"), None);
    }

    #[test]
    fn who_comes_again_stays_and_the_others_are_forgotten() {
        let recent = Recent::default();
        recent.note(b"regular", said(1));
        recent.note(b"once", said(2));
        for visitor in 0..4 * MOST_LINES {
            recent.note(format!("s={visitor}").as_bytes(), said(3));
            assert_eq!(recent.find(b"regular"), Some(said(1)));
        }
        assert_eq!(recent.find(b"once"), None);
        let (young, old) = &*recent.generations.borrow();
        assert!(young.len() + old.len() <= 2 * MOST_LINES);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let recent = Recent::default();
        let line = vec![b'a'; LONGEST_LINE + 1];
        recent.note(&line, said(1));
        assert_eq!(recent.find(&line), None);
    }
}
