//! YAML files: read, or every mistake pointed at within the file.

pub(super) fn yaml(bytes: &[u8]) {
    let (value, file) = crate::yaml::read::<serde_json::Value>("fuzz.yaml", bytes);
    let mistakes = file.has_mistakes();
    assert!(value.is_some() || mistakes, "nothing read and nothing said");
    let (errors, _) = file.finish();
    assert_eq!(mistakes, !errors.is_empty());
    let _ = errors.to_string();
}
