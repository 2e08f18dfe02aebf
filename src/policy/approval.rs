//! Whose approval a route asks for.

use super::binding::Bound;
use super::field::RouteFields;
use super::invalid::{Invalid, valid};
use super::matching::may_have_body;
use super::raw::{RawApproval, RawPurpose};
use super::words::{name, phrase};
use crate::domain::{ApprovalRule, Binding, Groups, PurposeRule, RiskLevel, Subject};
use crate::yaml::{File, OneOrMore, Path, Span, clip, suggestion};
use std::time::Duration;

/// Compiles `approval` of the route at `at`. What its grants are bound to is shown, too: it is what is approved.
pub(super) fn compile(
    raw: &RawApproval,
    route: &RouteFields<'_>,
    bound: &mut Bound,
    groups: &Groups,
    file: &mut File,
    at: &Path,
) -> Option<ApprovalRule> {
    let at = at.key("approval");
    if route.level < RiskLevel::High {
        let message = "below level 3 a fresh session passes, and nobody is asked to approve";
        file.report_with_hint(&at, message, "approvals begin at level 3");
    } else if !route.needs_grant {
        let message = "what is approved is one action, and `scope: session` opens all of them";
        file.report_with_hint(&at, message, "leave out `scope`, or say `scope: action`");
    } else if bound.bind == Binding::Nothing {
        file.warn_with_hint(
            &at,
            "approvers do not see for which request: the approval is good for any of this action",
            "bind what matters, such as `bind: [path.id]`, and `show` it",
        );
    } else if bound.bind == Binding::Request
        && bound.show.is_empty()
        && may_have_body(route.methods)
    {
        file.warn_with_hint(
            &at,
            "approvers see where the request goes, and not what is in it",
            "`show` the fields that matter, such as `show: { sum: form.sum }`",
        );
    }
    show_all(bound, file, &at);
    let Some(by) = &raw.by else {
        let hint = "a group of the settings, such as `by: payroll`, or a list of people, such as `by: [alice, bob]`";
        file.report_missing(&at, "by", Some(hint));
        return None;
    };
    let within = within(raw.within, file, &at);
    let at = at.key("by");
    let (group, approvers) = match by.single() {
        Some(group) if !group.starts_with(GROUP) => {
            let approvers = members(group, groups, file, &at);
            (Some(group.clone()), approvers.map(|all| (all, Vec::new())))
        }
        Some(_) | None => (None, people(by, groups, file, &at)),
    };
    let (approvers, asserted) = approvers?;
    if let ([only], true) = (&approvers[..], asserted.is_empty()) {
        file.warn_with_hint(
            &at,
            format!("`{only}` alone can approve, and not what they ask for themselves"),
            "name two people or more",
        );
    }
    Some(ApprovalRule {
        group,
        approvers,
        asserted,
        purpose: match raw.text {
            Some(RawPurpose::Optional) => PurposeRule::Optional,
            Some(RawPurpose::Required) | None => PurposeRule::Required,
        },
        within: within?,
    })
}

/// Adds what is bound to what is shown.
fn show_all(bound: &mut Bound, file: &mut File, at: &Path) {
    // Of a whole request the challenge shows where it goes; what is in it is named by `show`.
    let fields = match &bound.bind {
        Binding::Fields(fields) => &fields[..],
        Binding::Nothing | Binding::Request => &[],
    };
    for field in fields {
        if !bound.show.iter().any(|(_, shown)| shown == field) {
            bound.show.push((field.to_string(), field.clone()));
        }
    }
    if bound.show.len() > MOST_SHOWN {
        let message = format!(
            "{} values are bound or shown, and approvers can see {MOST_SHOWN}",
            bound.show.len()
        );
        file.report_with_hint(at, message, "bind and show what an approver must know");
    }
}

fn within(written: Option<Span>, file: &mut File, at: &Path) -> Option<Duration> {
    let within = written.map_or(USUAL, |Span(within)| within);
    if within < SHORTEST || within > LONGEST {
        let message = format!("within {} is outside 1m..=1d", Span(within));
        file.report(at.key("within"), message);
        return None;
    }
    Some(within)
}

/// The people of a group of the settings.
fn members(group: &str, groups: &Groups, file: &mut File, at: &Path) -> Option<Vec<Subject>> {
    let group = valid(name(group), file, at)?;
    let Some(members) = groups.members(group) else {
        let known: Vec<&str> = groups.names().collect();
        let hint = if known.is_empty() {
            format!(
                "`groups` of the settings names none; people are written as a list: `by: [{group}]`"
            )
        } else {
            suggestion(group, &known)
        };
        file.report_with_hint(at, format!("there is no group `{group}`"), hint);
        return None;
    };
    if members.is_empty() && !groups.is_unread() {
        let hint = "name people under `groups` of the settings";
        file.report_with_hint(at, format!("nobody is in the group `{group}`"), hint);
        return None;
    }
    Some(members.to_vec())
}

/// People, by their names and by groups, each once; and the groups whose people the source names.
fn people(
    by: &OneOrMore<String>,
    groups: &Groups,
    file: &mut File,
    at: &Path,
) -> Option<(Vec<Subject>, Vec<String>)> {
    if by.items().is_empty() {
        file.report_with_hint(at, "nobody is named", "name two people or more");
        return None;
    }
    let (mut people, mut asserted) = (Vec::<Subject>::new(), Vec::new());
    for (at, name) in by.with_paths(at) {
        if let Some(group) = name.strip_prefix(GROUP) {
            // What the settings say of a group is all of it: whoever fills the source cannot add to it.
            if groups.members(group).is_some() && !groups.is_unread() {
                for person in members(group, groups, file, &at)? {
                    if !people.contains(&person) {
                        people.push(person);
                    }
                }
            } else {
                asserted.push(asserted_group(group, groups, file, &at)?);
            }
            continue;
        }
        let person = groups
            .person(name)
            .ok_or_else(|| Invalid::new(format!("`{}` is no name of a person", clip(name))));
        let person = valid(person, file, &at)?;
        if people.contains(&person) {
            file.warn(&at, format!("`{person}` is named twice"));
        } else {
            people.push(person);
        }
    }
    Some((people, asserted))
}

/// A group whose people the source of subjects names.
fn asserted_group(group: &str, groups: &Groups, file: &mut File, at: &Path) -> Option<String> {
    let group = valid(phrase(group, 256), file, at)?;
    if !groups.are_asserted() {
        let known: Vec<&str> = groups.names().collect();
        let hint = "name its people under `groups` of the settings, or say where the source of subjects names \
                    people's groups, such as `session.headers.groups: remote-groups`";
        let hint = match suggestion(&group, &known) {
            _ if known.is_empty() => hint.to_owned(),
            suggestion => format!("{suggestion}; or {hint}"),
        };
        file.report_with_hint(
            at,
            format!("nobody says who is in the group `{group}`"),
            hint,
        );
        return None;
    }
    Some(group)
}

/// How a group is named among people.
const GROUP: &str = "group:";
/// As many as a challenge holds, beside where the request goes.
const MOST_SHOWN: usize = 7;
const USUAL: Duration = Duration::from_hours(1);
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(24);
