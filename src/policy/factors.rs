//! Which factors a route accepts.

use super::invalid::{Invalid, valid};
use super::raw::RawRoute;
use crate::domain::{Alternatives, Factor, FactorSet, RiskLevel, Route, UnknownFactor};
use crate::yaml::{File, Path, clip, nearest};

/// Reads `factors`, or takes those of the level.
pub(super) fn compile(
    list: Option<&[String]>,
    level: RiskLevel,
    is_strict: bool,
    file: &mut File,
    at: &Path,
) -> Option<Alternatives> {
    let is_barred = |factor| is_strict && level >= RiskLevel::High && factor == Factor::EmailCode;
    let Some(list) = list else {
        let mut usual = match level {
            RiskLevel::Low | RiskLevel::Medium => Factor::ALL.to_vec(),
            RiskLevel::High | RiskLevel::Critical => Factor::BY_PREFERENCE.to_vec(),
        };
        usual.retain(|factor| factor.opens(level) && !is_barred(*factor));
        return Alternatives::any_of(&usual);
    };
    let at = at.key("factors");
    let mut sets: Vec<FactorSet> = Vec::new();
    let mut is_valid = true;
    for (index, word) in list.iter().enumerate() {
        let at = at.item(index);
        let Some(set) = valid(alternative(word), file, &at) else {
            is_valid = false;
            continue;
        };
        if set.iter().any(is_barred) {
            is_valid = false;
            file.report_with_hint(
                &at,
                "`email_code` is barred above level 2 by `preset: strict`",
                "NIST SP 800-63B-4 does not count e-mail as an authenticator",
            );
        }
        if let Some(enough) = sets.iter().find(|known| set.covers(**known)) {
            let message = format!("`{word}` is never needed: `{}` is enough", joined(*enough));
            file.warn(&at, message);
        }
        sets.push(set);
    }
    let alternatives = is_valid.then(|| Alternatives::new(sets));
    if let Some(None) = alternatives {
        file.report_with_hint(
            &at,
            "no factor is named",
            "leave it out for those of the level",
        );
    }
    alternatives.flatten()
}

/// Reads `oidc.acr`: which authentication contexts a sign-in at the identity provider must have.
pub(super) fn acr(
    raw: &RawRoute,
    factors: Option<&Alternatives>,
    file: &mut File,
    at: &Path,
) -> Option<Vec<String>> {
    let Some(written) = raw.oidc.as_ref().and_then(|oidc| oidc.acr.as_ref()) else {
        return Some(Vec::new());
    };
    let at = at.key("oidc").key("acr");
    if factors.is_some_and(|factors| !factors.mentioned().contains(Factor::Oidc)) {
        let message = "never asked for: `factors` does not name `oidc`";
        file.warn(&at, message);
    }
    let mut all = Vec::new();
    for (at, text) in written.with_paths(&at) {
        // OpenID Connect Core §3.1.2.1: `acr_values` is a list with blanks between the values.
        let is_value =
            (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let value = is_value.then(|| text.clone()).ok_or_else(|| {
            Invalid::new(format!("`{}` is no authentication context", clip(text)))
                .hint("a value of `acr` that the provider knows, such as `gold` or `urn:example:mfa`, without blanks")
        });
        all.push(valid(value, file, &at));
    }
    all.into_iter().collect()
}

/// `password+totp`: both.
fn alternative(text: &str) -> Result<FactorSet, Invalid> {
    text.split('+').try_fold(FactorSet::EMPTY, |set, word| {
        let factor = factor(word.trim())?;
        if set.contains(factor) {
            return Err(Invalid::new(format!(
                "`{factor}` is named twice in `{text}`"
            )));
        }
        Ok(set.with(factor))
    })
}

/// A factor that policies may name.
pub(super) fn factor(word: &str) -> Result<Factor, Invalid> {
    let in_policies = |factor: &Factor| factor.is_in_policies();
    let found = word.parse().ok().filter(in_policies);
    found
        .ok_or_else(|| UnknownFactor(word.to_owned()))
        .map_err(|unknown| {
            let known: Vec<_> = { Factor::ALL.into_iter() }
                .filter(in_policies)
                .map(Factor::as_str)
                .collect();
            let invalid = Invalid::new(unknown.to_string());
            match nearest(word, &known) {
                Some(near) => invalid.hint(format!("did you mean `{near}`?")),
                None => invalid,
            }
        })
}

fn joined(set: FactorSet) -> String {
    let words: Vec<&str> = set.iter().map(Factor::as_str).collect();
    words.join("+")
}

/// Says once in a file that codes by e-mail open its high routes: the default, and worth knowing.
pub(super) fn note_email_codes(routes: &[Route], file: &mut File) {
    let is_open = |route: &&Route| {
        let factors = &route.requirement.factors;
        let email = FactorSet::EMPTY.with(Factor::EmailCode);
        route.requirement.level >= RiskLevel::High && factors.satisfied_by(email)
    };
    let open = routes.iter().filter(is_open).count();
    if open > 0 {
        let routes = if open == 1 { "route" } else { "routes" };
        file.note(
            "routes",
            format!(
                "a code sent by e-mail is enough for {open} {routes} above level 2; `preset: strict` bars it"
            ),
        );
    }
}
