//! An authenticator in software, with the browser around it: what they say to options of WebAuthn, right or
//! as a test changes it.

use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// WebAuthn Level 3, §6.1: the flags of authenticator data.
pub(super) const USER_PRESENT: u8 = 0x01;
pub(super) const USER_VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;

pub(super) const ORIGIN: &str = "https://app.example.com";
pub(super) const RP_ID: &str = "app.example.com";

/// WebAuthn Level 3, §5.8.1: the type of client data.
pub(super) const CREATE: &str = "webauthn.create";
pub(super) const GET: &str = "webauthn.get";

/// One key pair of an authenticator.
pub(super) struct Authenticator {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    handle: Value,
    pub(super) counter: u32,
}

/// What is said of one ceremony.
pub(super) struct Said {
    pub(super) kind: &'static str,
    pub(super) origin: &'static str,
    pub(super) rp_id: &'static str,
    pub(super) challenge: Value,
    pub(super) cross_origin: bool,
    pub(super) flags: u8,
    pub(super) counter: u32,
    pub(super) handle: Value,
}

impl Authenticator {
    /// Makes a key pair, as for the options of a registration.
    pub(super) fn new(id: u8, options: &Value) -> Self {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self {
            pair: EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap(),
            id: vec![id; 16],
            handle: options["user"]["id"].clone(),
            counter: 0,
        }
    }

    /// What an honest browser and authenticator say to `options`.
    pub(super) fn says(&mut self, kind: &'static str, options: &Value) -> Said {
        self.counter += 1;
        Said {
            kind,
            origin: ORIGIN,
            rp_id: RP_ID,
            challenge: options["challenge"].clone(),
            cross_origin: false,
            flags: USER_PRESENT | USER_VERIFIED,
            counter: self.counter,
            handle: self.handle.clone(),
        }
    }

    /// What an honest registration says.
    pub(super) fn made(&mut self, options: &Value) -> Value {
        let said = self.says(CREATE, options);
        self.register(&said)
    }

    /// What an honest assertion says.
    pub(super) fn shown(&mut self, options: &Value) -> Value {
        let said = self.says(GET, options);
        self.assert(&said)
    }

    /// `RegistrationResponseJSON`.
    pub(super) fn register(&self, said: &Said) -> Value {
        let public = self.pair.public_key().as_ref();
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        // RFC 9053 §7.1.1: a key of P-256 for ES256, in the order of CTAP2.
        let key = [
            &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20],
            &public[1..33],
            &[0x22, 0x58, 0x20],
            &public[33..65],
        ]
        .concat();
        let attested = [&[0; 16], length.as_slice(), &self.id, &key].concat();
        let data = [authenticator_data(said, HAS_CREDENTIAL), attested].concat();
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let object = [
            b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".as_slice(),
            &length,
            &data,
        ]
        .concat();
        self.credential(&json!({
            "attestationObject": BASE64URL_NOPAD.encode(&object),
            "clientDataJSON": client_data(said),
            "transports": ["internal", "hybrid"],
        }))
    }

    /// `AuthenticationResponseJSON`.
    pub(super) fn assert(&self, said: &Said) -> Value {
        let data = authenticator_data(said, 0);
        let client_data = BASE64URL_NOPAD
            .decode(client_data(said).as_bytes())
            .unwrap();
        let hash = digest(&SHA256, &client_data);
        let signed = [&data, hash.as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        self.credential(&json!({
            "authenticatorData": BASE64URL_NOPAD.encode(&data),
            "clientDataJSON": client_data_of(&client_data),
            "signature": BASE64URL_NOPAD.encode(signature.as_ref()),
            "userHandle": said.handle,
        }))
    }

    fn credential(&self, response: &Value) -> Value {
        let id = BASE64URL_NOPAD.encode(&self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "response": response,
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
        })
    }
}

fn authenticator_data(said: &Said, more_flags: u8) -> Vec<u8> {
    let party = digest(&SHA256, said.rp_id.as_bytes());
    let flags = [said.flags | more_flags];
    [party.as_ref(), &flags, &said.counter.to_be_bytes()].concat()
}

fn client_data(said: &Said) -> String {
    let data = json!({
        "type": said.kind, "challenge": said.challenge, "origin": said.origin,
        "crossOrigin": said.cross_origin,
    });
    client_data_of(data.to_string().as_bytes())
}

fn client_data_of(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
