//! The texts of our JSON that are one of a few words, as the description of our endpoints has them.

use crate::domain::{Factor, Reason};
use crate::verification::ApprovalState;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Declares a type that stands for one of some words.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident as $title:literal = $words:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let words: Vec<&str> = $words;
                json_schema!({ "type": "string", "enum": words })
            }
        }
    )*};
}

words! {
    /// What became of a request for approval, or that none was made.
    ApprovalStateWord as "ApprovalState" = {
        let states = ApprovalState::ALL.iter().map(|state| state.as_str());
        std::iter::once("unasked").chain(states).collect()
    };
    /// A way to prove who one is.
    FactorWord as "Factor" = Factor::BY_PREFERENCE.into_iter().map(Factor::as_str).collect();
    /// Why a request is refused.
    ReasonWord as "Reason" = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
}
