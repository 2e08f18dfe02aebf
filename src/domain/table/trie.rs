//! The index: a tree over the segments of all templates, so that cost hardly grows with routes.

use crate::domain::path::{TemplateSegment, after_empty, fold_into, pieces};
use std::collections::HashMap;

/// A tree of folded segments; each node tells which routes end there.
#[derive(Debug)]
pub(super) struct Trie {
    // Nodes name each other by their place here; the first is the root.
    nodes: Vec<TrieNode>,
}

#[derive(Debug, Default)]
struct TrieNode {
    literals: HashMap<Box<str>, usize>,
    param: Option<usize>,
    ends: Vec<usize>,
    tails: Vec<usize>,
}

impl Trie {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![TrieNode::default()],
        }
    }

    /// Files `route` under one form of its template.
    pub(super) fn insert(&mut self, form: &str, route: usize) {
        let mut at = 0;
        for piece in pieces(form) {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                return;
            };
            at = match piece {
                TemplateSegment::Literal(text) => *node.literals.entry(text.into()).or_insert(next),
                TemplateSegment::Param => *node.param.get_or_insert(next),
                TemplateSegment::Tail => return push_once(&mut node.tails, route),
            };
            if at == next {
                self.nodes.push(TrieNode::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            push_once(&mut node.ends, route);
        }
    }

    /// Visits every route that one reading may belong to, no deeper than the longest template. Letter case
    /// does not count, nor do empty segments, unless a placeholder stands where one is followed by another
    /// segment: there both ways are gone.
    pub(super) fn for_each_match(&self, reading: &str, found: &mut impl FnMut(usize)) {
        self.match_below(0, reading, found);
    }

    fn match_below(&self, node: usize, rest: &str, found: &mut impl FnMut(usize)) {
        let Some(node) = self.nodes.get(node) else {
            return;
        };
        node.tails.iter().for_each(|route| found(*route));
        if let (Some(next), Some(after)) = (node.param, after_empty(rest)) {
            self.match_below(next, after, found);
        }
        let rest = rest.trim_start_matches('/');
        if rest.is_empty() {
            return node.ends.iter().for_each(|route| found(*route));
        }
        let (segment, rest) = rest
            .find('/')
            .map_or((rest, ""), |slash| rest.split_at(slash));
        if !node.literals.is_empty()
            && let Some(next) = node.literals.get(&*fold_into(segment, &mut [0; 64]))
        {
            self.match_below(*next, rest, found);
        }
        if let Some(next) = node.param {
            self.match_below(next, rest, found);
        }
    }
}

fn push_once(routes: &mut Vec<usize>, route: usize) {
    // The forms of one route are inserted one after the other.
    if routes.last() != Some(&route) {
        routes.push(route);
    }
}
