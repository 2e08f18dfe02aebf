//! Paths into a file, such as `routes[1].level`, and the nodes they lead to.

use super::node::Node;
use std::collections::HashSet;
use std::fmt;

/// The way from the top of a file to a value, or to the name of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<PathStep>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathStep {
    Item(usize),
    Key(String),
    Name(String),
}

impl Path {
    /// The file's top.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The value of a field.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(PathStep::Key(key.to_owned()))
    }

    /// An item of a list, counted from 0.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.then(PathStep::Item(index))
    }

    /// The name of a field, rather than its value.
    #[must_use]
    pub fn name(&self, key: &str) -> Self {
        self.then(PathStep::Name(key.to_owned()))
    }

    fn then(&self, step: PathStep) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Self(steps)
    }
}

impl From<&str> for Path {
    /// Reads `routes[1].level`; for keys that hold a dot or a bracket use [`Path::key`].
    fn from(text: &str) -> Self {
        let mut steps = Vec::new();
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let mut pieces = part.split('[');
            let key = pieces.next().unwrap_or_default();
            if !key.is_empty() {
                steps.push(PathStep::Key(key.to_owned()));
            }
            let indices = pieces.filter_map(|piece| piece.strip_suffix(']')?.parse().ok());
            steps.extend(indices.map(PathStep::Item));
        }
        Self(steps)
    }
}

impl From<&Self> for Path {
    fn from(path: &Self) -> Self {
        path.clone()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Item(item) => write!(f, "[{item}]")?,
                PathStep::Key(key) | PathStep::Name(key) if index == 0 => f.write_str(key)?,
                PathStep::Key(key) | PathStep::Name(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// Follows a path as far as it goes. A field that is missing is reported where it should stand, at
/// the mapping that lacks it.
///
/// Items passed over while reading do not count: the indices are those of the value that was read.
pub(super) fn nearest<'n>(root: &'n Node, passed_over: &HashSet<u32>, path: &Path) -> &'n Node {
    follow(root, passed_over, path).unwrap_or_else(|stop| stop)
}

/// Follows a path to its end.
pub(super) fn exact<'n>(
    root: &'n Node,
    passed_over: &HashSet<u32>,
    path: &Path,
) -> Option<&'n Node> {
    follow(root, passed_over, path).ok()
}

fn follow<'n>(
    root: &'n Node,
    passed_over: &HashSet<u32>,
    path: &Path,
) -> Result<&'n Node, &'n Node> {
    path.0.iter().try_fold(root, |node, step| {
        let next = match step {
            PathStep::Item(index) => {
                let read = node.items().iter();
                let mut read = read.filter(|item| !passed_over.contains(&item.id));
                read.nth(*index)
            }
            PathStep::Key(key) => entry(node, key).map(|(_, value)| value),
            PathStep::Name(key) => entry(node, key).map(|(key, _)| key),
        };
        next.ok_or(node)
    })
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n (Node, Node)> {
    let mut entries = node.entries().iter();
    entries.find(|(name, _)| name.as_text() == Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::diagnostic::Position;
    use crate::yaml::tree;

    const TEXT: &str = "version: 1\nroutes:\n  - id: a\n    level: 3\n  - id: b\n    match: {methods: [GET, POST], x: &x 9}\n    level: *x\n";

    fn at(path: &str) -> String {
        let root = tree::parse(TEXT).unwrap();
        let node = nearest(&root, &HashSet::new(), &Path::from(path));
        tree::position(TEXT, node.id).unwrap().to_string()
    }

    #[test]
    fn a_path_leads_to_the_line_and_column_of_its_value() {
        assert_eq!(at("version"), "1:10");
        assert_eq!(at("routes"), "3:3");
        assert_eq!(at("routes[0]"), "3:5");
        assert_eq!(at("routes[0].level"), "4:12");
        assert_eq!(at("routes[1].match.methods[1]"), "6:28");
    }

    #[test]
    fn an_alias_leads_to_what_it_stands_for() {
        assert_eq!(at("routes[1].level"), "6:38");
    }

    #[test]
    fn a_missing_field_is_reported_at_the_mapping_that_lacks_it() {
        assert_eq!(at("routes[1].title"), "5:5");
        assert_eq!(at("routes[7].title"), "3:3");
    }

    #[test]
    fn a_name_is_a_place_of_its_own() {
        let root = tree::parse(TEXT).unwrap();
        let path = Path::root().key("routes").item(0).name("level");
        let node = exact(&root, &HashSet::new(), &path).unwrap();
        assert_eq!(tree::position(TEXT, node.id), Some(Position::new(4, 5)));
        assert_eq!(path.to_string(), "routes[0].level");
    }
}
