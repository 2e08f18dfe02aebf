//! Verification: a challenge is opened, answered factor by factor, and earns a mark and a grant.
//!
//! No HTTP here: the caller has parsed the request and identified its session, and renders the
//! outcome. Secrets arrive and leave as `Secret`.

mod answer;
mod answering;
mod approval;
mod approval_said;
mod approval_view;
mod approvers;
mod browser_key;
mod count;
mod counted_by;
mod device;
mod directory;
mod enroll;
mod error;
mod factors;
mod form;
mod locks;
mod oidc;
mod opened;
mod outcome;
mod password_hash;
mod send;
mod services;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod trial;
mod usable;
mod verifier;

pub use answering::Answering;
pub use approval::TakeUp;
pub use approval_view::{ApprovalState, ApprovalView, DecidedBy};
pub use approvers::{ApprovalAnswer, Decided};
pub use browser_key::{
    BROWSER_KEY_LEN, anti_forgery_matches, anti_forgery_token, hash_browser_key, key_of_code,
    looks_like_browser_key, new_browser_key, previous_browser_key_hash,
};
pub use counted_by::CountedBy;
pub use device::{
    DeviceAsker, DeviceFound, DeviceGrant, DeviceOffer, DevicePoll, DeviceState, DeviceView,
    OpenedForDevice,
};
pub use directory::{EmailSubjects, find_user, open_alternatives};
pub use enroll::{
    ChangeKind, CredentialChange, Enrollment, NewAddress, NewTotp, WeakPassword, edit_user,
};
pub use error::VerifyError;
pub use factors::{
    AnswerValue, FactorSources, Input, MAX_CODE_LIFE, MailState, NoRelyingParty, PasskeyOptions,
    PasskeyRequest, RelyingParty, TotpSecret, TotpSecretError, bootstrap_code, codes_left,
    input_of, usable_factors,
};
pub use form::{CarriedForm, FormOwner, MAX_SEALED_FORM};
pub use locks::{Lock, Locks};
pub use oidc::{
    AuthorizationResponse, BegunSignIn, ClientAuthentication, EndedSignIns, LogoutError,
    OidcOptions, OidcProvider, ProviderState, SignIn, SignInAttempt, SignInError, SignInRequest,
};
pub use outcome::{AnswerOutcome, AwaitingApproval, Refusal, Success};
pub use password_hash::{
    Busy, Checked, HashFault, MAX_MEMORY_KIB, MAX_PASSWORD, MAX_WORK_KIB, PasswordChecker,
    PasswordCost, PasswordError, PasswordSettings, StartError, accept_hash, hash_password,
};
pub use send::Sending;
pub use services::{FirstEnrollment, Services, VerificationSettings};
pub use throttle::{Bar, Limit, Limits};
pub use token::{MAX_TOKEN, open_challenge, seal_challenge};
pub use trial::{NotJudged, PasswordSource, PasswordTrial, TrialResult};
pub use verifier::{AvailableFactors, Claimant, EndpointCaller, NewChallenge, Status, Verifier};
