//! The files of the site: logo and style sheet. They are read at start, and served to everybody.

use crate::request::{Logo, Picture};
use crate::settings::compile::Draft;
use crate::settings::raw_brand::RawLogo;
use crate::yaml::{Path, clip};
use ring::digest::{SHA256, digest};
use std::fs::File;
use std::io::Read;

/// The logo, if each of its files is a picture.
pub(super) fn logo(raw: &RawLogo, at: &Path, draft: &mut Draft<'_>) -> Option<Logo> {
    match raw {
        RawLogo::One(file) => {
            let light = picture(file, at, draft)?;
            Some(Logo { light, dark: None })
        }
        RawLogo::Two(raw) => {
            let hint = "one for light ground and one for dark, or a single file: `logo: logo.svg`";
            let mut one = |written: &Option<String>, field: &str| {
                let file = draft.needed(written.as_ref(), at, field, hint)?;
                picture(file, &at.key(field), draft)
            };
            let (light, dark) = (one(&raw.light, "light"), one(&raw.dark, "dark"));
            Some(Logo {
                light: light?,
                dark: Some(dark?),
            })
        }
    }
}

/// Rules of style that follow ours.
pub(super) fn style_sheet(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<String> {
    let bytes = content(text, MOST_STYLE, at, draft)?;
    let sheet = String::from_utf8(bytes).ok();
    // A NUL is read as another character (CSS Syntax §3.3).
    let sheet = sheet.filter(|sheet| !sheet.contains('\0'));
    if sheet.is_none() {
        let message = format!("`{}` is no text in UTF-8", clip(text));
        draft.file.report(at, message);
    }
    if sheet.as_ref().is_some_and(|it| it.contains("@import")) {
        // CSS Cascade §2: it would have to come first; nor does our Content-Security-Policy let it load.
        let hint = "write its rules into the file; what it loads has to come from below the prefix";
        let message = "`@import` has no effect here";
        draft.file.warn_with_hint(at, message, hint);
    }
    sheet
}

/// Changes with the bytes; empty for none.
pub(super) fn version(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let digest = digest(&SHA256, bytes);
    // 72 bits: two files that nobody made to agree do not.
    let first = digest.as_ref().get(..9).unwrap_or_default();
    data_encoding::BASE64URL_NOPAD.encode(first)
}

fn picture(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<Picture> {
    let bytes = content(text, MOST_PICTURE, at, draft)?;
    match media_type(&bytes) {
        Ok(media_type) => Some(Picture {
            version: version(&bytes),
            bytes: bytes.into(),
            media_type,
        }),
        Err(reason) => {
            let message = format!("`{}` {reason}", clip(text));
            let hint = "an SVG, PNG, WebP or JPEG";
            draft.file.report_with_hint(at, message, hint);
            None
        }
    }
}

fn content(text: &str, most: usize, at: &Path, draft: &mut Draft<'_>) -> Option<Vec<u8>> {
    let path = draft.existing(text, at)?;
    // One byte more than may be, to tell a file of that size from a larger one.
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    let read = File::open(&path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    let message = match read {
        Err(error) => format!("`{}` cannot be read: {error}", path.display()),
        Ok(_) if bytes.len() > most => {
            format!("`{}` is larger than {} KiB", path.display(), most >> 10)
        }
        Ok(_) => return Some(bytes),
    };
    draft.file.report(at, message);
    None
}

/// What a picture is, by its bytes: whatever the file is called, browsers are told the truth.
fn media_type(bytes: &[u8]) -> Result<&'static str, String> {
    let begins = |signature: &[u8]| bytes.starts_with(signature);
    if begins(b"\x89PNG\r\n\x1a\n") {
        Ok("image/png")
    } else if begins(b"\xff\xd8\xff") {
        Ok("image/jpeg")
    } else if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Ok("image/webp")
    } else {
        let text =
            std::str::from_utf8(bytes).map_err(|_| "is no picture that we know".to_owned())?;
        // Without a document type: its entities could make it as large as they please.
        let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}'))
            .map_err(|error| format!("is no picture that we know, and no SVG: {error}"))?;
        let root = document.root_element();
        // Without its namespace, a browser shows no picture.
        if root.has_tag_name(("http://www.w3.org/2000/svg", "svg")) {
            Ok("image/svg+xml")
        } else {
            let name = clip(root.tag_name().name());
            Err(format!(
                "begins with `<{name}>`, not with `<svg xmlns=\"http://www.w3.org/2000/svg\">`"
            ))
        }
    }
}

/// A logo is a few KiB; it is fetched once by each browser.
const MOST_PICTURE: usize = 256 << 10;
/// More than four times our own.
const MOST_STYLE: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>";

    #[test]
    fn a_picture_is_what_its_bytes_say() {
        for (bytes, known) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"RIFF\x10\0\0\0WEBPVP8L", "image/webp"),
            (SVG.as_bytes(), "image/svg+xml"),
            (
                format!("\u{feff}<?xml version=\"1.0\"?>\n<!-- x -->{SVG}").as_bytes(),
                "image/svg+xml",
            ),
        ] {
            assert_eq!(media_type(bytes).as_deref(), Ok(known));
        }
        for (bytes, told) in [
            (&b""[..], "no SVG"),
            (b"GIF89a\x01", "no SVG"),
            (b"\x89PNG\r\n\x1a", "is no picture that we know"),
            (b"RIFF\x10\0\0\0WAVE", "no SVG"),
            (
                b"<html xmlns=\"http://www.w3.org/1999/xhtml\"><svg/></html>",
                "begins with `<html>`",
            ),
            (b"<svg/>", "begins with `<svg>`"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", "no SVG"),
            (
                b"<!DOCTYPE svg [<!ENTITY a \"b\">]><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                "DTD",
            ),
        ] {
            let refused = media_type(bytes).unwrap_err();
            assert!(refused.contains(told), "{told}: {refused}");
        }
    }
}
