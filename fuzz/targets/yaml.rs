//! YAML files: read, or every mistake pointed at within the file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (value, file) = stepgate::yaml::read::<serde_json::Value>("fuzz.yaml", bytes);
    let mistakes = file.has_mistakes();
    assert!(value.is_some() || mistakes, "nothing read and nothing said");
    let (errors, _) = file.finish();
    assert_eq!(mistakes, !errors.is_empty());
    let _ = errors.to_string();
});
