//! Whose passkeys are asked for.

use super::Draft;
use crate::domain::Origin;
use crate::settings::raw::RawPasskeys;
use crate::verification::{NoRelyingParty, RelyingParty};
use crate::yaml::Path;

/// The relying party for pages of `origin`, which authenticators know as `name`; or why there is none, which
/// is a mistake only where somebody asks for it.
pub(super) fn compile(
    raw: Option<&RawPasskeys>,
    origin: Option<&Origin>,
    name: &str,
    draft: &mut Draft<'_>,
) -> Result<RelyingParty, NoRelyingParty> {
    let id = raw.and_then(|raw| raw.rp_id.as_deref());
    let party = origin
        .ok_or(NoRelyingParty::NoPublicUrl)
        .and_then(|origin| RelyingParty::new(id, origin, name));
    if let (Some(_), Err(error)) = (raw, &party) {
        let at = Path::root().key("verification");
        let at = match error {
            NoRelyingParty::OtherSite { .. } => at.key("passkeys").key("rp_id"),
            NoRelyingParty::Address(_)
            | NoRelyingParty::Insecure(_)
            | NoRelyingParty::NoPublicUrl => at.name("passkeys"),
        };
        draft
            .file
            .report_with_hint(&at, error.to_string(), PASSKEY_HINT);
    }
    party
}

/// What helps against each reason.
pub(in crate::settings) const PASSKEY_HINT: &str =
    "`public_url: https://app.example.com`, or `http://localhost:8080` to try";
