//! Where the application is asked whether it takes the password of `Authorization: Basic`.

use super::whoami::{AskedFor, questions};
use crate::domain::Naming;
use crate::session::Basic;
use crate::settings::compile::Draft;
use crate::settings::raw_session::{RawBasic, RawWhoami};
use crate::yaml::{OneOrMore, Path};

pub(super) fn compile(
    raw: Option<&OneOrMore<RawBasic>>,
    naming: Naming,
    draft: &mut Draft<'_>,
) -> Option<Basic> {
    let at = Path::root().key("session").key("basic");
    let written: Vec<_> = raw?
        .with_paths(&at)
        .map(|(at, raw)| {
            let question = RawWhoami {
                r#for: raw.r#for.clone(),
                url: raw.url.clone(),
                keep: raw.keep,
                deadline: raw.deadline,
                ..RawWhoami::default()
            };
            (at, question)
        })
        .collect();
    let written = written.iter().map(|(at, raw)| (at.clone(), raw));
    Some(Basic {
        questions: questions(written, AskedFor::Success, naming, draft),
        naming,
    })
}
