//! A token in the handshake of a WebSocket.

use http::HeaderValue;

/// Where a page's script puts a token, since it can set no other header of a WebSocket's handshake: beside a word
/// that says so (`bearer, TOKEN`), or behind it (`base64url.bearer.authorization.k8s.io.TOKEN`).
pub(super) const SUBPROTOCOL: &str = "sec-websocket-protocol";

/// What names of subprotocols (RFC 6455 §11.5) have none of.
const TOKEN_WORDS: &[&str] = &[
    "apikey", "api-key", "api_key", "auth", "bearer", "eyj", "jwt", "session", "ticket", "token",
];

/// Whether a header of a WebSocket's handshake brings a token.
pub(super) fn is_token_of_websocket(name: &str, value: &HeaderValue) -> bool {
    name == SUBPROTOCOL && {
        let value = String::from_utf8_lossy(value.as_bytes());
        let small = value.to_ascii_lowercase();
        TOKEN_WORDS.iter().any(|word| small.contains(word))
            || value.split([',', '.']).any(is_no_name)
    }
}

/// Whether a part of a subprotocol is none that people have named: long, and of digits or of letters in both cases.
fn is_no_name(item: &str) -> bool {
    let item = item.trim();
    let count = |is: fn(&u8) -> bool| item.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let is_mixed = count(u8::is_ascii_uppercase) > 0 && count(u8::is_ascii_lowercase) > 0;
    item.len() >= 16 && (digits >= 4 || (digits > 0 && is_mixed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_the_subprotocol_of_a_websocket_is_a_key_and_a_name_is_none() {
        let is_key = |value| is_token_of_websocket(SUBPROTOCOL, &HeaderValue::from_static(value));
        for token in [
            "bearer, abc",
            "graphql-transport-ws, Bearer, abc",
            "v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj",
            "access_token, abc",
            "chat, eyJhbGciOiJub25lIn0.e30.",
            "auth-abc",
            // Without a word that says so.
            "chat, 5f2b7c9d0e1a4b6c8d3f",
            "c0ffee00-1111-2222-3333-444455556666",
            "chat,JgHfsdeKalkpQw9x",
        ] {
            assert!(is_key(token), "{token}");
        }
        for name in [
            "graphql-transport-ws",
            "graphql-ws, soap",
            "wamp.2.json",
            "v12.stomp, mqtt",
            "ocpp1.6",
            "binary",
            "v4.channel.k8s.io",
            "vite-hmr",
            "actioncable-v1-json, actioncable-unsupported",
            "protobuf.webpubsub.azure.v1",
            "org.example.Chat-2.0",
        ] {
            assert!(!is_key(name), "{name}");
        }
    }
}
