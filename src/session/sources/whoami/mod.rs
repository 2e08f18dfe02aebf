//! The application names its user: it is asked with a request's own credentials.
//!
//! What a client typed, a cookie that we know and a declared sign of success prove nothing about whom the
//! application would act for. Its own answer does, given to the same cookies and headers.

mod answer_field;
mod answers;
mod ask;
mod brought;
mod changes;
mod error;
mod question;
mod rules;
mod turns;

pub use answer_field::{AnswerField, AnswerPlace, valid_selector};
pub use answers::WhoamiAnswers;
pub(super) use ask::KnownBy;
pub use ask::SharedAsker;
pub(crate) use ask::{AskedRequest, Asker};
pub use error::WhoamiError;
pub(crate) use question::Question;
pub(super) use rules::Answered;
pub use rules::{NobodySigns, UrlTemplate, UrlTemplateError, Whoami, WhoamiRule};
