//! Replies whole, cut, shifted, and none at all.

use super::{Frames, LARGEST, MOST_DEPTH, MalformedReply, Reply, ends};
use bytes::Bytes;
use proptest::prelude::*;
use redis::{ServerErrorKind, Value};

fn malformed(bytes: &[u8]) -> Option<MalformedReply> {
    ends(bytes, []).1
}

fn reply(bytes: &[u8]) -> Reply {
    Reply::new(Bytes::copy_from_slice(bytes))
}

#[test]
fn every_kind_of_reply_ends_where_it_ends() {
    for whole in [
        "+OK\r\n",
        "-ERR no\r\n",
        "+\r\n",
        ":0\r\n",
        ":-9223372036854775808\r\n",
        ":9223372036854775807\r\n",
        "$-1\r\n",
        "$0\r\n\r\n",
        "$2\r\n\r\n\r\n",
        "*-1\r\n",
        "*0\r\n",
        "*2\r\n*1\r\n:1\r\n*0\r\n",
        "*3\r\n$1\r\na\r\n$-1\r\n*2\r\n+a\r\n-b\r\n",
    ] {
        let twice = whole.repeat(2);
        let expected = (vec![whole.len(), 2 * whole.len()], None);
        assert_eq!(ends(twice.as_bytes(), []), expected, "{whole:?}");
        for cut in 0..twice.len() {
            assert_eq!(
                ends(twice.as_bytes(), [cut]),
                expected,
                "{whole:?} at {cut}"
            );
        }
        assert_eq!(
            ends(twice.as_bytes(), 0..twice.len()),
            expected,
            "{whole:?}"
        );
    }
}

#[test]
fn what_is_no_reply_is_refused_as_soon_as_it_shows() {
    for (bytes, why) in [
        ("x", MalformedReply::Kind),
        ("%1\r\n", MalformedReply::Kind),
        (">2\r\n", MalformedReply::Kind),
        ("\r\n", MalformedReply::Kind),
        (":\r", MalformedReply::Number),
        (":-\r", MalformedReply::Number),
        (":+1", MalformedReply::Number),
        (": 1", MalformedReply::Number),
        (":1x", MalformedReply::Number),
        (":1\rx", MalformedReply::Number),
        (":1\n", MalformedReply::Number),
        (":9223372036854775808\r", MalformedReply::Number),
        (":-9223372036854775809\r", MalformedReply::Number),
        (":00000000000000000000", MalformedReply::Number),
        ("$-2\r\n", MalformedReply::Number),
        ("*-2\r\n", MalformedReply::Number),
        ("$1\r\nabc", MalformedReply::End),
        ("$1\r\na\r\r", MalformedReply::End),
        ("+a\rb", MalformedReply::End),
        ("+a\n", MalformedReply::End),
        ("*1\r\n*2\r\n:1\r\n?", MalformedReply::Kind),
    ] {
        assert_eq!(malformed(bytes.as_bytes()), Some(why), "{bytes:?}");
    }
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_before_it_comes() {
    assert_eq!(malformed(format!("${LARGEST}\r\n").as_bytes()), None);
    for bytes in [
        format!("${}\r\n", LARGEST + 1),
        format!("${}\r\n", i64::MAX),
        format!("*2\r\n:1\r\n${LARGEST}\r\n"),
        "*1\r\n".repeat(MOST_DEPTH + 1),
    ] {
        assert_eq!(
            malformed(bytes.as_bytes()),
            Some(MalformedReply::Size),
            "{bytes:?}"
        );
    }
    // A list says how long it is, and nothing is set aside for it.
    assert_eq!(malformed(format!("*{}\r\n", i64::MAX).as_bytes()), None);
    assert_eq!(malformed("*1\r\n".repeat(MOST_DEPTH).as_bytes()), None);
}

#[test]
fn a_line_that_trickles_in_is_searched_once() {
    let line = vec![b'a'; 1 << 20];
    let bytes = [b"+", &line[..], b"\r\n"].concat();
    let mut frames = Frames::default();
    for end in 1..bytes.len() {
        // Searched again from its beginning, this would take minutes.
        assert_eq!(frames.next(&bytes[..end]), Ok(None));
    }
    assert_eq!(frames.next(&bytes), Ok(Some(bytes.len())));
}

#[test]
fn a_refusal_is_told_from_an_answer() {
    assert!(reply(b"$3\r\n-ab\r\n").refusal().is_none());
    let refused = reply(b"-NOSCRIPT No matching script.\r\n");
    assert!(refused.is_refused_with("NOSCRIPT"));
    assert!(!refused.is_refused_with("NO"));
    assert!(reply(b"-READONLY\r\n").is_refused_with("READONLY"));
    assert!(!reply(b"+READONLY\r\n").is_refused_with("READONLY"));
    let refusal = reply(b"-LOADING Redis is loading\r\n").refusal().unwrap();
    assert_eq!(refusal.kind(), ServerErrorKind::BusyLoading.into());
    assert!(refusal.to_string().contains("Redis is loading"));
    assert!(reply(b"-\xff\xff\r\n").refusal().is_some());
}

#[test]
fn texts_are_read_where_they_lie() {
    let list = reply(b"*3\r\n$2\r\nab\r\n$-1\r\n$0\r\n\r\n");
    let mut texts = list.bulk_strings(3).unwrap();
    assert_eq!(texts.next().unwrap(), Some(&b"ab"[..]));
    assert_eq!(texts.next().unwrap(), None);
    assert_eq!(texts.next().unwrap(), Some(&b""[..]));
    assert!(texts.next().is_err());
    assert!(list.bulk_strings(2).is_err());
    assert!(list.bulk_strings(4).is_err());
    for other in [&b"*-1\r\n"[..], b"$3\r\nabc\r\n", b"+3\r\n", b":3\r\n"] {
        assert!(reply(other).bulk_strings(3).is_err(), "{other:?}");
    }
    for other in [&b"*1\r\n:1\r\n"[..], b"*1\r\n*0\r\n", b"*1\r\n+a\r\n"] {
        assert!(
            reply(other).bulk_strings(1).unwrap().next().is_err(),
            "{other:?}"
        );
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        Just(Value::Okay),
        any::<i64>().prop_map(Value::Int),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::BulkString),
        "[a-zA-Z ]{0,9}".prop_map(|text| Value::SimpleString(format!("{text}."))),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        proptest::collection::vec(inner, 0..6).prop_map(Value::Array)
    })
}

fn written(value: &Value) -> Vec<u8> {
    #[allow(clippy::wildcard_enum_match_arm)] // all that the strategy above makes
    match value {
        Value::Nil => b"$-1\r\n".to_vec(),
        Value::Okay => b"+OK\r\n".to_vec(),
        Value::Int(number) => format!(":{number}\r\n").into_bytes(),
        Value::SimpleString(text) => format!("+{text}\r\n").into_bytes(),
        Value::BulkString(text) => {
            [format!("${}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat()
        }
        Value::Array(values) => {
            let mut out = format!("*{}\r\n", values.len()).into_bytes();
            out.extend(values.iter().flat_map(written));
            out
        }
        other => panic!("{other:?}"),
    }
}

/// Cuts of a text of any length, in their order.
fn cuts(places: &[prop::sample::Index], length: usize) -> Vec<usize> {
    let mut cuts: Vec<_> = places.iter().map(|place| place.index(length + 1)).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #[test]
    fn replies_are_the_same_however_they_are_cut(
        values in proptest::collection::vec(values(), 1..6),
        places in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes: Vec<u8> = values.iter().flat_map(written).collect();
        let (found, malformed) = ends(&bytes, cuts(&places, bytes.len()));
        prop_assert_eq!(malformed, None);
        let mut start = 0;
        let mut read = Vec::new();
        for end in found {
            read.push(reply(&bytes[start..end]).value().unwrap());
            start = end;
        }
        prop_assert_eq!(read, values);
    }

    #[test]
    fn any_bytes_are_judged_the_same_however_they_are_cut(
        bytes in proptest::collection::vec(
            prop_oneof![prop::sample::select(&b"+-:$*\r\n0123456789"[..]), any::<u8>()], 0..60),
        places in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let cuts = cuts(&places, bytes.len());
        prop_assert_eq!(ends(&bytes, []), ends(&bytes, cuts));
    }
}
