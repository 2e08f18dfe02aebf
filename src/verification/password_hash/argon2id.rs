//! argon2id: what new hashes are, and how they are checked.

use super::PasswordCost;
use super::fault::{HashFault, bounded};
use crate::domain::Secret;
use crate::entropy::Entropy;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;

/// The longest password that is hashed, in bytes. NIST SP 800-63B-4 §3.1.1.2 asks for at least 64
/// characters; the limit bounds the work that a client can cause.
pub const MAX_PASSWORD: usize = 1024;

/// Why a password cannot be hashed; the operator must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The cost is outside what argon2 allows.
    #[error("argon2 cannot be run with these costs: {0}")]
    Cost(argon2::Error),
    /// The password is empty.
    #[error("the password is empty")]
    Empty,
    /// Hashing failed.
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The password is too long.
    #[error("the password has {0} bytes; at most {MAX_PASSWORD} are allowed")]
    TooLong(usize),
}

/// Hashes a password as a PHC string. Blocks for as long as the cost says: not for an I/O thread.
pub fn hash_password(
    password: &Secret<String>,
    cost: PasswordCost,
    entropy: &Entropy,
) -> Result<Secret<String>, PasswordError> {
    let password = password.expose().as_bytes();
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    if password.len() > MAX_PASSWORD {
        return Err(PasswordError::TooLong(password.len()));
    }
    let hash: PasswordHash = argon2id(cost)?
        .hash_password_with_salt(password, &entropy.bytes::<16>())
        .map_err(PasswordError::Hash)?;
    Ok(Secret::new(hash.to_string()))
}

/// The most memory that a hash may take: a record in the store must not decide how much we take.
pub const MAX_MEMORY_KIB: u32 = 2 * 1024 * 1024;
/// The most memory times passes, in KiB: about ten seconds of one core (measured: 2 GiB take 2.4 s).
pub const MAX_WORK_KIB: u64 = 8 * 1024 * 1024;

/// Reads an argon2 PHC string.
pub(super) fn readable(hash: &str) -> Result<PasswordHash, HashFault> {
    let malformed = || HashFault::Malformed("argon2");
    let hash = PasswordHash::new(hash).map_err(|_| malformed())?;
    let params = Params::try_from(&hash).map_err(|_| malformed())?;
    let (memory, passes) = (params.m_cost(), params.t_cost());
    bounded("argon2 memory in KiB", memory.into(), MAX_MEMORY_KIB.into())?;
    let work = u64::from(memory) * u64::from(passes);
    bounded(
        "argon2 memory in KiB, times its passes,",
        work,
        MAX_WORK_KIB,
    )?;
    let whole = hash.salt.is_some() && hash.hash.is_some();
    let whole = whole && hash.algorithm.as_str().starts_with("argon2");
    whole.then_some(hash).ok_or_else(malformed)
}

/// Hashes `password` with the parameters of `known`, in `memory`, and compares in constant time. Invalid
/// parameters do not match.
pub(super) fn matches(password: &[u8], known: &PasswordHash, memory: &mut Vec<Block>) -> bool {
    let mut computed = || {
        let params = Params::try_from(known).ok()?;
        let algorithm = Algorithm::new(known.algorithm.as_str()).ok()?;
        let version = match known.version {
            Some(version) => Version::try_from(version).ok()?,
            None => Version::V0x10,
        };
        let (salt, expected) = (known.salt.as_ref()?, known.hash.as_ref()?);
        if memory.len() < params.block_count() {
            memory.resize(params.block_count(), Block::default());
        }
        let mut tag = vec![0; expected.as_bytes().len()];
        let argon2 = Argon2::new(algorithm, version, params);
        argon2
            .hash_password_into_with_memory(password, salt.as_ref(), &mut tag, &mut memory[..])
            .ok()?;
        Some(tag.ct_eq(expected.as_bytes()).into())
    };
    let is_right = computed().unwrap_or(false);
    // The buffer is reused, and holds values derived from the password.
    memory.fill(Block::default());
    is_right
}

pub(super) fn argon2id(cost: PasswordCost) -> Result<Argon2<'static>, PasswordError> {
    let params =
        Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(PasswordError::Cost)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
