//! What a program is given with a refusal: the device code, which is sealed, and the user code.

use crate::domain::{
    ByteReader, ByteWriter, Challenge, ChallengeId, Requirement, RouteId, Secret, Subject,
    Timestamp, UserCode,
};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use crate::verification::token;
use crate::verification::verifier::Verifier;
use data_encoding::BASE64URL_NOPAD;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The longest device code that is opened.
const MAX_CODE: usize = 12 * 1024;
/// How much of what a program says of itself is kept, in bytes.
const MAX_AGENT: usize = 120;

// Its number changes with the layout.
const CONTEXT: &[u8] = b"code/1";

/// Who was refused what, as its owner is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAsker {
    /// Method and target of the request.
    pub request: (String, String),
    /// The address that it came from.
    pub address: IpAddr,
    /// What the program says it is.
    pub agent: String,
}

/// What a program is given with a refusal (RFC 8628 §3.2).
#[derive(Clone, Debug)]
pub struct DeviceOffer {
    /// What it polls with.
    pub device_code: Secret<String>,
    /// What its owner compares, or types.
    pub user_code: UserCode,
    /// How long both count.
    pub expires_in: Duration,
    /// How long it waits between two polls.
    pub interval: Duration,
}

/// A device code that has been opened.
pub(super) struct DeviceCode {
    pub(super) challenge: Challenge,
    pub(super) user_code: UserCode,
    pub(super) asker: DeviceAsker,
}

impl Verifier {
    /// Lets the program that was refused have the proof given elsewhere; `None` where that does not count. Nothing is
    /// written.
    pub fn offer_device(&self, challenge: &Challenge, asker: DeviceAsker) -> Option<DeviceOffer> {
        let services = &self.services;
        let is_offered =
            self.takes_devices(&challenge.demand.requirement) && challenge.device.is_none();
        is_offered.then(|| {
            let user_code = user_code(challenge.id, &services.keys);
            let code = DeviceCode {
                challenge: challenge.clone(),
                user_code,
                asker: asker.cut(),
            };
            DeviceOffer {
                device_code: Secret::new(code.seal(&services.keys, &services.entropy)),
                user_code,
                expires_in: challenge.expires_at.since(services.clock.now()),
                interval: services.settings.device_interval,
            }
        })
    }

    /// Whether such a proof counts for a route, by settings and policies in force. Where somebody else approves, it is
    /// they who must see the request, and the owner who waits for them.
    pub fn takes_devices(&self, requirement: &Requirement) -> bool {
        self.services.settings.device && requirement.device && requirement.approval.is_none()
    }

    /// What a request is filed under: found by its subject and its code alone, and by nobody who lacks either.
    pub(super) fn request_id(&self, subject: &Subject, code: UserCode) -> ChallengeId {
        let parts: [&[u8]; 3] = [b"request", subject.as_str().as_bytes(), code.as_bytes()];
        let mac = self.services.keys.mac(Purpose::Device, &parts);
        let mut id = [0; 16];
        id.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        ChallengeId::new(id)
    }
}

fn user_code(challenge: ChallengeId, keys: &Keys) -> UserCode {
    UserCode::of_hash(&keys.mac(Purpose::Device, &[b"user code", challenge.as_bytes()]))
}

impl DeviceAsker {
    fn cut(mut self) -> Self {
        // One line: what a program says of itself is shown on a page, below what we say of it.
        self.agent.retain(|letter| !letter.is_control());
        if self.agent.len() > MAX_AGENT {
            self.agent
                .truncate(self.agent.floor_char_boundary(MAX_AGENT));
            self.agent.push('…');
        }
        let request = token::shown(vec![self.request]).pop();
        Self {
            request: request.unwrap_or_default(),
            ..self
        }
    }

    pub(super) fn write(&self, out: &mut ByteWriter) {
        out.text(&self.request.0)
            .text(&self.request.1)
            .text(&self.address.to_string())
            .text(&self.agent);
    }

    pub(super) fn read(plain: &mut ByteReader<'_>) -> Option<Self> {
        Some(Self {
            request: (plain.text()?.to_owned(), plain.text()?.to_owned()),
            address: plain.text()?.parse().ok()?,
            agent: plain.text()?.to_owned(),
        })
    }
}

impl DeviceCode {
    fn seal(&self, keys: &Keys, entropy: &Entropy) -> String {
        let mut out = ByteWriter::default();
        out.array(self.user_code.as_bytes());
        self.asker.write(&mut out);
        token::write(&self.challenge, &mut out);
        let sealed = keys.seal(Purpose::Device, CONTEXT, out.as_bytes(), entropy);
        BASE64URL_NOPAD.encode(&sealed)
    }

    /// Opens a code that may have expired. `None` if it is not ours, or its route is no longer in a policy.
    pub(super) fn open(
        code: &str,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        keys: &Keys,
    ) -> Option<Self> {
        if code.len() > MAX_CODE {
            return None;
        }
        let sealed = BASE64URL_NOPAD.decode(code.as_bytes()).ok()?;
        let plain = keys.open(Purpose::Device, CONTEXT, &sealed)?;
        let mut plain = ByteReader::new(plain.expose());
        let letters: [u8; 8] = plain.array()?;
        let user_code = std::str::from_utf8(&letters).ok()?.parse().ok()?;
        let asker = DeviceAsker::read(&mut plain)?;
        let challenge = token::read(&mut plain, requirement)?;
        Some(Self {
            challenge,
            user_code,
            asker,
        })
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.challenge.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::tests::{challenge, keys, requirement};
    use proptest::prelude::{any, prop};

    fn asker() -> DeviceAsker {
        DeviceAsker {
            request: ("DELETE".to_owned(), "/users/42".to_owned()),
            address: "192.0.2.7".parse().unwrap(),
            agent: "python-requests/2.32.5".to_owned(),
        }
    }

    fn open(code: &str) -> Option<DeviceCode> {
        DeviceCode::open(code, |_| Some(requirement()), &keys())
    }

    fn sealed() -> (DeviceCode, String) {
        let code = DeviceCode {
            user_code: user_code(challenge().id, &keys()),
            challenge: challenge(),
            asker: asker(),
        };
        let sealed = code.seal(&keys(), &Entropy::system());
        (code, sealed)
    }

    #[test]
    fn a_device_code_opens_to_what_was_sealed_and_is_no_token() {
        let (code, text) = sealed();
        let opened = open(&text).unwrap();
        assert_eq!(
            format!("{:?}", opened.challenge),
            format!("{:?}", code.challenge)
        );
        assert_eq!((opened.user_code, opened.asker), (code.user_code, asker()));
        assert!(text.len() < 1800, "{} characters", text.len());
        assert!(token::open_late(&text, |_| Some(requirement()), &keys()).is_none());
        let token = token::seal_challenge(&challenge(), &keys(), &Entropy::system());
        assert!(open(&token).is_none());
        assert!(DeviceCode::open(&text, |_| None, &keys()).is_none());
    }

    #[test]
    fn what_a_program_says_of_itself_is_one_line_and_cut() {
        let agent = format!("curl/8\r\nX: {}", "ä".repeat(200));
        let cut = DeviceAsker { agent, ..asker() }.cut();
        assert!(cut.agent.starts_with("curl/8X: ä") && cut.agent.ends_with('…'));
        assert!(cut.agent.len() < MAX_AGENT + 4);
    }

    proptest::proptest! {
        #[test]
        fn opening_is_total(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            assert!(open(&BASE64URL_NOPAD.encode(&bytes)).is_none());
            let sealed = keys().seal(Purpose::Device, CONTEXT, &bytes, &Entropy::system());
            let _ = open(&BASE64URL_NOPAD.encode(&sealed));
        }
    }
}
