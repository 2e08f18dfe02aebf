//! What the pages show of the site: its name, logo, colours and words, where help is, and whether we are named.

mod colors;
mod files;

use super::Draft;
use crate::locale::{Locale, Wording, WordingError};
use crate::request::Brand;
use crate::settings::raw_brand::{RawBrand, RawLogo};
use crate::yaml::{Path, Table, clip, suggestion};

pub(super) fn compile(raw: Option<&RawBrand>, draft: &mut Draft<'_>) -> Brand {
    let Some(raw) = raw else {
        return Brand::default();
    };
    let section = Path::root().key("brand");
    let name = raw.name.as_deref().map(str::trim);
    let is_name =
        |it: &str| (1..=LONGEST).contains(&it.chars().count()) && !it.contains(char::is_control);
    if let Some(name) = name.filter(|name| !is_name(name)) {
        let message = format!("`{}` is no name of 1 to {LONGEST} characters", clip(name));
        draft.file.report(section.key("name"), message);
    }
    if let Some(support) = raw.support.as_deref().filter(|it| !is_link(it)) {
        draft.file.report_with_hint(
            section.key("support"),
            format!("`{}` is no address for people to go to", clip(support)),
            "such as `https://example.com/help` or `mailto:help@example.com`",
        );
    }
    // What an operator writes comes last, so that it has the last word.
    let colors = colors::compile(raw.colors.as_ref(), &section.key("colors"), draft);
    let sheet = raw.style_sheet.as_deref();
    let sheet = sheet.and_then(|text| files::style_sheet(text, &section.key("style_sheet"), draft));
    let style = [colors, sheet.unwrap_or_default()].concat();
    let logo = raw.logo.as_ref();
    let files = logo
        .into_iter()
        .flat_map(RawLogo::files)
        .chain(&raw.style_sheet);
    let files = files.map(|file| draft.resolve(file)).collect();
    Brand {
        files,
        name: name.map(str::to_owned),
        logo: logo.and_then(|raw| files::logo(raw, &section.key("logo"), draft)),
        support: raw.support.clone(),
        is_credited: raw.credit.unwrap_or(true),
        style_version: files::version(style.as_bytes()),
        style,
        wording: wording(raw.texts.as_ref(), &section.key("texts"), draft),
    }
}

/// The texts by key, each by language.
fn wording(raw: Option<&Table<Table<String>>>, at: &Path, draft: &mut Draft<'_>) -> Wording {
    let mut wording = Wording::default();
    for (key, texts) in raw.map_or(&[][..], |table| &table.0) {
        for (tag, text) in &texts.0 {
            let at = at.key(key).key(tag);
            let Ok(locale) = tag.parse::<Locale>() else {
                let known = Locale::ALL.map(|locale| format!("`{locale}`")).join(", ");
                let message = format!("`{}` is no language of the pages", clip(tag));
                draft
                    .file
                    .report_with_hint(at, message, format!("one of {known}"));
                continue;
            };
            match wording.replace(locale, key, text) {
                Ok(()) => {}
                Err(WordingError::Key(known)) => {
                    let message = format!("there is no text `{}` in `{locale}`", clip(key));
                    let known: Vec<_> = known.iter().map(String::as_str).collect();
                    // There are too many to list them.
                    let hint = match crate::yaml::nearest(key, &known) {
                        Some(_) => suggestion(key, &known),
                        None => {
                            "the files of `locales/` name them all, as `section.name`".to_owned()
                        }
                    };
                    draft.file.report_with_hint(at, message, hint);
                }
                Err(WordingError::Text { what, ours }) => {
                    let hint = format!("ours is “{ours}”");
                    draft.file.report_with_hint(at, what, hint);
                }
            }
        }
    }
    wording
}

/// No `javascript:` and the like: it stands in a link.
fn is_link(text: &str) -> bool {
    let begins = ["https://", "http://", "mailto:"];
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain
        && begins
            .iter()
            .any(|begin| text.len() > begin.len() && text.starts_with(begin))
}

/// More does not fit above a page.
const LONGEST: usize = 60;
