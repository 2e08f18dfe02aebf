//! `stepgate user`: the directory.

mod bootstrap;
mod credentials;
mod import;
mod locks;
mod passkeys;
mod set;

use super::arguments::{List, UserAdd, UserCommand, UserName, UserPasswd};
use super::error::CliError;
use super::output::{Output, plural};
use super::store::{Context, act_on_store, on_store};
use super::table::Columns;
use super::{ask, totp};
use crate::audit::EventKind;
use crate::domain::{Factor, FactorSet, User, UserId};
use crate::entropy::Entropy;
use crate::verification::hash_password;
use crate::web::api::rfc3339;
use serde_json::json;

pub(super) fn run(command: UserCommand, out: &mut Output) -> Result<(), CliError> {
    match command {
        UserCommand::Add(arguments) => add(arguments, out),
        UserCommand::Bootstrap(arguments) => bootstrap::run(&arguments, out),
        UserCommand::Import(arguments) => import::run(&arguments, out),
        UserCommand::List(arguments) => list(&arguments, out),
        UserCommand::Passwd(arguments) => passwd(&arguments, out),
        UserCommand::Passkeys(arguments) => passkeys::run(&arguments, out),
        UserCommand::Totp(arguments) => totp::run(&arguments, out),
        UserCommand::Remove(arguments) => remove(&arguments, out),
        UserCommand::Set(arguments) => set::run(&arguments, out),
        UserCommand::Show(arguments) => locks::show(&arguments, out),
        UserCommand::Unlock(arguments) => locks::unlock(&arguments, out),
    }
}

fn add(arguments: UserAdd, out: &mut Output) -> Result<(), CliError> {
    if let Some(email) = &arguments.email {
        check_email(email).map_err(CliError::Usage)?;
    }
    act_on_store(&arguments.acting, async |context| {
        let id = context.user_id(&arguments.name)?;
        let aliases = arguments.alias.iter().map(|name| context.user_id(name));
        let aliases = aliases.collect::<Result<Vec<_>, _>>()?;
        for name in aliases.iter().chain([&id]) {
            if let Some(known) = context.store.user(name).await? {
                let message = format!("`{name}` is known already, as user `{}`", known.id);
                return Err(CliError::Impossible(message));
            }
        }
        let password = if arguments.no_password {
            None
        } else {
            let password = ask::new_password(id.as_str(), arguments.password_stdin)?;
            let cost = context.settings.passwords.cost;
            Some(hash_password(&password, cost, &Entropy::system())?)
        };
        let user = User {
            aliases,
            email: arguments.email,
            password,
            ..User::new(id, context.clock.now())
        };
        let put = context.store.put_user(&user);
        context
            .act_on_user(EventKind::UserAdded, None, &user.id, put)
            .await?;
        let factors = factors(&context, &user);
        writeln!(out, "added user `{}` ({})", user.id, described(&factors))?;
        Ok(())
    })
}

fn list(arguments: &List, out: &mut Output) -> Result<(), CliError> {
    on_store(&arguments.config.config, async |context| {
        let users = context.store.users().await?;
        if arguments.json {
            let users: Vec<_> = users.iter().map(|user| as_json(&context, user)).collect();
            writeln!(out, "{:#}", json!(users))?;
            return Ok(());
        }
        let mut columns = Columns::new(["name", "e-mail", "factors", "also known as", "since"]);
        for user in &users {
            let aliases: Vec<_> = user.aliases.iter().map(UserId::as_str).collect();
            columns.push([
                user.id.to_string(),
                user.email.clone().unwrap_or_default(),
                factors(&context, user).join(", "),
                aliases.join(", "),
                rfc3339(user.created_at),
            ]);
        }
        columns.write(out)?;
        Ok(())
    })
}

fn passwd(arguments: &UserPasswd, out: &mut Output) -> Result<(), CliError> {
    act_on_store(&arguments.acting, async |context| {
        let mut user = context.known_user(&arguments.name).await?;
        let password = ask::new_password(user.id.as_str(), arguments.password_stdin)?;
        let cost = context.settings.passwords.cost;
        user.password = Some(hash_password(&password, cost, &Entropy::system())?);
        let put = context.store.put_user(&user);
        context
            .act_on_user(EventKind::FactorSet, Some(Factor::Password), &user.id, put)
            .await?;
        writeln!(out, "set the password of `{}`", user.id)?;
        Ok(())
    })
}

fn remove(arguments: &UserName, out: &mut Output) -> Result<(), CliError> {
    act_on_store(&arguments.acting, async |context| {
        let user = context.known_user(&arguments.name).await?;
        let removed = context.store.remove_user(&user.id);
        context
            .act_on_user(EventKind::UserRemoved, None, &user.id, removed)
            .await?;
        writeln!(out, "removed user `{}`", user.id)?;
        Ok(())
    })
}

/// By what a user can prove themselves, as the settings are.
fn factors(context: &Context, user: &User) -> Vec<&'static str> {
    words(context.factors(&user.id, Some(user)))
}

fn words(usable: FactorSet) -> Vec<&'static str> {
    Factor::BY_PREFERENCE
        .into_iter()
        .filter(|factor| usable.contains(*factor) && factor.is_in_policies())
        .map(Factor::as_str)
        .collect()
}

fn described(factors: &[&str]) -> String {
    match factors {
        [] => "no factor yet: `stepgate user passwd` or `stepgate user totp` adds one".to_owned(),
        some => format!("{}: {}", plural(some.len(), "factor"), some.join(", ")),
    }
}

fn as_json(context: &Context, user: &User) -> serde_json::Value {
    let aliases: Vec<_> = user.aliases.iter().map(UserId::as_str).collect();
    json!({
        "name": user.id.as_str(),
        "aliases": aliases,
        "email": user.email,
        "factors": factors(context, user),
        "created_at": rfc3339(user.created_at),
    })
}

/// Whether codes can be sent to it, or why not.
fn check_email(email: &str) -> Result<(), String> {
    let (local, domain) = email.split_once('@').unwrap_or_default();
    let is_plain =
        |char: char| char.is_ascii_graphic() && !matches!(char, '<' | '>' | ',' | ';' | '@');
    let sound = |part: &str| !part.is_empty() && part.chars().all(is_plain);
    if sound(local) && sound(domain) {
        return Ok(());
    }
    Err(format!("`{}` is not a mail address", email.escape_debug()))
}
