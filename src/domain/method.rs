//! Request methods: a closed list, and sets of them.

use std::fmt;
use std::str::FromStr;

macro_rules! methods {
    ($($variant:ident = $word:literal,)*) => {
        /// A request method that we forward. Any other is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)] // each is the method of its name
        pub enum Method { $($variant,)* }

        impl Method {
            /// All methods.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The method as it stands in a request line.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl FromStr for Method {
            type Err = UnknownMethod;

            // RFC 9110 §9.1: methods are case-sensitive, so `post` is not POST.
            fn from_str(word: &str) -> Result<Self, UnknownMethod> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    other => Err(UnknownMethod(other.to_owned())),
                }
            }
        }
    };
}

// Neither CONNECT, which asks a proxy for a tunnel (RFC 9110 §9.3.6), nor TRACE, whose answer shows
// headers that are kept from the client (§9.3.8).
methods! {
    Get = "GET",
    Head = "HEAD",
    Post = "POST",
    Put = "PUT",
    Patch = "PATCH",
    Delete = "DELETE",
    Options = "OPTIONS",
    // WebDAV and CalDAV (RFC 4918, 3253, 3744, 4791), QUERY, and what registries and forges use.
    Propfind = "PROPFIND",
    Proppatch = "PROPPATCH",
    Mkcol = "MKCOL",
    Mkcalendar = "MKCALENDAR",
    Copy = "COPY",
    Move = "MOVE",
    Lock = "LOCK",
    Unlock = "UNLOCK",
    Report = "REPORT",
    Search = "SEARCH",
    Acl = "ACL",
    Link = "LINK",
    Unlink = "UNLINK",
    Purge = "PURGE",
    Query = "QUERY",
}

/// A word that is not a method we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a method we forward")]
pub struct UnknownMethod(pub String);

impl Method {
    /// Whether the method is safe (RFC 9110 §9.2.1): a browser may follow a redirect to it.
    pub const fn is_safe(self) -> bool {
        MethodSet::EMPTY.with(self).is_safe()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of methods.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct MethodSet(u32);

impl MethodSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);
    /// Every method.
    pub const ALL: Self = Self(u32::MAX);

    const UNKNOWN: u32 = 1 << 31;

    /// Adds one method.
    #[must_use]
    pub const fn with(self, method: Method) -> Self {
        Self(self.0 | 1 << method as u8)
    }

    /// Whether `method` is in the set.
    pub const fn contains(self, method: Method) -> bool {
        self.0 & (1 << method as u8) != 0
    }

    /// Whether every method of the set is safe; one that we do not know is not.
    pub const fn is_safe(self) -> bool {
        let safe = Self::EMPTY
            .with(Method::Get)
            .with(Method::Head)
            .with(Method::Options)
            .with(Method::Query);
        self.is_within(safe)
    }

    /// With a method that we do not know, which an application may: it is in no list of a policy.
    #[must_use]
    pub(super) const fn with_unknown(self) -> Self {
        Self(self.0 | Self::UNKNOWN)
    }

    /// Whether every method of the set is in `other`, unknown ones included.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether the sets share a method.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 & !Self::UNKNOWN != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The methods, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL
            .iter()
            .copied()
            .filter(move |method| self.contains(*method))
    }
}

impl FromIterator<Method> for MethodSet {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        methods.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for MethodSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_reads_back_and_has_a_place_of_its_own() {
        // The last bit is for the methods that we do not know.
        assert!(Method::ALL.len() < 32);
        for method in Method::ALL {
            assert_eq!(method.as_str().parse(), Ok(*method));
        }
        assert_eq!(MethodSet::ALL.iter().count(), Method::ALL.len());
    }

    #[test]
    fn a_set_is_safe_if_all_of_it_is() {
        let get = MethodSet::EMPTY.with(Method::Get);
        assert!(get.is_safe() && get.with(Method::Head).is_safe());
        assert!(!get.with(Method::Post).is_safe() && !get.with_unknown().is_safe());
    }

    #[test]
    fn methods_are_case_sensitive() {
        assert_eq!(
            "post".parse::<Method>(),
            Err(UnknownMethod("post".to_owned()))
        );
    }
}
