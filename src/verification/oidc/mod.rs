//! A fresh sign-in at the identity provider: `OpenID` Connect Core 1.0, authorization code flow with PKCE.
//!
//! Beginning one writes a record that the answer takes, once. What the provider's answer proves is that the
//! session's subject has just signed in there: nothing is believed but its signed ID token.

mod attempt;
mod error;
mod flow;
mod id_token;
mod judge;
mod logout;
mod proof;
mod provider;
mod requests;
mod response;

pub use attempt::SignInAttempt;
pub use error::SignInError;
pub use flow::{BegunSignIn, SignInRequest};
pub(super) use id_token::ProviderProof;
pub use logout::{EndedSignIns, LogoutError};
pub use provider::{ClientAuthentication, OidcOptions, OidcProvider, ProviderState};
pub use response::{AuthorizationResponse, SignIn};
