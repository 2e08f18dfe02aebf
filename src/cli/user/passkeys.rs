//! `stepgate user passkeys`: names a user's passkeys, and takes one away that is lost.

use crate::audit::EventKind;
use crate::cli::arguments::UserPasskeys;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::store::{Context, act_on_store};
use crate::cli::table::Columns;
use crate::domain::{CredentialEntry, Factor, User};
use crate::web::api::rfc3339;

pub(super) fn run(arguments: &UserPasskeys, out: &mut Output) -> Result<(), CliError> {
    act_on_store(&arguments.acting, async |context| {
        let user = context.known_user(&arguments.name).await?;
        match &arguments.remove {
            Some(id) => remove(&context, user, id, out).await,
            None => list(&user, out),
        }
    })
}

fn list(user: &User, out: &mut Output) -> Result<(), CliError> {
    let mut columns = Columns::new(["id", "name", "added", "used"]);
    for entry in user.entries(Factor::Passkey) {
        let used = entry.used_at.map(rfc3339).unwrap_or_default();
        columns.push([entry.id_text(), entry.name, rfc3339(entry.added_at), used]);
    }
    columns.write(out)?;
    Ok(())
}

async fn remove(
    context: &Context,
    before: User,
    id: &str,
    out: &mut Output,
) -> Result<(), CliError> {
    let is_meant = |entry: &CredentialEntry| entry.id_text() == id;
    let Some(entry) = before.entries(Factor::Passkey).find(is_meant) else {
        let message = format!(
            "`{}` has no passkey `{}`; `stepgate user passkeys {0}` lists them",
            before.id,
            id.escape_debug()
        );
        return Err(CliError::Impossible(message));
    };
    let mut after = before.clone();
    after.remove_entry(Factor::Passkey, entry.id);
    let swap = context.store.swap_user(&before, &after);
    let is_written = context
        .act_on_user(
            EventKind::FactorRemoved,
            Some(Factor::Passkey),
            &before.id,
            swap,
        )
        .await?;
    if !is_written {
        let message = format!("`{}` was changed meanwhile: try again", before.id);
        return Err(CliError::Impossible(message));
    }
    writeln!(
        out,
        "forgot the passkey `{}` of `{}`",
        entry.name, before.id
    )?;
    Ok(())
}
