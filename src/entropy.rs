//! Chance: the one place that asks the system for random bytes.

use ring::rand::{SecureRandom, SystemRandom};

/// A source of unpredictable bytes.
#[derive(Clone, Debug)]
pub struct Entropy(SystemRandom);

impl Entropy {
    /// The system's source.
    pub fn system() -> Self {
        Self(SystemRandom::new())
    }

    /// The source as ring takes it, for signatures.
    pub(crate) fn source(&self) -> &dyn SecureRandom {
        &self.0
    }

    /// `N` unpredictable bytes.
    ///
    /// # Panics
    ///
    /// If the operating system has no randomness to give; nothing safe can be done then.
    #[allow(clippy::expect_used)] // see above: to go on with predictable bytes would be worse
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0
            .fill(&mut bytes)
            .expect("the operating system gives random bytes");
        bytes
    }

    /// A uniformly chosen number of six decimal digits, `000000` to `999999`.
    pub fn six_digits(&self) -> u32 {
        // 4293 * 10^6 is the largest multiple below 2^32: what lies above would favor low numbers.
        loop {
            let number = u32::from_be_bytes(self.bytes());
            if number < 4_293_000_000 {
                return number % 1_000_000;
            }
        }
    }
}
