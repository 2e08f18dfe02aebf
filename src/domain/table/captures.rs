//! What a path holds for the placeholders of a route.

/// The values of a route's placeholders, or of the named groups of its regex.
///
/// Every reading that matches adds its own, so that a value shown to a person, or bound to a grant,
/// is never only one of several that the application may take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures {
    values: Vec<(Box<str>, String)>,
}

impl Captures {
    /// All values of one placeholder; those of the bytes as they came are the first.
    pub fn values<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c str> {
        self.values
            .iter()
            .filter(move |(known, _)| **known == *name)
            .map(|(_, value)| &**value)
    }

    /// Whether the values are of a match at all, and keeps them.
    pub(super) fn add<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str>,
        values: Option<Vec<&str>>,
    ) -> bool {
        self.add_groups(values.map(|values| names.zip(values).collect()))
    }

    pub(super) fn add_groups(&mut self, groups: Option<Vec<(&str, &str)>>) -> bool {
        let matched = groups.is_some();
        for (name, value) in groups.into_iter().flatten() {
            if !self.values(name).any(|known| known == value) {
                self.values.push((name.into(), value.to_owned()));
            }
        }
        matched
    }
}
