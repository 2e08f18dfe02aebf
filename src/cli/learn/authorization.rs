//! What `Authorization` brings: passwords of HTTP, and signed tokens.

use super::exchange::SeenExchange;
use super::findings::{Findings, FoundBasic, FoundToken};
use data_encoding::BASE64URL_NOPAD;
use http::header;
use serde_json::Value;

/// Looks for them. `typed` is the name by which somebody has logged in.
pub(super) fn find(exchanges: &[SeenExchange], typed: Option<&str>, found: &mut Findings) {
    let mut schemes = exchanges.iter().filter_map(scheme);
    found.authorization = schemes.find_map(|scheme| match scheme.as_str() {
        "bearer" => Some("Bearer"),
        "basic" => Some("Basic"),
        _ => None,
    });
    // Beside a login, the password may be one for everybody.
    if found.logins.is_empty() {
        found.basic = basic(exchanges);
    }
    let mut tokens = exchanges.iter().enumerate();
    found.token = tokens.find_map(|(at, exchange)| {
        let line = exchange.authorization.as_deref()?;
        let is_taken = exchange.status < 400 && scheme(exchange)? == "bearer";
        token(at, line.split(' ').next_back()?, typed).filter(|_| is_taken)
    });
}

fn scheme(exchange: &SeenExchange) -> Option<String> {
    let line = exchange.authorization.as_deref()?;
    Some(line.split(' ').next()?.to_ascii_lowercase())
}

/// A page that asks for a password, and that is then shown to who has one; of several the shortest.
fn basic(exchanges: &[SeenExchange]) -> Option<FoundBasic> {
    let asks = |exchange: &SeenExchange| {
        let lines = exchange.headers.get_all(header::WWW_AUTHENTICATE).iter();
        let mut schemes = lines.filter_map(|line| line.as_bytes().get(..5));
        exchange.status == 401 && schemes.any(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
    };
    let takes = |exchange: &SeenExchange| {
        (200..300).contains(&exchange.status) && scheme(exchange).is_some_and(|it| it == "basic")
    };
    let asked = exchanges.iter().filter(|exchange| asks(exchange));
    let is_taken = |path: &&String| {
        let mut answers = exchanges.iter();
        answers.any(|exchange| exchange.path == **path && takes(exchange))
    };
    let paths = asked.map(|exchange| &exchange.path).filter(is_taken);
    let path = paths.min_by_key(|path| path.len())?;
    let places = |wanted: &dyn Fn(&SeenExchange) -> bool| {
        let all = exchanges.iter().enumerate();
        let here = all.filter(|(_, exchange)| exchange.path == *path && wanted(exchange));
        here.map(|(at, _)| at).collect()
    };
    Some(FoundBasic {
        path: path.clone(),
        taken: places(&takes),
        refused: places(&asks),
    })
}

/// A token, if it is a signed one (RFC 7519).
fn token(at: usize, text: &str, typed: Option<&str>) -> Option<FoundToken> {
    let [head, claims, _] = <[&str; 3]>::try_from(text.split('.').collect::<Vec<_>>()).ok()?;
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok()
    };
    let (head, claims) = (read(head)?, read(claims)?);
    let claim = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
    let typed = SUBJECTS
        .iter()
        .find(|name| typed.is_some() && claims.get(**name).and_then(Value::as_str) == typed);
    let named = || SUBJECTS.iter().find(|name| claim(name).is_some());
    let audience = match claims.get("aud") {
        Some(Value::Array(several)) => several.first()?.as_str().map(str::to_owned),
        _ => claim("aud"),
    };
    Some(FoundToken {
        at,
        algorithm: head.get("alg")?.as_str()?.to_owned(),
        issuer: claim("iss"),
        audience,
        subject: format!("/{}", typed.or_else(named)?),
    })
}

/// Claims that name the user, the surest to be a name that people know first (`OpenID` Connect Core §5.1).
const SUBJECTS: &[&str] = &[
    "preferred_username",
    "username",
    "user_name",
    "upn",
    "email",
    "sub",
];
