//! A requirement in words.

use crate::cli::output::Output;
use crate::domain::{Binding, Enforcement, Factor, FactorSet, Requirement, RiskLevel, Scope};
use crate::yaml::Span;
use std::io;

/// Writes what a route requires, and what would pass.
pub(super) fn write_requirement(requirement: &Requirement, out: &mut Output) -> io::Result<()> {
    let name = level_name(requirement.level);
    writeln!(out, "  requires level {} ({name})", requirement.level)?;
    writeln!(
        out,
        "    action     {} ({})",
        requirement.action, requirement.title
    )?;
    let sets = requirement.factors.sets().iter();
    let ways: Vec<_> = sets.map(|set| factors(*set, " and ")).collect();
    writeln!(out, "    by         {}", ways.join(", or "))?;
    writeln!(out, "    passes     {}", passes(requirement))?;
    match &requirement.bind {
        Binding::Nothing => {}
        Binding::Request => {
            writeln!(
                out,
                "    bound to   method, host, path, query and the whole body"
            )?;
        }
        Binding::Fields(fields) => {
            let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
            writeln!(out, "    bound to   method, host and {}", fields.join(", "))?;
        }
    }
    if let Some(phrase) = &requirement.confirm {
        writeln!(out, "    confirm    the person types `{phrase}`")?;
    }
    if let Some(rule) = &requirement.approval {
        let in_groups = rule
            .asserted
            .iter()
            .map(|group| format!("those in {group}"));
        let names = rule.approvers.iter().map(ToString::to_string);
        let names: Vec<_> = names.chain(in_groups).collect();
        let group = rule.group.as_ref().map(|group| format!(" (group {group})"));
        writeln!(
            out,
            "    approval   by one of {}{}, within {}",
            names.join(", "),
            group.unwrap_or_default(),
            Span(rule.within)
        )?;
    }
    if let Some(inline) = &requirement.inline {
        writeln!(
            out,
            "    inline     {} in the header {}, which the application never gets",
            inline.factor, inline.header
        )?;
    }
    if let Some(span) = requirement.open_for {
        writeln!(
            out,
            "    open for   {}, then what it opened is ended",
            Span(span)
        )?;
    }
    if requirement.enforcement == Enforcement::Report {
        writeln!(
            out,
            "    report     nothing is refused; what would be is recorded"
        )?;
    }
    Ok(())
}

/// Factors in words, such as `password and totp`.
pub(super) fn factors(set: FactorSet, between: &str) -> String {
    let names: Vec<_> = set.iter().map(Factor::as_str).collect();
    names.join(between)
}

fn passes(requirement: &Requirement) -> String {
    let window = Span(requirement.max_age);
    if requirement.needs_grant() && requirement.single_use {
        format!("with a grant for this action, less than {window} old, spent by the request")
    } else if requirement.needs_grant() {
        format!("with a grant for this action, less than {window} old")
    } else if requirement.accepts_fresh_sign_in() {
        format!("if the session signed in or was verified less than {window} ago")
    } else {
        let scope = match requirement.scope {
            Scope::Action => "by these factors ",
            Scope::Session => "",
        };
        format!("if the session was verified {scope}less than {window} ago")
    }
}

const fn level_name(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::Low => "low",
        RiskLevel::Medium => "medium",
        RiskLevel::High => "high",
        RiskLevel::Critical => "critical",
    }
}
