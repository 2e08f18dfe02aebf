//! `stepgate explain`: which routes guard a request, what is required, and what would pass.

mod request;
mod words;

use super::arguments::Explain;
use super::error::CliError;
use super::output::{Output, plural};
use super::store::on_store_of;
use crate::domain::{
    Applicability, Body, DefaultAction, Enforcement, Explained, Factor, FactorSet, RequestHead,
    RequestPath, Requirement, RouteTable, claimed_methods,
};
use crate::policy;
use crate::settings::{self, Settings};
use crate::verification::open_alternatives;
use request::SampleRequest;
use words::factors;

pub(super) fn run(arguments: &Explain, out: &mut Output) -> Result<(), CliError> {
    let settings = settings::load(&arguments.config.config).map_err(CliError::Configuration)?;
    let policies =
        policy::load(&settings.policies, &settings.groups).map_err(CliError::Configuration)?;
    let table =
        RouteTable::new(policies.routes, policies.default).map_err(crate::app::AppError::from)?;
    let request = SampleRequest::read(arguments)?;
    let applying = describe(&request, &table, &settings, out)?;
    match &arguments.user {
        Some(name) if !applying.is_empty() => of_user(settings, name, &applying, out),
        Some(_) | None => Ok(()),
    }
}

/// Writes what is known of the request, and answers the routes that apply or may apply.
fn describe(
    request: &SampleRequest,
    table: &RouteTable,
    settings: &Settings,
    out: &mut Output,
) -> Result<Vec<Explained>, CliError> {
    writeln!(out, "{} {}", request.method.as_str(), request.target())?;
    let path = match RequestPath::of_target(
        &request.path,
        request.query.as_deref(),
        &settings.web.accept,
    ) {
        Ok(path) => path,
        Err(refused) => {
            writeln!(
                out,
                "\nRefused before any route is asked (400 ambiguous-request):"
            )?;
            writeln!(out, "  {refused}")?;
            return Ok(Vec::new());
        }
    };
    if settings.web.site.is_own(&path) {
        writeln!(
            out,
            "\nOne of our own endpoints; it never reaches the application."
        )?;
        return Ok(Vec::new());
    }
    let readings: Vec<&str> = path.readings().collect();
    if readings.len() > 1 {
        writeln!(
            out,
            "\nThe path has {} readings, and each of them counts:",
            readings.len()
        )?;
        for reading in readings {
            writeln!(out, "  {reading}")?;
        }
    }
    let query = request.query.as_deref();
    let head = RequestHead {
        method: request.method,
        claimed: claimed_methods(request.method, &request.headers, &path, query),
        host: &request.host,
        path: &path,
        query,
        headers: &request.headers,
        upgrades: request.upgrades(),
    };
    let body = match Body::read(&request.headers, &request.body) {
        Ok(body) => Some(body),
        Err(refusal) => {
            writeln!(out, "\nNo guarded route would take this body: {refusal}")?;
            None
        }
    };
    let explained = table.explain(&head, body.as_ref());
    let (near, far): (Vec<_>, Vec<_>) = explained.into_iter().partition(Explained::path_holds);
    for route in &near {
        write_route(route, out)?;
    }
    let far = far.len();
    if far > 0 {
        let others = if near.is_empty() { "" } else { "other " };
        let (routes, have) = (plural(far, "route"), if far == 1 { "has" } else { "have" });
        writeln!(out, "\n{far} {others}{routes} {have} another path.")?;
    }
    let applying: Vec<_> = near
        .into_iter()
        .filter(|route| route.verdict != Applicability::Fails)
        .collect();
    conclude(&applying, table, out)?;
    Ok(applying)
}

fn write_route(explained: &Explained, out: &mut Output) -> Result<(), CliError> {
    let route = &explained.route;
    let answer = match &explained.verdict {
        Applicability::Fails => "does not apply".to_owned(),
        Applicability::Holds => "applies".to_owned(),
        Applicability::Refused(why) => format!("refuses the request: {why}"),
        Applicability::WaitsForBody => "may apply: the body decides".to_owned(),
    };
    writeln!(out, "\nRoute `{}` {answer}", route.id)?;
    for part in &explained.parts {
        let mark = match part.verdict {
            Applicability::Fails => "no ",
            Applicability::Holds => "yes",
            Applicability::Refused(_) | Applicability::WaitsForBody => "?  ",
        };
        writeln!(out, "  {mark}  {}", part.asked)?;
    }
    if explained.verdict != Applicability::Fails {
        words::write_requirement(&route.requirement, out)?;
    }
    Ok(())
}

fn conclude(applying: &[Explained], table: &RouteTable, out: &mut Output) -> Result<(), CliError> {
    writeln!(out)?;
    match (applying, table.default_action()) {
        ([], DefaultAction::Forward) => {
            writeln!(
                out,
                "No route applies: forwarded, by the policies' default."
            )?;
        }
        ([], DefaultAction::Deny) => {
            writeln!(out, "No route applies: refused, by the policies' default.")?;
        }
        ([one], _) if one.route.requirement.enforcement == Enforcement::Report => {
            writeln!(out, "Forwarded in any case: the route only reports.")?;
        }
        ([_], _) => writeln!(out, "Forwarded if this is met.")?,
        (several, _) => {
            writeln!(
                out,
                "Forwarded if all {} are met; the strictest is asked first.",
                several.len()
            )?;
        }
    }
    Ok(())
}

/// By which of the factors asked for a user of the directory could pass.
fn of_user(
    settings: Settings,
    name: &str,
    applying: &[Explained],
    out: &mut Output,
) -> Result<(), CliError> {
    let brings_addresses = settings.brings_addresses();
    on_store_of(settings, None, async |context| {
        let id = context.user_id(name)?;
        let user = context.store.user(&id).await?;
        let usable = context.factors(&id, user.as_ref());
        match &user {
            None => writeln!(out, "The directory knows no user `{id}`.")?,
            Some(user) if usable.is_empty() => {
                writeln!(out, "User `{}` has no factor that can be shown.", user.id)?;
            }
            Some(user) => writeln!(
                out,
                "User `{}` can show: {}.",
                user.id,
                factors(usable, ", ")
            )?,
        }
        let brought = if brings_addresses {
            usable.with(Factor::EmailCode)
        } else {
            usable
        };
        for explained in applying {
            let requirement = &explained.route.requirement;
            let open = ways(requirement, usable);
            let answer = match (open, ways(requirement, brought)) {
                (Some(open), _) => format!("can be met by {open}"),
                (None, Some(open)) => format!(
                    "can be met by {open}, if the application or the proxy names an address"
                ),
                (None, None) => "cannot be met (method-not-enrolled)".to_owned(),
            };
            writeln!(out, "  {}: {answer}", explained.route.id)?;
        }
        Ok(())
    })
}

/// By what somebody with these factors could meet a requirement, if by anything.
fn ways(requirement: &Requirement, usable: FactorSet) -> Option<String> {
    let open = open_alternatives(requirement, usable);
    let ways: Vec<_> = open.iter().map(|set| factors(*set, " and ")).collect();
    (!ways.is_empty()).then(|| ways.join(", or "))
}
