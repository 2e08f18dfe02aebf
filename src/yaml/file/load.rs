//! From the bytes of a file to its values.

use super::{File, MAX_BYTES};
use crate::yaml::diagnostic::{Position, Severity};
use crate::yaml::node::Node;
use crate::yaml::reader::NodeReader;
use crate::yaml::tree;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

impl File {
    pub(super) fn load(&mut self, bytes: &[u8]) -> Option<Node> {
        if bytes.len() > MAX_BYTES {
            self.refuse(None, format!("larger than {} KiB", MAX_BYTES / 1024), None);
            return None;
        }
        // YAML 1.2.2 §5.2: a byte order mark is no content. Some editors begin a file with it.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => text.clone_into(&mut self.text),
            Err(error) => {
                let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let position = end_of(&String::from_utf8_lossy(sound));
                let is_utf_16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
                let hint = is_utf_16.then(|| "this is UTF-16; save the file as UTF-8".to_owned());
                self.refuse(Some(position), "not UTF-8".to_owned(), hint);
                return None;
            }
        }
        match tree::parse(&self.text) {
            Ok(root) => Some(root),
            Err(fault) => {
                let hint = fault.hint.map(str::to_owned);
                self.refuse(fault.position, fault.message, hint);
                None
            }
        }
    }

    /// YAML 1.2.2 §3.2.1.3: keys are unique. Which of two values is meant is ambiguous.
    pub(super) fn refuse_doubled_keys(&mut self, node: &Node) {
        let mut seen = HashMap::new();
        for (key, value) in node.entries() {
            if let Some(first) = key.as_text().and_then(|name| seen.insert(name, key.id)) {
                let first = self.position(Severity::Error, first);
                let hint = first.map(|first| format!("first given at {first}"));
                let position = self.position(Severity::Error, key.id);
                self.refuse(position, format!("{key} is given twice"), hint);
                self.faulty.insert(key.id);
            }
            self.refuse_doubled_keys(value);
        }
        for item in node.items() {
            self.refuse_doubled_keys(item);
        }
    }

    /// Reads again after each fault, passing over the faulty node, until all else reads.
    pub(super) fn read_all<T: DeserializeOwned>(&mut self, root: &Node) -> Option<T> {
        loop {
            let fault = match T::deserialize(NodeReader {
                node: root,
                passed_over: &self.faulty,
            }) {
                Ok(value) => return Some(value),
                Err(fault) => fault,
            };
            let id = fault.id.unwrap_or(root.id);
            self.record(root, id, fault);
            let is_new = self.faulty.insert(id);
            // Nothing is left to pass over, or nothing more would be shown.
            if id == root.id || !is_new || self.mistakes.more > 0 {
                return None;
            }
        }
    }
}

fn end_of(text: &str) -> Position {
    let line = text.split('\n').count();
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position::new(line, last.chars().count() + 1)
}
