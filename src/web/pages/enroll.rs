//! The pages on which people set up what they prove themselves by.

use super::{PageLink, Site, Texts, render};
use crate::domain::{Factor, LocalPath, Secret};
use crate::locale::visible;
use askama::Template;
use qrcode::{Color, QrCode};
use std::fmt::Write as _;

/// What somebody has set up, and what they can set up.
#[derive(Clone, Debug)]
pub struct EnrollOverview {
    /// Whose it is, as the application names them.
    pub user: String,
    /// What is set up.
    pub items: Vec<EnrolledItem>,
    /// What can be set up, or anew.
    pub offers: Vec<Factor>,
    /// What has just been done.
    pub done: Option<EnrollDone>,
    /// Where the person came from.
    pub back: Option<LocalPath>,
    /// What ties the forms to this browser.
    pub anti_forgery: Secret<String>,
}

/// One thing that is set up.
#[derive(Clone, Debug)]
pub struct EnrolledItem {
    /// Of which kind it is.
    pub factor: Factor,
    /// Names it among those of its kind.
    pub id: String,
    /// What the person calls it.
    pub name: String,
    /// The day on which it was set up, if that is known.
    pub added_on: Option<String>,
    /// The day on which it was last used.
    pub used_on: Option<String>,
    /// How many codes are left, of recovery codes.
    pub left: Option<usize>,
}

/// What has just been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrollDone {
    /// Something was set up.
    Added(Factor),
    /// Something was removed.
    Removed(Factor),
}

/// One step of setting something up: what is to be read, and a form.
#[derive(Clone, Debug, Default)]
pub struct EnrollStep {
    /// The heading.
    pub heading: String,
    /// What is to be read.
    pub paragraphs: Vec<String>,
    /// What was wrong with the last answer.
    pub problem: Option<String>,
    /// A QR code: how many modules wide, and its dark ones as the data of an SVG path.
    pub qr: Option<(usize, String)>,
    /// What is to be typed elsewhere or kept.
    pub codes: Vec<String>,
    /// What is asked for, if anything is.
    pub form: Option<EnrollForm>,
    /// Where the person came from before the overview.
    pub back: Option<LocalPath>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct EnrollForm {
    /// Where it goes, below our prefix.
    pub action: &'static str,
    /// What goes along unseen.
    pub hidden: Vec<(&'static str, Secret<String>)>,
    /// The field, if anything is to be typed.
    pub field: Option<EnrollField>,
    /// What the button says.
    pub button: String,
    /// Whose password a password is, for password managers.
    pub user: String,
}

/// A field of the form.
#[derive(Clone, Debug)]
pub struct EnrollField {
    /// What it is for.
    pub label: String,
    /// More about it.
    pub hint: Option<String>,
    /// How it is typed.
    pub kind: EnrollInput,
    /// What is in it already.
    pub value: String,
}

/// How a field is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrollInput {
    /// Six digits.
    Code,
    /// A mail address.
    Email,
    /// A password that is new.
    NewPassword,
}

impl EnrollForm {
    /// A form with a button and nothing else.
    pub fn new(action: &'static str, button: &str) -> Self {
        Self {
            action,
            hidden: Vec::new(),
            field: None,
            button: button.to_owned(),
            user: String::new(),
        }
    }
}

impl EnrollField {
    /// An empty field.
    pub fn new(label: &str, kind: EnrollInput) -> Self {
        Self {
            label: label.to_owned(),
            hint: None,
            kind,
            value: String::new(),
        }
    }
}

/// Renders the overview.
pub fn enroll_overview(site: &Site, view: &EnrollOverview) -> String {
    let t = site.texts();
    let items = view.items.iter().map(|item| ItemView::of(item, t));
    let offers = view.offers.iter().map(|factor| OfferView::of(*factor, t));
    render(&OverviewPage {
        site,
        t,
        title: t.enroll.heading.to_string(),
        lede: t.enroll.lede(visible(&view.user), site.name()),
        done: view.done.map(|done| match done {
            EnrollDone::Added(factor) => t.notice.added(t.enrolled_name(factor)),
            EnrollDone::Removed(factor) => t.notice.removed(t.enrolled_name(factor)),
        }),
        items: items.collect(),
        offers: offers.flatten().collect(),
        anti_forgery: view.anti_forgery.expose(),
        back: view.back.as_ref().map(LocalPath::as_str),
        query: back_query(view.back.as_ref()),
    })
}

/// Renders a step.
pub fn enroll_step(site: &Site, view: &EnrollStep) -> String {
    let t = site.texts();
    let overview = format!("{}/enroll{}", site.prefix, back_query(view.back.as_ref()));
    let all = |texts: &[String]| texts.iter().map(|text| visible(text)).collect();
    let form = view.form.as_ref().map(|form| EnrollForm {
        field: form.field.as_ref().map(|field| EnrollField {
            label: visible(&field.label),
            hint: field.hint.as_deref().map(visible),
            ..field.clone()
        }),
        button: visible(&form.button),
        ..form.clone()
    });
    let view = &EnrollStep {
        heading: visible(&view.heading),
        paragraphs: all(&view.paragraphs),
        problem: view.problem.as_deref().map(visible),
        codes: all(&view.codes),
        form,
        ..view.clone()
    };
    render(&StepPage {
        site,
        t,
        title: if view.problem.is_some() {
            format!("{}: {}", t.page.error_prefix, view.heading)
        } else {
            view.heading.clone()
        },
        view,
        leave: PageLink {
            href: overview,
            text: if view.form.is_some() {
                &t.page.cancel
            } else {
                &t.enroll.kept
            },
            top: false,
        },
    })
}

/// A QR code: how many modules wide, and the dark ones as an SVG path. `None` if the text is too long for a QR code.
pub(crate) fn qr(text: &str) -> Option<(usize, String)> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            // Writing to a `String` cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", at % width, at / width);
        }
    }
    Some((width, path))
}

/// The query that keeps where the person came from.
pub(crate) fn back_query(back: Option<&LocalPath>) -> String {
    let query = |path: &LocalPath| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("?{}", query.append_pair("back", path.as_str()).finish())
    };
    back.map(query).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "web/pages/html/enroll.html", whitespace = "minimize")]
struct OverviewPage<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    lede: String,
    done: Option<String>,
    items: Vec<ItemView<'a>>,
    offers: Vec<OfferView<'a>>,
    anti_forgery: &'a str,
    back: Option<&'a str>,
    query: String,
}

#[derive(Template)]
#[template(path = "web/pages/html/enroll_step.html", whitespace = "minimize")]
struct StepPage<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    view: &'a EnrollStep,
    leave: PageLink<'a>,
}

struct ItemView<'a> {
    kind: &'a str,
    name: String,
    facts: Vec<String>,
    item: &'a EnrolledItem,
    remove: String,
}

impl<'a> ItemView<'a> {
    fn of(item: &'a EnrolledItem, t: &'a Texts) -> Self {
        let (words, kind) = (&t.enroll, t.enrolled_name(item.factor));
        // One that its owner did not name is called what it is, and that stands there already.
        let name = Some(visible(&item.name)).filter(|name| name != kind);
        let name = name.unwrap_or_default();
        let added = match &item.added_on {
            Some(day) => words.added_on(day),
            None => words.added_by_operator.to_string(),
        };
        let used = item.used_on.as_ref().map(|day| words.used_on(day));
        let left = item.left.map(|left| words.left(left as u64));
        // Which one a button removes, for whoever hears the buttons alone (WCAG 2.2, 2.4.6).
        let remove = if name.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind} {name}")
        };
        Self {
            kind,
            name,
            facts: [left, Some(added), used].into_iter().flatten().collect(),
            item,
            remove: words.remove_named(remove),
        }
    }
}

struct OfferView<'a> {
    path: &'static str,
    name: &'a str,
    hint: &'a str,
}

impl<'a> OfferView<'a> {
    /// `None` for what people cannot set up by themselves.
    fn of(factor: Factor, t: &'a Texts) -> Option<Self> {
        let words = &t.enroll;
        let (path, hint) = match factor {
            Factor::EmailCode => ("email", &words.offer_email),
            Factor::Password => ("password", &words.offer_password),
            Factor::RecoveryCode => ("recovery", &words.offer_recovery),
            Factor::Totp => ("totp", &words.offer_totp),
            Factor::Passkey => ("passkeys", &words.offer_passkey),
            Factor::BootstrapCode | Factor::Oidc => return None,
        };
        let name = t.enrolled_name(factor);
        Some(Self { path, name, hint })
    }
}
