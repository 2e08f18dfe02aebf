//! What the application says of a login.

use crate::domain::Subject;
use crate::session::sources::Question;
use crate::session::{Asserted, Named, WhoamiError};

/// Who was signed in before a login and is after it, by the word of the application.
#[derive(Debug)]
pub(super) struct AskedLogin {
    pub(super) question: Option<Question>,
    /// Whether it said before that nobody was signed in, so that the login is one.
    pub(super) was_nobody: bool,
    /// Who is signed in after it; an error if it did not say.
    pub(super) after: Result<Option<Asserted>, WhoamiError>,
}

impl AskedLogin {
    /// Who has logged in, by the word of the application; with what they typed for it, as its login takes that.
    pub(super) fn named(&self, typed: &Named) -> Result<Named, WhoamiError> {
        let person = self.after.as_ref().map_err(Clone::clone)?.as_ref();
        Ok(person.map_or(Named::Nobody, |person| {
            let subject = person.subject.clone();
            Named::ByApplication(match typed {
                // It names whoever is in by what is typed there, so that no other can be tried.
                Named::Typed(typed) => subject.said_as(typed.spelling()),
                Named::ByApplication(_) | Named::Nobody => subject,
            })
        }))
    }

    /// Whether it may be that nobody has logged in, and the application names whoever was signed in before:
    /// it did not say that nobody was, or names another than was typed.
    pub(super) fn may_be_signed_in(
        &self,
        typed: &Named,
        same: impl Fn(&str) -> Option<Subject>,
    ) -> bool {
        let is_another = matches!(typed, Named::Typed(typed) if self.names_somebody() && !self.is_typed(typed, same));
        !self.was_nobody || is_another
    }

    const fn names_somebody(&self) -> bool {
        matches!(self.after, Ok(Some(_)))
    }

    /// Whether the application names whoever was typed, by name or by mail address.
    fn is_typed(&self, typed: &Subject, same: impl Fn(&str) -> Option<Subject>) -> bool {
        let Ok(Some(person)) = &self.after else {
            return false;
        };
        let email = person.email.as_deref().and_then(same);
        *typed == person.subject || Some(typed) == email.as_ref()
    }
}
