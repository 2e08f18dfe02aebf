//! What two parsers could read differently, and what the scanner says of it.

use super::*;

const LIMITS: HeadLimits = HeadLimits {
    bytes: 1000,
    lines: 10,
    fragments: false,
    raw_bytes: false,
};

/// Scans `text` whole and cut at every place; all must agree.
fn scan(text: &str) -> Result<MessagePart, Violation> {
    let whole = |pieces: &[&[u8]]| {
        let mut scanner = Scanner::new(LIMITS);
        pieces.iter().try_for_each(|piece| scanner.scan(piece))?;
        Ok(scanner.part())
    };
    let bytes = text.as_bytes();
    let answer = whole(&[bytes]);
    for cut in 0..bytes.len() {
        assert_eq!(
            whole(&[&bytes[..cut], &bytes[cut..]]),
            answer,
            "cut at {cut}: {text:?}"
        );
    }
    answer
}

#[test]
fn whole_messages_end_between_messages() {
    for text in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
        "\r\nGET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding:CHUNKED\r\n\r\n0\r\n\r\n",
    ] {
        assert_eq!(scan(text), Ok(MessagePart::Between), "{text:?}");
    }
}

#[test]
fn the_parts_of_a_message_are_told_apart() {
    assert_eq!(scan("GET"), Ok(MessagePart::Head));
    assert_eq!(scan("GET / HTTP/1.1\r\n"), Ok(MessagePart::Head));
    assert_eq!(
        scan("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na"),
        Ok(MessagePart::Body)
    );
}

#[test]
fn a_second_framing_is_refused() {
    let cases = [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3\r\ncontent-length: 3",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ];
    for case in cases {
        let text = format!("POST / HTTP/1.1\r\n{case}\r\n\r\n");
        assert_eq!(scan(&text), Err(Violation::DoubleFraming), "{case}");
    }
}

#[test]
fn anything_but_one_chunked_is_refused() {
    for coding in [
        "gzip, chunked",
        "identity",
        "chunked, chunked",
        "xchunked",
        "",
    ] {
        let text = format!("POST / HTTP/1.1\r\nTransfer-Encoding: {coding}\r\n\r\n");
        assert_eq!(scan(&text), Err(Violation::TransferEncoding), "{coding:?}");
    }
}

#[test]
fn lengths_are_digits() {
    for length in ["+3", "-1", "3, 3", "0x3", "", "99999999999999999999", "3 3"] {
        let text = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
        assert_eq!(scan(&text), Err(Violation::Length), "{length:?}");
    }
}

#[test]
fn the_lines_of_chunks_are_not_those_of_the_next_head() {
    let chunks = "1\r\nx\r\n".repeat(2 * LIMITS.bytes / 3);
    let text = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
    assert_eq!(
        scan(&(text + "GET / HTTP/1.1\r\n\r\n")),
        Ok(MessagePart::Between)
    );
}

#[test]
fn lines_end_in_crlf_and_nothing_else() {
    for text in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
    ] {
        assert_eq!(scan(text), Err(Violation::BareLineBreak), "{text:?}");
    }
}

#[test]
fn folded_and_malformed_header_lines_are_refused() {
    for line in [
        " folded: x",
        "\tfolded: x",
        "Name : x",
        "Name",
        ": x",
        "A: \0",
        "A: \u{b}",
        "A: \u{7f}",
        "A(b): x",
        "A\u{e9}: x",
    ] {
        let text = format!("GET / HTTP/1.1\r\n{line}\r\n\r\n");
        assert_eq!(scan(&text), Err(Violation::HeaderLine), "{line:?}");
    }
}

#[test]
fn request_lines_have_three_parts_and_no_fragment() {
    assert_eq!(scan("GET /a#b HTTP/1.1\r\n\r\n"), Err(Violation::Fragment));
    for line in [
        "GET  / HTTP/1.1",
        "GET /",
        "GET / HTTP/2.0",
        "GET /a\tb HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        " / HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET a{b HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET /a\u{1}b HTTP/1.1",
        "GET / HTTP/1.10",
        "GET / http/1.1",
    ] {
        assert_eq!(
            scan(&format!("{line}\r\n\r\n")),
            Err(Violation::RequestLine),
            "{line:?}"
        );
    }
}

#[test]
fn a_head_has_an_end() {
    let line = "A: b\r\n";
    let text = format!("GET / HTTP/1.1\r\n{}\r\n", line.repeat(11));
    assert_eq!(scan(&text), Err(Violation::TooManyHeaders));
    let long = "b".repeat(200);
    let text = format!(
        "GET / HTTP/1.1\r\n{}\r\n",
        format!("A: {long}\r\n").repeat(5)
    );
    assert_eq!(scan(&text), Err(Violation::HeadTooLarge));
    assert_eq!(scan(&"x".repeat(1001)), Err(Violation::TargetTooLong));
    assert_eq!(scan(&"\r\n".repeat(9)), Err(Violation::RequestLine));
    let two = format!("GET / HTTP/1.1\r\n{}\r\n", line.repeat(10)).repeat(2);
    assert_eq!(scan(&two), Ok(MessagePart::Between));
}

#[test]
fn chunks_are_unknown_to_the_old_version() {
    let text = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(scan(text), Err(Violation::TransferEncoding));
}

#[test]
fn what_an_application_needs_is_let_through() {
    let limits = HeadLimits {
        fragments: true,
        raw_bytes: true,
        ..LIMITS
    };
    for target in ["/a#b", "/\u{e9}"] {
        let mut scanner = Scanner::new(limits);
        let head = format!("GET {target} HTTP/1.1\r\n");
        assert_eq!(scanner.scan(head.as_bytes()), Ok(()), "{target}");
        let both = b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n";
        assert_eq!(
            scanner.scan(both),
            Err(Violation::DoubleFraming),
            "{target}"
        );
    }
}

#[test]
fn the_beginning_of_a_head_is_known() {
    let mut scanner = Scanner::new(LIMITS);
    scanner.scan(b"\r\nGET / HT").unwrap();
    assert_eq!(scanner.head_at(), Some(2));
    scanner.scan(b"TP/1.1\r\n").unwrap();
    assert_eq!(scanner.head_at(), None);
    scanner.scan(b"\r\nGET / ").unwrap();
    assert_eq!(scanner.head_at(), Some(2));
}

#[test]
fn chunks_are_framed_as_chunks() {
    for body in [
        "g\r\n",
        "-1\r\n",
        "\r\n",
        "3\r\nabcd\r\n",
        "0x3\r\n",
        "1111111111111111\r\n",
        " 3\r\n",
    ] {
        let text = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        assert!(scan(&text).is_err(), "{body:?}");
    }
}
