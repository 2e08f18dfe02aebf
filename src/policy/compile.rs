//! From what is written to what is meant: routes, with the defaults of their levels.

use super::approval;
use super::binding;
use super::factors;
use super::field::{GRANT_FROM, NO_GRANT, RouteFields};
use super::inline;
use super::invalid::{Invalid, valid};
use super::matching::{self, Matched};
use super::raw::{RawEnforcement, RawLevel, RawPolicy, RawPreset, RawRoute, RawScope};
use super::words::{humanize, name, phrase};
use crate::domain::{
    Action, Binding, Enforcement, Groups, MethodSet, Requirement, RiskLevel, Route, RouteId, Scope,
    Title,
};
use crate::yaml::{File, Path, Span};
use std::sync::Arc;
use std::time::Duration;

/// Compiles the routes of one file; whatever is wrong is reported to the file.
pub(super) fn routes(raw: &RawPolicy, groups: &Groups, file: &mut File) -> Vec<Route> {
    match raw.version {
        Some(1) => {}
        Some(other) => file.report(
            "version",
            format!("version {other} is not known; this Stepgate reads version 1"),
        ),
        None => file.report_missing(Path::root(), "version", Some("write `version: 1`")),
    }
    // Neither is assumed: `forward` opens what somebody thinks is closed, and `deny` stops an
    // application.
    if raw.default.is_none() {
        let hint = "say what happens to requests that no route matches: `forward` or `deny`";
        file.report_missing(Path::root(), "default", Some(hint));
    }
    if raw.routes.is_none() {
        file.report_missing(Path::root(), "routes", Some("`routes: []` is none"));
    }
    let mut routes = Vec::new();
    for (index, route) in raw.routes.iter().flatten().enumerate() {
        let at = Path::root().key("routes").item(index);
        let compiled = RouteDraft::new(route, raw.preset).compile(groups, file, &at);
        // A route must never be lost in silence.
        if compiled.is_none() && !file.has_mistakes() {
            file.report(&at, "this route could not be understood");
        }
        routes.extend(compiled);
    }
    factors::note_email_codes(&routes, file);
    routes
}

/// A route on its way from raw to meaning. What is wrong is reported and then left out: a file with
/// a mistake in it is not used at all.
struct RouteDraft<'a> {
    raw: &'a RawRoute,
    is_strict: bool,
}

impl<'a> RouteDraft<'a> {
    fn new(raw: &'a RawRoute, preset: Option<RawPreset>) -> Self {
        // A route cannot be less strict than its file.
        let is_strict = [raw.preset, preset].contains(&Some(RawPreset::Strict));
        Self { raw, is_strict }
    }

    fn compile(&self, groups: &Groups, file: &mut File, at: &Path) -> Option<Route> {
        let id = self.id(file, at);
        let action = self.action(file, at);
        let title = self.title(file, at);
        let matched = self.matched(file, at);
        let written = self.level(file, at);
        // One run reports all mistakes: without a level the rest is judged as at the one that refuses least.
        let level = written.unwrap_or(RiskLevel::High);
        let is_strict = self.is_strict && written.is_some();
        let factors = factors::compile(self.raw.factors.as_deref(), level, is_strict, file, at);
        let acr = factors::acr(self.raw, factors.as_ref(), file, at);
        let max_age = self.max_age(level, file, at);
        let open_for = self.open_for(file, at);
        let scope = self.scope(level, file, at);
        let needs_grant = level >= RiskLevel::High && scope != Some(Scope::Session);
        let single_use = self.single_use(level, needs_grant, file, at);
        let confirm = self.confirm(needs_grant, file, at);
        let available = RouteFields {
            captures: matched.as_ref().map(|matched| &*matched.captures),
            methods: (matched.as_ref()).map_or(MethodSet::ALL, |matched| matched.matcher.methods),
            level,
            needs_grant,
        };
        let mut bound = binding::compile(self.raw, &available, file, at);
        let device = self.device(level, is_strict, file, at);
        let rule = self.raw.approval.as_ref();
        let rule = rule.map(|raw| approval::compile(raw, &available, &mut bound, groups, file, at));
        if bound.anchor.is_some() && single_use == Some(true) && bound.bind != Binding::Request {
            file.report_with_hint(
                at.key("anchor"),
                "opening this page would use up the grant that the form needs",
                "drop the anchor, or say `single_use: false`",
            );
        }
        let inline = inline::compile(self.raw, factors.as_ref(), file, at);
        let requirement = Requirement {
            action: action?,
            title: title?,
            level: written?,
            factors: factors?,
            factors_narrowed: self.raw.factors.is_some(),
            acr: acr?,
            max_age: max_age?,
            scope: scope?,
            single_use: single_use?,
            bind: bound.bind,
            show: bound.show,
            confirm,
            approval: match rule {
                Some(rule) => Some(rule?),
                None => None,
            },
            inline: match self.raw.inline {
                Some(_) => Some(inline?),
                None => None,
            },
            device,
            anchor: bound.anchor,
            open_for,
            enforcement: self.enforcement(file, at),
        };
        Some(Route {
            id: RouteId::new(id?),
            matcher: matched?.matcher,
            requirement: Arc::new(requirement),
        })
    }

    fn id(&self, file: &mut File, at: &Path) -> Option<&'a str> {
        let Some(id) = self.raw.id.as_deref() else {
            file.report_missing(at, "id", None);
            return None;
        };
        valid(name(id), file, &at.key("id"))
    }

    /// An action is named after the route unless the policy names it.
    fn action(&self, file: &mut File, at: &Path) -> Option<Action> {
        let action = match self.raw.action.as_deref() {
            Some(action) => valid(name(action), file, &at.key("action")),
            None => self.raw.id.as_deref(),
        };
        action.map(Action::new)
    }

    fn title(&self, file: &mut File, at: &Path) -> Option<Title> {
        match &self.raw.title {
            Some(title) => title.compile(file, &at.key("title")),
            None => self.raw.id.as_deref().map(|id| humanize(id).into()),
        }
    }

    fn matched(&self, file: &mut File, at: &Path) -> Option<Matched> {
        let Some(raw) = &self.raw.r#match else {
            file.report_missing(at, "match", None);
            return None;
        };
        matching::compile(raw, file, &at.key("match"))
    }

    fn level(&self, file: &mut File, at: &Path) -> Option<RiskLevel> {
        let Some(RawLevel(number)) = self.raw.level else {
            file.report_missing(at, "level", Some("1 low, 2 medium, 3 high, 4 critical"));
            return None;
        };
        let level = RiskLevel::try_from(number).map_err(|error| {
            let invalid = Invalid::new(error.to_string());
            if number == 0 {
                return invalid
                    .hint("a route that asks for nothing is left out, or is an `except`");
            }
            invalid
        });
        valid(level, file, &at.key("level"))
    }

    fn max_age(&self, level: RiskLevel, file: &mut File, at: &Path) -> Option<Duration> {
        let Some(Span(max_age)) = self.raw.max_age else {
            return Some(match level {
                RiskLevel::Low | RiskLevel::Medium => Duration::from_mins(10),
                RiskLevel::High => Duration::from_mins(5),
                RiskLevel::Critical => Duration::from_mins(2),
            });
        };
        within_a_day("max_age", max_age, file, at)
    }

    fn open_for(&self, file: &mut File, at: &Path) -> Option<Duration> {
        let Span(span) = self.raw.open_for?;
        within_a_day("open_for", span, file, at)
    }

    fn scope(&self, level: RiskLevel, file: &mut File, at: &Path) -> Option<Scope> {
        match (level, self.raw.scope) {
            (RiskLevel::Low | RiskLevel::Medium, Some(RawScope::Action)) => {
                file.report_with_hint(
                    at.key("scope"),
                    "levels 1 and 2 are always for the session",
                    "a grant for one action begins at level 3",
                );
                None
            }
            (RiskLevel::Critical, Some(RawScope::Session)) => {
                file.report_with_hint(
                    at.key("scope"),
                    "a level 4 grant is for one request, never for the session",
                    "use level 3",
                );
                None
            }
            (RiskLevel::Low | RiskLevel::Medium, _) | (_, Some(RawScope::Session)) => {
                Some(Scope::Session)
            }
            (RiskLevel::High | RiskLevel::Critical, Some(RawScope::Action) | None) => {
                Some(Scope::Action)
            }
        }
    }

    fn single_use(
        &self,
        level: RiskLevel,
        needs_grant: bool,
        file: &mut File,
        at: &Path,
    ) -> Option<bool> {
        match self.raw.single_use {
            Some(true) if !needs_grant => {
                file.report_with_hint(at.key("single_use"), NO_GRANT, GRANT_FROM);
                None
            }
            Some(false) if level == RiskLevel::Critical => {
                let message =
                    "at level 4 without `single_use` a grant opens as often as it is used";
                file.warn(at.key("single_use"), message);
                Some(false)
            }
            Some(chosen) => Some(chosen),
            None => Some(level == RiskLevel::Critical),
        }
    }

    fn confirm(&self, needs_grant: bool, file: &mut File, at: &Path) -> Option<String> {
        let text = self.raw.confirm.as_deref()?;
        if !needs_grant {
            let message = "a fresh session passes this route without typing the phrase";
            file.warn(at.key("confirm"), message);
        }
        valid(phrase(text, 64), file, &at.key("confirm"))
    }

    /// Whether a program may have the proof given elsewhere. By NIST SP 800-63B-4 §3.2.5 such a proof does not resist
    /// phishing: whoever gives it is not in the session that it is for.
    fn device(&self, level: RiskLevel, is_strict: bool, file: &mut File, at: &Path) -> bool {
        let is_barred = is_strict && level >= RiskLevel::High;
        match self.raw.device {
            Some(true) if self.raw.approval.is_some() => {
                let message =
                    "what somebody else approves is asked for on a page, not by a program";
                let hint = "leave out `device`, or `approval`";
                file.report_with_hint(at.key("device"), message, hint);
                false
            }
            Some(true) if is_barred => {
                let message = "`device` is barred above level 2 by `preset: strict`";
                let hint = "its proof is given outside of the session that it is for";
                file.report_with_hint(at.key("device"), message, hint);
                false
            }
            Some(chosen) => chosen,
            None => !is_barred && self.raw.approval.is_none(),
        }
    }

    fn enforcement(&self, file: &mut File, at: &Path) -> Enforcement {
        match self.raw.enforcement {
            Some(RawEnforcement::Report) => {
                file.warn(at.key("enforcement"), "this route is reported, not guarded");
                Enforcement::Report
            }
            Some(RawEnforcement::Enforce) | None => Enforcement::Enforce,
        }
    }
}

/// The time, if it is one that a route may name.
fn within_a_day(key: &str, span: Duration, file: &mut File, at: &Path) -> Option<Duration> {
    if span < MIN_AGE || span > MAX_AGE {
        let shown = Span(span);
        file.report(at.key(key), format!("{key} {shown} is outside 1s..=1d"));
        return None;
    }
    Some(span)
}

const MIN_AGE: Duration = Duration::from_secs(1);
const MAX_AGE: Duration = Duration::from_hours(24);
