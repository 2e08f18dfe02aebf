//! Challenge tokens: a sealed challenge that the client carries, so that a refusal writes nothing.
//!
//! The token names the route; what the route requires is looked up again when the token is opened,
//! so that a reload of the policies applies to challenges under way.

use crate::domain::{
    BrowserKeyHash, ByteReader, ByteWriter, Challenge, ChallengeId, Demand, LocalPath,
    RequestDigest, Requirement, ReturnTarget, RouteId, SessionId, Subject, Timestamp,
};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use data_encoding::BASE64URL_NOPAD;
use std::sync::Arc;

/// The longest token that is opened.
pub const MAX_TOKEN: usize = 8 * 1024;
/// The longest path that a challenge returns to; a longer one is forgotten.
const MAX_RETURN: usize = 2048;
/// The longest path that it offers as a way back.
pub(super) const MAX_BACK: usize = 1024;
/// How many values are shown, and how much of each.
const MAX_SHOWN: usize = 8;
const MAX_SHOWN_LEN: usize = 120;

// Its number changes with the layout of a token; those of an earlier version then do not open.
const AUDIENCE: &[u8] = b"challenge/5";

/// Seals a challenge for the client to carry; the text is safe in URLs and forms.
pub fn seal_challenge(challenge: &Challenge, keys: &Keys, entropy: &Entropy) -> String {
    let mut out = ByteWriter::default();
    write(challenge, &mut out);
    BASE64URL_NOPAD.encode(&keys.seal(Purpose::Challenge, AUDIENCE, out.as_bytes(), entropy))
}

/// Writes a challenge as [`read`] reads it.
pub(super) fn write(challenge: &Challenge, out: &mut ByteWriter) {
    let device = challenge.device.as_ref();
    out.array(challenge.id.as_bytes())
        .array(challenge.session.as_bytes())
        .text(challenge.subject.as_str())
        .optional_array(
            challenge
                .browser_key
                .as_ref()
                .map(|key| key.as_bytes().as_slice()),
        )
        .byte(challenge.in_own_session.into())
        .text(challenge.route.as_str())
        .optional_array(
            challenge
                .demand
                .binding
                .as_ref()
                .map(|digest| digest.as_bytes().as_slice()),
        )
        .pairs(&challenge.shown)
        .time(challenge.opened_at)
        .time(challenge.expires_at)
        .optional_array(device.map(|id| id.as_bytes().as_slice()))
        .text(challenge.back.as_ref().map_or("", LocalPath::as_str));
    match &challenge.return_to {
        ReturnTarget::Caller => out.byte(0),
        ReturnTarget::Form(path) => out.byte(1).text(path.as_str()),
        ReturnTarget::Path(path) => out.byte(2).text(path.as_str()),
        ReturnTarget::Refill(path) => out.byte(3).text(path.as_str()),
    };
}

/// What a code by mail is for: this session, browser and request, however often its page is opened. A phone may
/// throw a page away while its owner reads the mail.
pub(super) fn code_id(challenge: &Challenge, keys: &Keys) -> ChallengeId {
    let browser = challenge.browser_key.as_ref();
    let binding = challenge.demand.binding.as_ref();
    let mac = keys.mac(
        Purpose::Challenge,
        &[
            b"code",
            challenge.session.as_bytes(),
            challenge.subject.as_str().as_bytes(),
            browser.map_or(&[], |key| key.as_bytes().as_slice()),
            challenge.route.as_str().as_bytes(),
            binding.map_or(&[], |digest| digest.as_bytes().as_slice()),
        ],
    );
    let mut id = [0; 16];
    id.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
    ChallengeId::new(id)
}

/// Opens a token. `None` if it is not ours, has expired, or its route is no longer in a policy.
pub fn open_challenge(
    token: &str,
    requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
    keys: &Keys,
    now: Timestamp,
) -> Option<Challenge> {
    open_late(token, requirement, keys).filter(|challenge| now < challenge.expires_at)
}

/// Opens a token that may have expired: it can no longer be answered, but still tells what it was for.
pub(super) fn open_late(
    token: &str,
    requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
    keys: &Keys,
) -> Option<Challenge> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let sealed = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
    let plain = keys.open(Purpose::Challenge, AUDIENCE, &sealed)?;
    read(&mut ByteReader::new(plain.expose()), requirement)
}

/// Cuts what is shown to what a token should hold; that something was cut is shown too.
pub(super) fn shown(values: Vec<(String, String)>) -> Vec<(String, String)> {
    let cut = |mut text: String| {
        if text.len() > MAX_SHOWN_LEN {
            text.truncate(text.floor_char_boundary(MAX_SHOWN_LEN));
            text.push('…');
        }
        text
    };
    values
        .into_iter()
        .take(MAX_SHOWN)
        .map(|(label, value)| (cut(label), cut(value)))
        .collect()
}

/// Keeps a return target that is short enough for a token.
pub(super) fn return_target(target: ReturnTarget) -> ReturnTarget {
    match &target {
        ReturnTarget::Form(path) | ReturnTarget::Path(path) if path.as_str().len() > MAX_RETURN => {
            ReturnTarget::Caller
        }
        // What was filled in is lost wherever it leads, and that must be said.
        ReturnTarget::Refill(path) if path.as_str().len() > MAX_RETURN => {
            ReturnTarget::Refill(LocalPath::root())
        }
        ReturnTarget::Caller
        | ReturnTarget::Form(_)
        | ReturnTarget::Path(_)
        | ReturnTarget::Refill(_) => target,
    }
}

/// Reads a challenge, to the end of what was sealed.
pub(super) fn read(
    plain: &mut ByteReader<'_>,
    requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
) -> Option<Challenge> {
    let id = ChallengeId::new(plain.array()?);
    let session = SessionId::new(plain.array()?);
    let subject = Subject::new(plain.text()?);
    let browser_key = plain.optional(|plain| plain.array().map(BrowserKeyHash::new))?;
    let in_own_session = match plain.byte()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let route = RouteId::new(plain.text()?);
    let binding = plain.optional(|plain| plain.array().map(RequestDigest::new))?;
    let shown = plain.pairs()?;
    let opened_at = plain.time()?;
    let expires_at = plain.time()?;
    let device = plain.optional(|plain| plain.array().map(ChallengeId::new))?;
    let back = LocalPath::parse(plain.text()?);
    let return_to = match plain.byte()? {
        0 => ReturnTarget::Caller,
        1 => ReturnTarget::Form(LocalPath::parse(plain.text()?)?),
        2 => ReturnTarget::Path(LocalPath::parse(plain.text()?)?),
        3 => ReturnTarget::Refill(LocalPath::parse(plain.text()?)?),
        _ => return None,
    };
    plain.end()?;
    // Last: the bytes must be a whole token before the policies are asked.
    let requirement = requirement(&route)?;
    Some(Challenge {
        id,
        session,
        subject,
        browser_key,
        in_own_session,
        route,
        demand: Demand {
            requirement,
            binding,
        },
        shown,
        return_to,
        device,
        back,
        opened_at,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::tests::{challenge, keys, now, requirement};
    use proptest::prelude::{any, prop};
    use std::time::Duration;

    fn open(token: &str) -> Option<Challenge> {
        open_challenge(token, |_| Some(requirement()), &keys(), now())
    }

    #[test]
    fn a_token_opens_to_the_challenge_that_was_sealed() {
        let challenge = challenge();
        let token = seal_challenge(&challenge, &keys(), &Entropy::system());
        let opened = open(&token).unwrap();
        assert_eq!(format!("{opened:?}"), format!("{challenge:?}"));
        assert!(token.len() < 1536, "{} characters", token.len());
    }

    #[test]
    fn a_token_is_over_to_the_millisecond() {
        let challenge = challenge();
        let token = seal_challenge(&challenge, &keys(), &Entropy::system());
        let at = |now| open_challenge(&token, |_| Some(requirement()), &keys(), now);
        let last = challenge.expires_at.before(Duration::from_millis(1));
        assert!(at(last).is_some());
        assert!(at(challenge.expires_at).is_none());
    }

    #[test]
    fn a_token_for_a_route_that_is_gone_is_over() {
        let token = seal_challenge(&challenge(), &keys(), &Entropy::system());
        assert!(open_challenge(&token, |_| None, &keys(), now()).is_none());
    }

    #[test]
    fn a_sealed_form_is_no_challenge() {
        let sealed = keys().seal(Purpose::Form, AUDIENCE, b"x", &Entropy::system());
        assert!(open(&BASE64URL_NOPAD.encode(&sealed)).is_none());
    }

    #[test]
    fn a_path_that_is_too_long_for_a_token_is_not_returned_to() {
        let of = |length: usize| {
            let path = format!("/{}", "x".repeat(length - 1));
            ReturnTarget::Path(LocalPath::parse(&path).unwrap())
        };
        assert_eq!(return_target(of(MAX_RETURN)), of(MAX_RETURN));
        assert_eq!(return_target(of(MAX_RETURN + 1)), ReturnTarget::Caller);
    }

    #[test]
    fn what_is_shown_is_cut_visibly() {
        let values = vec![("user".to_owned(), "ä".repeat(200)); 20];
        let shown = shown(values);
        assert_eq!(shown.len(), MAX_SHOWN);
        assert!(shown[0].1.ends_with('…') && shown[0].1.len() < 130);
    }

    proptest::proptest! {
        #[test]
        fn opening_is_total(text in ".{0,200}") {
            assert!(open(&text).is_none());
        }

        #[test]
        fn reading_is_total(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&mut ByteReader::new(&bytes), |_| Some(requirement()));
            let sealed = keys().seal(Purpose::Challenge, AUDIENCE, &bytes, &Entropy::system());
            let _ = open(&BASE64URL_NOPAD.encode(&sealed));
        }

        #[test]
        fn a_changed_token_opens_nothing(at in 0usize..300, to in any::<u8>()) {
            let token = seal_challenge(&challenge(), &keys(), &Entropy::system());
            let mut bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
            let at = at % bytes.len();
            proptest::prop_assume!(bytes[at] != to);
            bytes[at] = to;
            assert!(open(&BASE64URL_NOPAD.encode(&bytes)).is_none());
        }
    }
}
