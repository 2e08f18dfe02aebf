//! What the pages show of the site: its name, where help is, and whether we are named.

use super::Draft;
use crate::request::site::Brand;
use crate::settings::raw_brand::RawBrand;
use crate::yaml::{Path, clip};

pub(super) fn compile(raw: Option<&RawBrand>, draft: &mut Draft<'_>) -> Brand {
    let Some(raw) = raw else {
        return Brand::default();
    };
    let section = Path::root().key("brand");
    let name = raw.name.as_deref().map(str::trim);
    if let Some(name) = name.filter(|name| name.is_empty() || name.chars().count() > LONGEST) {
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
    Brand {
        name: name.map(str::to_owned),
        support: raw.support.clone(),
        is_credited: raw.credit.unwrap_or(true),
    }
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
