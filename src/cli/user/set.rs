//! `stepgate user set`: changes name, address and aliases.

use super::check_email;
use crate::audit::EventKind;
use crate::cli::arguments::UserSet;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::store::{Context, act_on_store};
use crate::domain::{Factor, User, UserId};
use crate::entropy::Entropy;
use crate::verification::TotpSecret;

pub(super) fn run(arguments: &UserSet, out: &mut Output) -> Result<(), CliError> {
    if let Some(email) = &arguments.email {
        check_email(email).map_err(CliError::Usage)?;
    }
    act_on_store(&arguments.acting, async |context| {
        let before = context.known_user(&arguments.name).await?;
        let mut user = before.clone();
        if arguments.no_email {
            user.email = None;
        } else if let Some(email) = &arguments.email {
            user.email = Some(email.clone());
        }
        if let Some(name) = &arguments.rename {
            rename(&context, &mut user, context.user_id(name)?)?;
        }
        for name in &arguments.no_alias {
            let name = context.user_id(name)?;
            let Some(at) = user.aliases.iter().position(|alias| *alias == name) else {
                let message = format!("`{name}` is no alias of `{}`", before.id);
                return Err(CliError::Impossible(message));
            };
            user.aliases.remove(at);
        }
        for name in &arguments.alias {
            let name = context.user_id(name)?;
            if name != user.id && !user.aliases.contains(&name) {
                user.aliases.push(name);
            }
        }
        // After a rename to what was an alias.
        user.aliases.retain(|alias| *alias != user.id);
        store(&context, &before, &user).await?;
        writeln!(out, "changed user `{}`", user.id)?;
        Ok(())
    })
}

/// Gives the user another name. The TOTP secret is sealed for the name, and sealed anew.
fn rename(context: &Context, user: &mut User, name: UserId) -> Result<(), CliError> {
    let is_known = |kind: &str| kind.parse::<Factor>().is_ok() || kind == User::ELSEWHERE;
    if let Some(credential) = { user.credentials.iter() }.find(|it| !is_known(&it.kind)) {
        let kind = &credential.kind;
        let message = format!(
            "`{}` has a `{kind}` of a later version, which may be bound to the name: add a user \
             of the new name instead",
            user.id
        );
        return Err(CliError::Impossible(message));
    }
    if let Some(sealed) = &user.totp {
        let entropy = Entropy::system();
        let keys = context.settings.secrets.keys(&entropy)?;
        let secret = TotpSecret::open(sealed, &user.id, &keys).ok_or_else(|| {
            let message = "the authenticator app was enrolled under another secret, and cannot \
                           go along; remove it first (`stepgate user totp NAME --remove`)";
            CliError::Impossible(message.to_owned())
        })?;
        user.totp = Some(secret.seal(&name, &keys, &entropy));
    }
    user.id = name;
    Ok(())
}

/// Writes the changed user, unless one of its names is somebody else's.
async fn store(context: &Context, before: &User, user: &User) -> Result<(), CliError> {
    for name in user.aliases.iter().chain([&user.id]) {
        if let Some(known) = context.store.user(name).await?
            && known.id != before.id
        {
            let message = format!("`{name}` is known already, as user `{}`", known.id);
            return Err(CliError::Impossible(message));
        }
    }
    // The new entry comes first, so that there is one at any time; it takes over the aliases.
    let put = context.store.put_user(user);
    context
        .act_on_user(EventKind::UserChanged, None, &user.id, put)
        .await?;
    if user.id != before.id {
        let removed = context.store.remove_user(&before.id);
        context
            .act_on_user(EventKind::UserRemoved, None, &before.id, removed)
            .await?;
    }
    Ok(())
}
