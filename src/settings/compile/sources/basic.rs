//! Where the application is asked whether it takes the password of `Authorization: Basic`.

use super::whoami::{AskedFor, questions};
use crate::domain::Naming;
use crate::session::{Basic, Codes};
use crate::settings::compile::Draft;
use crate::settings::raw_session::{RawBasic, RawOneTimeCode, RawWhoami};
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
    // One password is one session, wherever it is sent.
    let mut all = raw?.with_paths(&at);
    let appends = all.any(|(_, raw)| raw.one_time_code == Some(RawOneTimeCode::Appended));
    Some(Basic {
        questions: questions(written, AskedFor::Success, naming, draft),
        naming,
        codes: if appends {
            Codes::Appended
        } else {
            Codes::None
        },
    })
}
