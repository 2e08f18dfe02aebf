//! PBKDF2 (RFC 8018) and scrypt (RFC 7914): a salt, a cost, and the bytes that are derived with them.

use super::fault::{HashFault, bounded};
use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use ring::pbkdf2;
use std::num::NonZeroU32;
use subtle::ConstantTimeEq;

pub(super) struct Derived {
    function: Function,
    salt: Vec<u8>,
    expected: Vec<u8>,
}

enum Function {
    Pbkdf2(pbkdf2::Algorithm, NonZeroU32),
    Scrypt(scrypt::Params),
}

/// One to four seconds of one core, by digest (measured: 6.9 million of SHA-256 a second).
const MAX_ITERATIONS: u32 = 10_000_000;
/// RFC 8018 §4.2 asks for 1,000; with fewer, a guess costs hardly more than with a plain hash.
const LEAST_ITERATIONS: u32 = 1_000;
/// In KiB, `128 * N * r * p`: four times OWASP's highest recommendation.
const MAX_SCRYPT_KIB: u64 = 512 * 1024;
/// How many bytes may be derived. Fewer than 16 could be met by chance, or by any password at all.
const EXPECTED: std::ops::RangeInclusive<usize> = 16..=64;

const PBKDF2: &str = "PBKDF2";
const SCRYPT: &str = "scrypt";

impl Derived {
    /// `$pbkdf2-sha256$i=1000,l=32$salt$hash`, and passlib's `$pbkdf2-sha256$1000$salt$hash`.
    pub(super) fn pbkdf2_phc(digest: &str, fields: &str) -> Result<Self, HashFault> {
        let [cost, salt, hash] = split(fields, '$', PBKDF2)?;
        // passlib's `$pbkdf2$` is of SHA-1.
        let digest = if digest.is_empty() { "sha1" } else { digest };
        let iterations = match parameters(cost, ["i", "l"]) {
            Some([iterations, _]) => iterations,
            None => cost,
        };
        let salt = base64(salt, PBKDF2)?;
        let digest = digest.trim_start_matches('-');
        Self::pbkdf2(digest, iterations, salt, base64(hash, PBKDF2)?)
    }

    /// Django's `pbkdf2_sha256$1000$salt$hash`, from `1000` on.
    pub(super) fn pbkdf2_django(digest: &str, fields: &str) -> Result<Self, HashFault> {
        let [iterations, salt, hash] = split(fields, '$', PBKDF2)?;
        Self::pbkdf2(digest, iterations, salt.into(), base64(hash, PBKDF2)?)
    }

    /// Werkzeug's `pbkdf2:sha256:1000$salt$hash`, from `sha256` on.
    pub(super) fn pbkdf2_werkzeug(options: &str, fields: &str) -> Result<Self, HashFault> {
        let [digest, iterations] = split(options, ':', PBKDF2)?;
        let [salt, hash] = split(fields, '$', PBKDF2)?;
        Self::pbkdf2(digest, iterations, salt.into(), hex(hash, PBKDF2)?)
    }

    fn pbkdf2(
        digest: &str,
        iterations: &str,
        salt: Vec<u8>,
        expected: Vec<u8>,
    ) -> Result<Self, HashFault> {
        let algorithm = match digest {
            "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
            "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
            "sha384" => pbkdf2::PBKDF2_HMAC_SHA384,
            "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return Err(HashFault::Unknown),
        };
        let iterations: NonZeroU32 = number(iterations, PBKDF2)?;
        if iterations.get() < LEAST_ITERATIONS {
            return Err(HashFault::Weak("PBKDF2 of fewer than 1,000 iterations"));
        }
        bounded(
            "number of PBKDF2 iterations",
            iterations.get().into(),
            MAX_ITERATIONS.into(),
        )?;
        Self::whole(
            Function::Pbkdf2(algorithm, iterations),
            salt,
            expected,
            PBKDF2,
        )
    }

    /// `$scrypt$ln=16,r=8,p=1$salt$hash`, from `ln` on.
    pub(super) fn scrypt_phc(fields: &str) -> Result<Self, HashFault> {
        let [cost, salt, hash] = split(fields, '$', SCRYPT)?;
        let malformed = HashFault::Malformed(SCRYPT);
        let [log_n, r, p] = parameters(cost, ["ln", "r", "p"]).ok_or(malformed)?;
        let log_n: u32 = number(log_n, SCRYPT)?;
        // RFC 7914 §2: N is a power of two, and PHC strings hold its logarithm.
        let n = 1_u64.checked_shl(log_n).unwrap_or(u64::MAX);
        let salt = base64(salt, SCRYPT)?;
        Self::scrypt(n, [r, p], salt, base64(hash, SCRYPT)?)
    }

    /// Django's `scrypt$16384$salt$8$1$hash`, from `16384` on.
    pub(super) fn scrypt_django(fields: &str) -> Result<Self, HashFault> {
        let [n, salt, r, p, hash] = split(fields, '$', SCRYPT)?;
        let hash = base64(hash, SCRYPT)?;
        Self::scrypt(number(n, SCRYPT)?, [r, p], salt.into(), hash)
    }

    /// Werkzeug's `scrypt:32768:8:1$salt$hash`, from `32768` on.
    pub(super) fn scrypt_werkzeug(options: &str, fields: &str) -> Result<Self, HashFault> {
        let [n, r, p] = split(options, ':', SCRYPT)?;
        let [salt, hash] = split(fields, '$', SCRYPT)?;
        let hash = hex(hash, SCRYPT)?;
        Self::scrypt(number(n, SCRYPT)?, [r, p], salt.into(), hash)
    }

    fn scrypt(
        n: u64,
        [r, p]: [&str; 2],
        salt: Vec<u8>,
        expected: Vec<u8>,
    ) -> Result<Self, HashFault> {
        let (r, p): (u32, u32) = (number(r, SCRYPT)?, number(p, SCRYPT)?);
        let lanes = u64::from(r).saturating_mul(p.into());
        let memory = n.saturating_mul(lanes).saturating_mul(128) / 1024;
        bounded("scrypt memory in KiB", memory, MAX_SCRYPT_KIB)?;
        let log_n = n.checked_ilog2().filter(|_| n.is_power_of_two());
        let log_n = log_n.and_then(|log_n| u8::try_from(log_n).ok());
        let params = log_n.and_then(|log_n| scrypt::Params::new(log_n, r, p).ok());
        let params = params.ok_or(HashFault::Malformed(SCRYPT))?;
        Self::whole(Function::Scrypt(params), salt, expected, SCRYPT)
    }

    fn whole(
        function: Function,
        salt: Vec<u8>,
        expected: Vec<u8>,
        kind: &'static str,
    ) -> Result<Self, HashFault> {
        // `expected` of no bytes would match every password.
        if salt.is_empty() || !EXPECTED.contains(&expected.len()) {
            return Err(HashFault::Malformed(kind));
        }
        Ok(Self {
            function,
            salt,
            expected,
        })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match &self.function {
            Function::Pbkdf2(algorithm, iterations) => pbkdf2::verify(
                *algorithm,
                *iterations,
                &self.salt,
                password,
                &self.expected,
            )
            .is_ok(),
            Function::Scrypt(params) => {
                let mut derived = vec![0; self.expected.len()];
                scrypt::scrypt(password, &self.salt, params, &mut derived).is_ok()
                    && bool::from(derived.ct_eq(&self.expected))
            }
        }
    }
}

fn split<'t, const N: usize>(
    text: &'t str,
    at: char,
    kind: &'static str,
) -> Result<[&'t str; N], HashFault> {
    let fields: Vec<_> = text.split(at).collect();
    fields.try_into().map_err(|_| HashFault::Malformed(kind))
}

/// The values of `a=1,b=2`, in the order of `names`; the last may be missing, and is then empty.
fn parameters<'t, const N: usize>(text: &'t str, names: [&str; N]) -> Option<[&'t str; N]> {
    let mut values = [""; N];
    for parameter in text.split(',') {
        let (name, value) = parameter.split_once('=')?;
        let place = names.iter().position(|known| *known == name)?;
        *values.get_mut(place)? = value;
    }
    Some(values)
}

fn number<T: std::str::FromStr>(text: &str, kind: &'static str) -> Result<T, HashFault> {
    text.parse().map_err(|_| HashFault::Malformed(kind))
}

/// Base64 with padding or without, and passlib's, which writes `.` for `+`.
fn base64(text: &str, kind: &'static str) -> Result<Vec<u8>, HashFault> {
    let text = text.replace('.', "+");
    let alphabet = if text.ends_with('=') {
        BASE64
    } else {
        BASE64_NOPAD
    };
    let bytes = alphabet.decode(text.as_bytes());
    bytes.map_err(|_| HashFault::Malformed(kind))
}

fn hex(text: &str, kind: &'static str) -> Result<Vec<u8>, HashFault> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
    bytes.map_err(|_| HashFault::Malformed(kind))
}
