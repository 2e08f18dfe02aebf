//! The corpus, and variations of it.

use super::TARGETS;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// One change of an input: bytes at a place replaced by others.
type Edit = (Index, u8, Vec<u8>);

#[test]
fn every_target_holds_for_its_corpus_and_for_variations_of_it() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        for input in &corpus {
            target(input);
        }
        let edits = prop::collection::vec(any::<Edit>(), 1..6);
        let inputs =
            (prop::sample::select(corpus), edits).prop_map(|(input, edits)| edited(input, edits));
        let run = TestRunner::new(Config::with_cases(2048)).run(&inputs, |input| {
            target(&input);
            Ok(())
        });
        run.unwrap_or_else(|failed| panic!("{name}: {failed}"));
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect()
}

fn edited(mut input: Vec<u8>, edits: Vec<Edit>) -> Vec<u8> {
    for (place, length, by) in edits {
        let start = place.index(input.len() + 1);
        let end = input.len().min(start + usize::from(length % 8));
        input.splice(start..end, by.into_iter().take(8));
    }
    input
}
