//! All the ways in which an application may read one path.

use super::accept::{Accept, Ambiguous, Leniency, MAX_READINGS};
use super::steps::{self, Step};
use crate::domain::percent::{PercentPiece, decode, decode_in_all_ways, pieces, undo_odd_escapes};

/// How many bytes the other readings of one path may have together; a path with more is refused.
const MAX_BYTES: usize = 16 * 1024;

/// How often escapes are decoded.
// Once by a server, and once more by the application behind it.
const MAX_DECODINGS: u8 = 2;

/// Finds every other reading of `raw`. `Err` if `raw`, or anything it may be read as, is refused.
pub(super) fn other_readings(raw: &str, accept: Accept) -> Result<Vec<String>, Ambiguous> {
    inspect_raw(raw, accept)?;
    let inspect = |reading: &str| inspect(reading, accept);
    let not_utf8 = |bytes: &[u8]| match accept.invalid_utf8 {
        Leniency::Refuse => Err(Ambiguous::InvalidUtf8),
        Leniency::Read => Ok(decode_in_all_ways(bytes)),
    };
    if accept == Accept::default() {
        return close(raw, steps::USUAL, inspect, not_utf8);
    }
    let lenient = [
        (accept.backslashes, steps::backslash_as_slash as Step),
        (accept.controls, steps::drop_controls),
        (accept.controls, steps::cut_at_nul),
        (accept.dot_segments, steps::resolve_dots),
        (accept.malformed_escapes, undo_odd_escapes),
        (accept.unicode_escapes, steps::decode_unicode_escapes),
    ];
    let lenient = lenient
        .into_iter()
        .filter(|(switch, _)| *switch == Leniency::Read);
    let steps: Vec<Step> = steps::USUAL
        .iter()
        .copied()
        .chain(lenient.map(|(_, step)| step))
        .collect();
    close(raw, &steps, inspect, not_utf8)
}

/// Finds every other form of a route's template, which is folded the way requests are read.
///
/// Scripts are not cut here: a route for `/index.php/users` is not one for `/index.php`.
pub(super) fn route_forms(text: &str) -> Result<Vec<String>, Ambiguous> {
    close(
        text,
        steps::FOR_TEMPLATES,
        |_| Ok(()),
        |bytes| Ok(decode_in_all_ways(bytes)),
    )
}

/// Finds every other form of an exception's template: all that a request for it is read as.
pub(super) fn exception_forms(text: &str) -> Result<Vec<String>, Ambiguous> {
    close(
        text,
        steps::USUAL,
        |_| Ok(()),
        |bytes| Ok(decode_in_all_ways(bytes)),
    )
}

/// Takes steps from `start` until nothing is new.
fn close(
    start: &str,
    steps: &[Step],
    inspect: impl Fn(&str) -> Result<(), Ambiguous>,
    not_utf8: impl Fn(&[u8]) -> Result<Vec<String>, Ambiguous>,
) -> Result<Vec<String>, Ambiguous> {
    // A reading counts once per number of decodings, since more may follow when there were fewer.
    let mut found: Vec<(String, u8)> = vec![(start.to_owned(), 0)];
    let mut room = MAX_BYTES;
    let mut next = 0;
    while let Some((reading, decodings)) = found.get(next) {
        next += 1;
        inspect(reading)?;
        let mut decoded = Vec::new();
        if *decodings < MAX_DECODINGS && reading.contains('%') {
            decoded = match decode(reading) {
                Ok(one) => vec![one],
                Err(bytes) => not_utf8(&bytes)?,
            };
        }
        let decoded = decoded.into_iter().filter(|decoded| decoded != reading);
        let decoded = decoded.map(|decoded| (decoded, decodings + 1));
        let stepped = steps
            .iter()
            .filter_map(|step| Some((step(reading)?, *decodings)));
        let reached: Vec<(String, u8)> = decoded.chain(stepped).collect();
        for new in reached {
            if found.contains(&new) {
                continue;
            }
            room = room
                .checked_sub(new.0.len())
                .ok_or(Ambiguous::TooManyReadings)?;
            if found.len() == MAX_READINGS {
                return Err(Ambiguous::TooManyReadings);
            }
            found.push(new);
        }
    }
    let mut others: Vec<String> = Vec::with_capacity(found.len() - 1);
    for (reading, _) in found {
        if reading != start && !others.contains(&reading) {
            others.push(reading);
        }
    }
    Ok(others)
}

/// Refuses what stands in the bytes as they came.
fn inspect_raw(raw: &str, accept: Accept) -> Result<(), Ambiguous> {
    for byte in raw.bytes() {
        match byte {
            0x00..=0x1F | 0x7F => {
                refuse(accept.controls, || Ambiguous::Control(u32::from(byte)))?;
            }
            b'#' => refuse(accept.fragments, || Ambiguous::Fragment)?,
            b'\\' => refuse(accept.backslashes, || Ambiguous::Backslash)?,
            b' ' | 0x80.. => refuse(accept.raw_bytes, || Ambiguous::RawByte(byte))?,
            _ => {}
        }
    }
    let mut after_percent = false;
    for piece in pieces(raw) {
        if after_percent && matches!(piece, PercentPiece::Byte(b'u' | b'U')) {
            refuse(accept.unicode_escapes, || Ambiguous::UnicodeEscape)?;
        } else if after_percent {
            refuse(accept.malformed_escapes, || Ambiguous::MalformedEscape)?;
        }
        after_percent = piece == PercentPiece::Stray;
    }
    if after_percent {
        refuse(accept.malformed_escapes, || Ambiguous::MalformedEscape)?;
    }
    Ok(())
}

/// Refuses what any reading may not hold.
///
/// A stray `%` after decoding is fine: `/100%25` is an honest path.
fn inspect(reading: &str, accept: Accept) -> Result<(), Ambiguous> {
    // Most readings are plain: each test begins with what is cheap to see.
    if reading.contains('\\') {
        refuse(accept.backslashes, || Ambiguous::Backslash)?;
    }
    let is_plain = reading.bytes().all(|byte| matches!(byte, 0x20..=0x7E));
    let control = if is_plain {
        None
    } else {
        reading.chars().find(|c| c.is_control())
    };
    if let Some(control) = control {
        refuse(accept.controls, || Ambiguous::Control(u32::from(control)))?;
    }
    if reading.contains('.')
        && let Some(dots) = reading.split('/').find(|segment| steps::is_dots(segment))
    {
        refuse(accept.dot_segments, || {
            Ambiguous::DotSegment(dots.to_owned())
        })?;
    }
    if reading.contains("%u") || reading.contains("%U") {
        let escaped = pieces(reading).any(|piece| matches!(piece, PercentPiece::Unicode(..)));
        if escaped {
            refuse(accept.unicode_escapes, || Ambiguous::UnicodeEscape)?;
        }
    }
    Ok(())
}

fn refuse(switch: Leniency, why: impl FnOnce() -> Ambiguous) -> Result<(), Ambiguous> {
    match switch {
        Leniency::Refuse => Err(why()),
        Leniency::Read => Ok(()),
    }
}
