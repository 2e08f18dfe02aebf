//! Programs on a command line, and what of a refusal each shows to the person in front of it.
//!
//! One more program is one more row of [`PROGRAMS`], and a test with the program itself in `tests/e2e/clients`.

use http::{HeaderValue, Response};
use hyper::ext::ReasonPhrase;

/// A program, by the beginning of its `User-Agent`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    agent: &'static str,
    /// What it shows.
    pub(crate) shows: Shows,
    /// What it makes of a 401.
    pub(crate) at_401: At401,
    /// How whoever runs it has it send the key of a proof, with all requests of one command.
    pub(crate) sends_key: Option<&'static str>,
}

/// What of an answer a program shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// The whole document, as it came.
    Document,
    /// The first of `errors` (Open Container Initiative, Distribution Specification, "Error Codes").
    ErrorList,
    /// A member of the document.
    Member(Member),
    /// The reason phrase of the status line (RFC 9112 §4), which most clients ignore, and these show.
    Phrase,
    /// Plain text.
    Text,
    /// The error of WebDAV (RFC 4918 §14.5), with what Apache adds for people.
    WebDav,
}

/// The member of a document that a program shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// `error`, a text; and a line in the header `npm-notice`.
    Error,
    /// The `detail` of the first of `errors`.
    ErrorDetail,
    /// `warning`, a text.
    Warning,
}

/// What a program makes of a 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At401 {
    /// It asks for a one-time code if that is the challenge, and else tells the person to sign in.
    AsksForCode,
    /// It hands it on.
    HandsOn,
    /// It takes a password or token that is right for a wrong one.
    TakesForWrong,
}

/// The programs; the first that fits is it.
static PROGRAMS: [Program; 18] = [
    // The clients of registries read one form of an error, and print its message.
    Program::new("Buildah/", Shows::ErrorList),
    // Of a body in `application/json` alone; else it prints the status line.
    Program::new("Composer/", Shows::Member(Member::Warning)),
    // It reads no body of a refusal.
    Program::new("Debian APT-", Shows::Phrase),
    // `gem push` prints whatever body comes.
    Program::new("Ruby, RubyGems/", Shows::Text),
    Program::new("RubyGems/", Shows::Text),
    // Of any other body it says that access is forbidden, and no more.
    Program::new("SVN/", Shows::WebDav),
    // It saves no body of a refusal unless `--content-on-error` is given.
    Program::new("Wget/", Shows::Phrase),
    // Of anything else it prints the whole answer, head and all.
    Program::new("cargo/", Shows::Member(Member::ErrorDetail)),
    Program::new("containerd/", Shows::ErrorList),
    Program::new("containers/", Shows::ErrorList),
    // People and scripts read the same of it, and scripts read JSON.
    Program {
        at_401: At401::HandsOn,
        ..Program::new("curl/", Shows::Document)
    },
    Program::new("docker/", Shows::ErrorList),
    // In `text/plain` alone, and for the request that asks for refs, not for the one that brings a pack.
    Program {
        sends_key: Some("git -c http.extraHeader='Step-Up-Key: KEY'"),
        ..Program::new("git/", Shows::Text)
    },
    Program::new("libpod/", Shows::ErrorList),
    // npm-registry-fetch, check-response.js: `npm-notice` with any status; `error` with all but a challenge `OTP`.
    Program {
        at_401: At401::AsksForCode,
        ..Program::new("npm/", Shows::Member(Member::Error))
    },
    // `raise_for_status` of requests: its message has the reason phrase, and nothing of the body.
    Program::new("pip/", Shows::Phrase),
    Program::new("skopeo/", Shows::ErrorList),
    Program::new("twine/", Shows::Phrase),
];

impl Shows {
    /// Whether it is JSON, so that a program that asks for that is not contradicted.
    pub(crate) const fn is_json(self) -> bool {
        match self {
            Self::Document | Self::ErrorList | Self::Member(_) => true,
            Self::Phrase | Self::Text | Self::WebDav => false,
        }
    }
}

impl Program {
    const fn new(agent: &'static str, shows: Shows) -> Self {
        let at_401 = At401::TakesForWrong;
        Self {
            agent,
            shows,
            at_401,
            sends_key: None,
        }
    }

    /// The program that an `User-Agent` names.
    pub(crate) fn of(agent: &HeaderValue) -> Option<&'static Self> {
        let agent = agent.as_bytes();
        // Browsers, which are most clients, name none of them.
        if agent.starts_with(b"Mozilla/") {
            return None;
        }
        let is_named = |program: &&Self| agent.starts_with(program.agent.as_bytes());
        PROGRAMS.iter().find(is_named)
    }
}

/// Whether a program has a person open a page: by `npm-auth-type: web` (npm-registry-fetch, `getHeaders`), but not where
/// npm calls itself `ci/NAME`. There it ends at the refusal, and names the page to nobody who could go on from it.
pub(crate) fn opens_pages(auth_type: Option<&HeaderValue>, agent: Option<&HeaderValue>) -> bool {
    let agent = agent.map(HeaderValue::as_bytes).unwrap_or_default();
    let mut words = agent.split(|byte| *byte == b' ');
    auth_type.is_some_and(|kind| kind == "web")
        && POLLS_AS_ITSELF.iter().any(|name| agent.starts_with(name))
        && !words.any(|word| word.starts_with(b"ci/"))
}

/// Those that poll with the credential of the call that was refused. pnpm says the same of itself, polls without any, and
/// takes every refusal for "not yet": it is asked for a code.
const POLLS_AS_ITSELF: [&[u8]; 2] = [b"Bun/", b"npm/"];

/// Has a response sent with this reason phrase, over HTTP/1.1.
pub(crate) fn set_phrase<B>(response: &mut Response<B>, phrase: String) {
    if let Ok(phrase) = ReasonPhrase::try_from(phrase.into_bytes()) {
        response.extensions_mut().insert(phrase);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_by(agent: &'static str) -> Option<Shows> {
        Program::of(&HeaderValue::from_static(agent)).map(|program| program.shows)
    }

    #[test]
    fn a_program_is_told_by_the_beginning_of_its_name() {
        assert_eq!(shown_by("git/2.47.3"), Some(Shows::Text));
        assert_eq!(shown_by("git-lfs/3.3.0 (GitHub; linux amd64)"), None);
        assert_eq!(shown_by("pip/23.2.1 {\"ci\":null}"), Some(Shows::Phrase));
        for other in [
            "",
            "Mozilla/5.0 git/2",
            "my git/2",
            "gitfoo",
            "python-requests/2",
        ] {
            assert_eq!(shown_by(other), None, "{other}");
        }
    }
}
