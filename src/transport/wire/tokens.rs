//! Which bytes a header may be made of.

/// RFC 9110 §5.6.2: what methods and header names are made of.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_!#$%&'*+.^`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_token)
}

/// RFC 9110 §5.5: no control characters but the tab. Without an early end, so that it is fast.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: u8| matches!(byte, 0..=8 | 10..=31 | 127);
    !bytes
        .iter()
        .fold(false, |found, byte| found | is_control(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_those_of_the_types_we_parse_into() {
        for byte in 0..=u8::MAX {
            let name = http::HeaderName::from_bytes(&[byte]);
            let method = http::Method::from_bytes(&[byte]);
            assert_eq!(is_token(&[byte]), name.is_ok(), "{byte}");
            assert_eq!(is_token(&[byte]), method.is_ok(), "{byte}");
            let value = http::HeaderValue::from_bytes(&[byte]);
            assert_eq!(is_text(&[byte]), value.is_ok(), "{byte}");
        }
        assert!(!is_token(b""));
    }
}
