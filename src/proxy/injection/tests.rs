//! What goes in comes out, with the tag or without it, however it is cut into pieces.

use super::body::{InjectedBody, Injector};
use super::csp::Script;
use super::stage::Coding;
use super::tag::Tag;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http_body::{Body, Frame};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::{prop_assert_eq, sample};
use std::cell::Cell;
use std::collections::VecDeque;
use std::error::Error;
use std::io::{Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

const TAG: &str = "<script src=\"/.stepup/client.js\" defer></script>";

type Piece = Result<Frame<Bytes>, Box<dyn Error + Send + Sync>>;

/// A body of these pieces.
struct Pieces(VecDeque<Piece>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Piece>> {
        Poll::Ready(self.0.pop_front())
    }
}

fn injector(coding: Coding, in_force: &[&str], is_told: &Rc<Cell<bool>>) -> Injector {
    let path = "/.stepup/client.js";
    let tag = Tag {
        path: path.to_owned(),
        script: Script::new("https://app.example.com", path),
        in_force: in_force.iter().map(|&line| line.to_owned()).collect(),
        reporting: Vec::new(),
    };
    let is_told = is_told.clone();
    Injector::new(coding, tag, Box::new(move || is_told.set(true)))
}

/// All frames that come out.
fn frames(coding: Coding, pieces: impl IntoIterator<Item = Piece>) -> Vec<Piece> {
    let source = Pieces(pieces.into_iter().collect());
    let mut body = InjectedBody::new(source, injector(coding, &[], &Rc::default()));
    let mut context = Context::from_waker(Waker::noop());
    let mut frames = Vec::new();
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut context) {
        frames.push(frame);
    }
    assert!(body.is_end_stream());
    frames
}

#[allow(clippy::unnecessary_wraps)] // as bodies give it
fn data(piece: &[u8]) -> Piece {
    Ok(Frame::data(Bytes::copy_from_slice(piece)))
}

fn all_data(frames: Vec<Piece>) -> Vec<u8> {
    let frames = frames
        .into_iter()
        .filter_map(|frame| frame.unwrap().into_data().ok());
    frames.flatten().collect()
}

/// What comes out of a document in pieces of these lengths, the rest in one.
fn through(coding: Coding, document: &[u8], lengths: &[usize]) -> Vec<u8> {
    let mut rest = document;
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, behind) = rest.split_at((*length).min(rest.len()));
        pieces.push(data(piece));
        rest = behind;
    }
    pieces.push(data(rest));
    all_data(frames(coding, pieces))
}

fn zip(document: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(document).unwrap();
    encoder.finish().unwrap()
}

fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut document = Vec::new();
    MultiGzDecoder::new(bytes)
        .read_to_end(&mut document)
        .unwrap();
    document
}

#[test]
fn the_tag_stands_before_the_first_element_that_is_no_meta() {
    // `|` is the place.
    for document in [
        "<!doctype html><html><head>|<title>x</title></head><body></body></html>",
        "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n|<script>1</script>",
        "<html><head><meta charset='utf-8'/><!-- <script> --><meta name=a>|<link rel=x></head>",
        "<head>|</head><body>",
        "<html><head>|</head>text",
        "<html>|<body>text</body>",
        "<!doctype html>|<title>x</title><p>text",
        "<!doctype html>|<p>text",
        "\u{feff}<!doctype html><head>|<base href=//elsewhere/>",
        "<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x' 'y'><html xmlns='z'><head>|<title/>",
        "<!--[if IE]><html class=ie><![endif]--><!--[if !IE]><!--><html><!--<![endif]-->|<body>",
        "<![if !IE]><html><![endif]><HEAD>|<TITLE>x</TITLE>",
        "<!doctype html><!-- <head> --><html data-x='<head>'><head data-y=\"</head>\">|<style>",
        "<html><head>|<noscript><meta http-equiv=refresh></noscript>",
        "<html><head>|<template><script></script></template>",
        "<html>|<svg><title>x</title></svg>",
        "<html>|<plaintext><head>",
        "<html>|<frameset>",
        "<html><html><head><head>|<title>",
        "<html><head></p>|<title>",
        "<html><head>|<script src=/other/client.js></script>",
        "<html><head>|<p>\u{1b}$B</p>",
    ] {
        let plain = document.replace('|', "");
        let expected = document.replace('|', TAG);
        let got = through(Coding::Identity, plain.as_bytes(), &[]);
        assert_eq!(String::from_utf8(got).unwrap(), expected);
        let got = through(Coding::Gzip, &zip(plain.as_bytes()), &[]);
        assert_eq!(String::from_utf8(unzip(&got)).unwrap(), expected);
    }
}

#[test]
fn what_is_no_document_or_has_the_tag_goes_as_it_came() {
    for document in [
        "",
        "text",
        "<p>a fragment</p><head>",
        "<meta charset=utf-8><title>x</title>",
        "<title><html><head></title>",
        "<!-- <html><head> -->",
        "<textarea><html><head>",
        "<script>'<html><head>'</script>",
        "{\"html\":\"<html><head><title>\"}",
        "[\"<!doctype html>\"] <html><p>",
        "<!doctype html>text<p>more",
        "\u{1b}$B<!doctype html><html><head><p>",
        "<!doctype html>\0<html><head><p>",
        "<html><head",
        "<html><head><meta content='",
        "<html><head><meta content='<title>",
        "<html><!-- <head><title>",
        "<html><!--> text --><title>",
        "<html><head><script src=\"/.stepup/client.js\" defer></script>",
        "<html><head><meta charset=x><script async src='/.stepup/client.js?v=1'></script>",
        "<html><head><meta charset=iso-2022-jp><title>",
        "<html><head><meta http-equiv=Content-Type content='text/html; charset=utf-16'><title>",
        "<html><head><meta http-equiv=content-security-policy content=\"script-src 'none'\"><title>",
    ] {
        let got = through(Coding::Identity, document.as_bytes(), &[]);
        assert_eq!(String::from_utf8(got).unwrap(), document);
        let zipped = zip(document.as_bytes());
        // Not one byte of the encoded form is another one either.
        assert_eq!(through(Coding::Gzip, &zipped, &[]), zipped, "{document}");
    }
}

#[test]
fn a_tag_of_any_length_ends_the_search_and_not_the_document() {
    for (before, fill, count) in [
        ("<html><head><meta content='", 'x', 200_000),
        ("<html><!-- ", 'x', 200_000),
        ("<html><head><meta ", 'a', 1 << 20),
        ("<html>", ' ', 200_000),
    ] {
        let mut document = before.to_owned();
        document.extend(std::iter::repeat_n(fill, count));
        document.push_str("'>--><title>x</title>");
        for lengths in [&[][..], &[1, 10, 1000, 1000], &[4096; 40]] {
            let got = through(Coding::Identity, document.as_bytes(), lengths);
            assert!(got.len() == document.len() || got.len() == document.len() + TAG.len());
            let got = String::from_utf8(got).unwrap();
            assert!(got.replacen(TAG, "", 1) == document, "{before}");
        }
    }
}

#[test]
fn what_comes_slowly_goes_on_as_soon_as_its_place_is_known() {
    let pieces = [
        "<!doctype html><html><head><meta charset=utf-8>",
        "<title>x",
        "</title>",
        "y",
    ];
    let got = frames(Coding::Identity, pieces.map(|piece| data(piece.as_bytes())));
    let sent: Vec<Vec<u8>> = got.into_iter().map(|frame| all_data(vec![frame])).collect();
    let first = format!("{}{TAG}{}", pieces[0], pieces[1]);
    assert_eq!(sent, [first.as_bytes(), b"</title>", b"y"]);
    // In gzip, what was flushed comes out flushed.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let zipped = pieces.map(|piece| {
        encoder.write_all(piece.as_bytes()).unwrap();
        encoder.flush().unwrap();
        std::mem::take(encoder.get_mut())
    });
    let got = frames(Coding::Gzip, zipped.iter().map(|piece| data(piece)));
    let mut sent = Vec::new();
    let mut shown = Vec::new();
    for frame in got {
        sent.extend(all_data(vec![frame]));
        let mut text = Vec::new();
        // It is cut off, so an error is its end.
        let _ = MultiGzDecoder::new(&sent[..]).read_to_end(&mut text);
        shown.push(String::from_utf8(text).unwrap());
    }
    let whole = format!("{first}</title>y");
    let expected = [&first, &whole[..whole.len() - 1], &whole];
    assert_eq!(shown, expected);
}

#[test]
fn an_error_comes_after_what_was_held_back() {
    let document = b"<html><head><meta charset=utf-8>";
    let cut = || Err("cut off".into());
    let mut got = frames(Coding::Identity, [data(document), cut()]);
    assert_eq!(got.pop().unwrap().unwrap_err().to_string(), "cut off");
    assert_eq!(all_data(got), document);
    let zipped = zip(b"<html><head><title>x</title>");
    let got = frames(Coding::Gzip, [data(&zipped[..20]), cut()]);
    assert!(got.last().unwrap().is_err());
}

#[test]
fn trailers_are_kept_but_those_about_the_bytes() {
    let trailers = || {
        let mut trailers = HeaderMap::new();
        trailers.insert("server-timing", "app;dur=1".parse().unwrap());
        trailers.insert("content-digest", "sha-256=:x:".parse().unwrap());
        Ok(Frame::trailers(trailers))
    };
    for (document, is_changed) in [("<html><head><p>", true), ("<p>", false)] {
        let mut got = frames(Coding::Identity, [data(document.as_bytes()), trailers()]);
        let last = got.pop().unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(last["server-timing"], "app;dur=1");
        assert_eq!(last.contains_key("content-digest"), !is_changed);
    }
}

#[test]
fn gzip_that_is_spoilt_is_as_spoilt_as_it_came() {
    let document = format!("<html><head><title>{}</title>", "x".repeat(100_000));
    let zipped = zip(document.as_bytes());
    let expected = document.replacen("<title>", &format!("{TAG}<title>"), 1);
    // Cut off: browsers show what came.
    let cut = &zipped[..zipped.len() - 10];
    let mut shown = Vec::new();
    let got = through(Coding::Gzip, cut, &[]);
    assert!(
        MultiGzDecoder::new(&got[..])
            .read_to_end(&mut shown)
            .is_err()
    );
    assert!(expected.as_bytes().starts_with(&shown) && shown.len() > 50_000);
    // A wrong checksum.
    let mut wrong = zipped.clone();
    let at = wrong.len() - 8;
    wrong[at] ^= 1;
    let mut shown = Vec::new();
    let got = through(Coding::Gzip, &wrong, &[]);
    assert!(
        MultiGzDecoder::new(&got[..])
            .read_to_end(&mut shown)
            .is_err()
    );
    assert_eq!(shown, expected.as_bytes());
    // Two members, and what is none after them.
    let mut two = [
        zip(&document.as_bytes()[..20]),
        zip(&document.as_bytes()[20..]),
    ]
    .concat();
    two.extend(b"\0\0\0");
    for lengths in [&[][..], &[1; 60], &[20; 40]] {
        assert_eq!(
            unzip(&through(Coding::Gzip, &two, lengths)),
            expected.as_bytes()
        );
    }
    // No gzip at all.
    assert_eq!(
        through(Coding::Gzip, document.as_bytes(), &[]),
        document.as_bytes()
    );
    // Spoilt behind the place (RFC 1951 §3.2.3: there is no such block): an error, as the client would have found it.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"<html><head><title>x").unwrap();
    encoder.flush().unwrap();
    let good = std::mem::take(encoder.get_mut());
    let got = frames(Coding::Gzip, [data(&good), data(&[7; 100])]);
    assert!(got.len() == 2 && got[0].is_ok() && got[1].is_err());
}

#[test]
fn a_bomb_is_decoded_piece_by_piece() {
    let document = format!("<html><head><title>{}", " ".repeat(8 << 20));
    let got = frames(Coding::Gzip, [data(&zip(document.as_bytes()))]);
    let longest = got
        .iter()
        .map(|frame| frame.as_ref().unwrap().data_ref().unwrap().len());
    assert!(longest.max() < Some(64 << 10));
    assert_eq!(unzip(&all_data(got)).len(), document.len() + TAG.len());
}

#[test]
fn policies_of_the_document_are_heeded_and_told_of() {
    let document = "<html><head><meta http-equiv=Content-Security-Policy content=\"script-src 'nonce-m1'\"><p>";
    for (in_force, expected) in [
        (&[][..], Some("m1")),
        (&["script-src 'self'"], Some("m1")),
        (&["script-src 'nonce-m1'"], Some("m1")),
        (&["script-src 'nonce-m2'"], None),
    ] {
        let is_told = Rc::default();
        let source = Pieces([data(document.as_bytes())].into());
        let mut body = InjectedBody::new(source, injector(Coding::Identity, in_force, &is_told));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut context) else {
            panic!("nothing came");
        };
        let sent = String::from_utf8(all_data(vec![frame])).unwrap();
        let nonce = sent
            .split_once("client.js\" nonce=\"")
            .map(|(_, rest)| &rest[..2]);
        assert_eq!((nonce, is_told.get()), (expected, expected.is_none()));
    }
}

/// Bits of which documents are made, well-formed and not.
fn html() -> impl Strategy<Value = Vec<u8>> {
    let bits = sample::select(vec![
        "<!doctype html>",
        "<!DOCTYPE",
        "<html>",
        "<html lang='a>b'>",
        "<head>",
        "</head>",
        "<HEAD\n>",
        "<meta charset=utf-8>",
        "<meta charset=shift_jis>",
        "<meta name=\"",
        "<title>",
        "</title>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<?",
        ">",
        "<",
        "</",
        "/>",
        "<textarea>",
        "<noscript>",
        "</noscript>",
        "<template>",
        "<svg>",
        "<math>",
        "<plaintext>",
        "<xmp>",
        "<body>",
        "</body>",
        "</html>",
        "<frameset>",
        "<table>",
        "<select>",
        "<style>",
        "</style>",
        "<base href=/x/>",
        "<link rel=x>",
        "\"",
        "'",
        "=",
        " ",
        "\n",
        "\0",
        "\u{feff}",
        "text",
        "&lt;",
        "<p>",
        "</p>",
        "<meta http-equiv=content-security-policy content=\"script-src 'self'\">",
        TAG,
    ]);
    let bit = prop_oneof![
        12 => bits.prop_map(|bit| bit.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..8),
        1 => Just(vec![b' '; 40_000]),
    ];
    vec(bit, 0..24).prop_map(|bits| bits.concat())
}

proptest! {
    #[test]
    fn but_for_the_tag_what_comes_out_is_what_went_in(
        document in html(), lengths in vec(0_usize..50, 0..30)
    ) {
        let got = through(Coding::Identity, &document, &lengths);
        if got != document {
            let added = got.len() - document.len();
            prop_assert_eq!(added, TAG.len());
            let place = (0..=document.len()).find(|at| {
                got[*at..].starts_with(TAG.as_bytes())
                    && got[..*at] == document[..*at]
                    && got[at + added..] == document[*at..]
            });
            assert!(place.is_some());
        }
        // Neither the pieces nor the encoding decide.
        if document.len() < 30_000 {
            prop_assert_eq!(&got, &through(Coding::Identity, &document, &[]));
            let zipped = zip(&document);
            prop_assert_eq!(&got, &unzip(&through(Coding::Gzip, &zipped, &lengths)));
        }
    }

    #[test]
    fn no_bytes_that_are_no_gzip_are_changed(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(through(Coding::Gzip, &bytes, &[3, 5, 7]), bytes);
    }
}
