//! `stepgate user bootstrap`: a code for a first enrollment, shown once.

use crate::audit::EventKind;
use crate::cli::arguments::UserName;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::store::act_on_store;
use crate::domain::{Factor, Origin, User};
use crate::entropy::Entropy;
use crate::verification::{bootstrap_code, edit_user};
use crate::web::api::rfc3339;
use std::time::Duration;

/// How long it works.
const LIFE: Duration = Duration::from_hours(24);

pub(super) fn run(arguments: &UserName, out: &mut Output) -> Result<(), CliError> {
    act_on_store(&arguments.acting, async |context| {
        let name = context.user_id(&arguments.name)?;
        let known = context.store.user(&name).await?;
        let entropy = Entropy::system();
        let keys = context.settings.secrets.keys(&entropy)?;
        let now = context.clock.now();
        let (entry, code) = bootstrap_code(LIFE, &keys, &entropy, now);
        // One at a time: a letter that was lost is worth nothing once another is written.
        let edit = |user: &mut User| {
            user.remove_entries(Factor::BootstrapCode);
            user.put_entry(Factor::BootstrapCode, &entry);
            Some(())
        };
        let id = known.as_ref().map_or(&name, |user| &user.id);
        let put = edit_user(&context.store, id, now, edit);
        context
            .act_on_user(EventKind::FactorSet, Some(Factor::BootstrapCode), id, put)
            .await?;
        writeln!(out, "Code for `{id}`; this is shown once.")?;
        if known.is_none() {
            let note = "The directory knew nobody of this name: it is for whoever the application calls so.";
            writeln!(out, "{note}")?;
        }
        let site = &context.settings.web.site;
        let origin = site.public_origin.as_ref().map_or("", Origin::as_str);
        let prefix = &site.prefix;
        writeln!(out, "code   {}", code.expose())?;
        writeln!(out, "until  {}", rfc3339(now.after(LIFE)))?;
        writeln!(
            out,
            "page   {origin}{prefix}enroll, once they have signed in"
        )?;
        Ok(())
    })
}
