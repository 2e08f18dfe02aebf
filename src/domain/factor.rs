//! Ways to prove who one is, and the combinations a route accepts.

use super::RiskLevel;
use std::fmt;
use std::str::FromStr;

/// One way to prove identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
// The numbers are bits of stored records: none is given to another factor.
#[repr(u8)]
pub enum Factor {
    /// A six-digit code sent by e-mail.
    EmailCode = 0,
    /// A WebAuthn credential.
    Passkey = 1,
    /// The password that our directory knows.
    Password = 2,
    /// A code printed at enrolment, each good for one use.
    RecoveryCode = 3,
    /// A time-based one-time password (RFC 6238).
    Totp = 4,
    /// A fresh sign-in at the identity provider (`OpenID` Connect).
    Oidc = 5,
    /// A code that an operator hands out for a first enrollment; no route accepts it.
    BootstrapCode = 6,
}

/// A word that names no factor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a factor; expected one of {known}", known = known_words())]
pub struct UnknownFactor(pub String);

impl Factor {
    /// All factors, in the order of their bits.
    pub const ALL: [Self; 7] = [
        Self::EmailCode,
        Self::Passkey,
        Self::Password,
        Self::RecoveryCode,
        Self::Totp,
        Self::Oidc,
        Self::BootstrapCode,
    ];

    /// All factors, the preferred first: in this order they are offered, and the steps of one
    /// alternative are asked.
    pub const BY_PREFERENCE: [Self; 7] = [
        Self::Passkey,
        Self::Oidc,
        Self::Password,
        Self::Totp,
        Self::EmailCode,
        Self::RecoveryCode,
        Self::BootstrapCode,
    ];

    /// Whether routes of `level` accept it without naming it.
    pub fn opens(self, level: RiskLevel) -> bool {
        match self {
            Self::EmailCode | Self::Oidc | Self::Passkey | Self::Password | Self::Totp => true,
            // Whoever finds the sheet of paper must not do what is critical.
            Self::RecoveryCode => level <= RiskLevel::High,
            Self::BootstrapCode => false,
        }
    }

    /// Whether a policy may name it.
    pub const fn is_in_policies(self) -> bool {
        match self {
            Self::EmailCode
            | Self::Oidc
            | Self::Passkey
            | Self::Password
            | Self::RecoveryCode
            | Self::Totp => true,
            Self::BootstrapCode => false,
        }
    }

    /// The word for it on the wire and in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BootstrapCode => "bootstrap_code",
            Self::EmailCode => "email_code",
            Self::Oidc => "oidc",
            Self::Passkey => "passkey",
            Self::Password => "password",
            Self::RecoveryCode => "recovery_code",
            Self::Totp => "totp",
        }
    }
}

impl FromStr for Factor {
    type Err = UnknownFactor;

    fn from_str(word: &str) -> Result<Self, UnknownFactor> {
        Self::ALL
            .into_iter()
            .find(|factor| factor.as_str() == word)
            .ok_or_else(|| UnknownFactor(word.to_owned()))
    }
}

/// What a policy may name, the preferred first.
fn known_words() -> String {
    let known = Factor::BY_PREFERENCE.into_iter();
    let known = known.filter(|factor| factor.is_in_policies());
    known.map(Factor::as_str).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of factors.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FactorSet(u8);

impl FactorSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The bits of all factors.
    const KNOWN: u8 = (1 << Factor::ALL.len()) - 1;

    /// Adds one factor.
    #[must_use]
    pub const fn with(self, factor: Factor) -> Self {
        Self(self.0 | 1 << factor as u8)
    }

    /// Whether `factor` is in the set.
    pub const fn contains(self, factor: Factor) -> bool {
        self.0 & (1 << factor as u8) != 0
    }

    /// Whether every factor of `other` is in the set.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The factors of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The factors, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Factor> {
        Factor::ALL
            .into_iter()
            .filter(move |factor| self.contains(*factor))
    }

    /// The set as bits, for storage.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Reads the bits back; unknown ones are dropped, which only ever means less proof.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::KNOWN)
    }
}

impl FromIterator<Factor> for FactorSet {
    fn from_iter<I: IntoIterator<Item = Factor>>(factors: I) -> Self {
        factors.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for FactorSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What a route accepts as proof: any one of several sets, each of which must be complete.
///
/// `[passkey, password+totp]` is two alternatives, the second of two factors. Never empty, and no
/// alternative is empty: proof of nothing is not proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternatives(Vec<FactorSet>);

impl Alternatives {
    /// Takes the alternatives in order of preference; `None` if there is none or one is empty.
    pub fn new(sets: Vec<FactorSet>) -> Option<Self> {
        (!sets.is_empty() && sets.iter().all(|set| !set.is_empty())).then_some(Self(sets))
    }

    /// Each of `factors` alone is enough.
    pub fn any_of(factors: &[Factor]) -> Option<Self> {
        Self::new(
            factors
                .iter()
                .map(|factor| FactorSet::EMPTY.with(*factor))
                .collect(),
        )
    }

    /// Whether `shown` completes at least one alternative.
    pub fn satisfied_by(&self, shown: FactorSet) -> bool {
        self.0.iter().any(|set| shown.covers(*set))
    }

    /// The alternatives, in order of preference.
    pub fn sets(&self) -> &[FactorSet] {
        &self.0
    }

    /// Every factor that occurs in some alternative.
    pub fn mentioned(&self) -> FactorSet {
        self.0.iter().flat_map(|set| set.iter()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_means_both() {
        let both = FactorSet::EMPTY.with(Factor::Password).with(Factor::Totp);
        let accepts = Alternatives::new(vec![both]).unwrap();
        assert!(!accepts.satisfied_by(FactorSet::EMPTY.with(Factor::Password)));
        assert!(accepts.satisfied_by(both));
    }

    #[test]
    fn proof_of_nothing_is_not_proof() {
        assert_eq!(Alternatives::new(vec![]), None);
        assert_eq!(Alternatives::new(vec![FactorSet::EMPTY]), None);
    }

    #[test]
    fn every_factor_reads_back_from_its_word() {
        for factor in Factor::ALL {
            assert_eq!(factor.as_str().parse(), Ok(factor));
        }
    }

    #[test]
    fn every_factor_has_its_bit_and_its_place() {
        for (place, factor) in Factor::ALL.into_iter().enumerate() {
            assert_eq!(factor as usize, place);
            assert!(Factor::BY_PREFERENCE.contains(&factor));
        }
    }

    #[test]
    fn an_unknown_word_is_told_what_can_be_used_first() {
        assert_eq!(
            "hologram".parse::<Factor>().unwrap_err().to_string(),
            "`hologram` is not a factor; expected one of passkey, oidc, password, totp, email_code, \
             recovery_code"
        );
    }
}
