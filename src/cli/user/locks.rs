//! `stepgate user show` and `unlock`: what is enrolled, what is locked, and clearing it.

use super::{as_json, credentials, words};
use crate::audit::EventKind;
use crate::cli::arguments::{UserName, UserShow};
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::store::{Context, act_on_store, on_store};
use crate::domain::{User, UserId};
use crate::entropy::Entropy;
use crate::verification::{Bar, Lock, Locks};
use crate::web::api::rfc3339;
use serde_json::json;

pub(super) fn show(arguments: &UserShow, out: &mut Output) -> Result<(), CliError> {
    on_store(&arguments.list.config.config, async |context| {
        let name = context.user_id(&arguments.name)?;
        let known = context.store.user(&name).await?;
        // Somebody whom the directory does not know may have a password of the application, and may be locked.
        let id = known.as_ref().map_or(&name, |user| &user.id);
        let locks = Box::pin(locks_of(&context, id, known.as_ref())).await?;
        let locks = locks.held(context.clock.now()).await?;
        if known.is_none() && locks.is_empty() && context.factors(id, None).is_empty() {
            context.known_user(&arguments.name).await?;
        }
        if arguments.list.json {
            let mut document = match &known {
                Some(user) => as_json(&context, user),
                None => json!({ "name": id.as_str(), "factors": words(context.factors(id, None)) }),
            };
            if let serde_json::Value::Object(fields) = &mut document {
                let locks = locks.iter().map(lock_as_json).collect();
                fields.insert("locks".to_owned(), locks);
                fields.insert("in_directory".to_owned(), known.is_some().into());
                let enrolled = known.as_ref().map(credentials::enrolled);
                fields.insert("enrolled".to_owned(), json!(enrolled.unwrap_or_default()));
            }
            writeln!(out, "{document:#}")?;
            return Ok(());
        }
        let factors = words(context.factors(id, known.as_ref())).join(", ");
        let mut lines = vec![("name", id.to_string())];
        match &known {
            Some(user) => {
                let aliases: Vec<_> = user.aliases.iter().map(UserId::as_str).collect();
                lines.extend([
                    ("also known as", aliases.join(", ")),
                    ("e-mail", user.email.clone().unwrap_or_default()),
                    ("factors", factors),
                    ("since", rfc3339(user.created_at)),
                ]);
                lines.extend(credentials::lines(user));
            }
            None => lines.extend([
                ("directory", "knows nobody of this name".to_owned()),
                ("factors", factors),
            ]),
        }
        lines.extend(locks.iter().map(|lock| ("locked", described(lock))));
        for (name, value) in lines {
            let value = if value.is_empty() { "-" } else { &value };
            writeln!(out, "{name:13}  {value}")?;
        }
        Ok(())
    })
}

pub(super) fn unlock(arguments: &UserName, out: &mut Output) -> Result<(), CliError> {
    act_on_store(&arguments.acting, async |context| {
        let name = context.user_id(&arguments.name)?;
        let user = context.store.user(&name).await?;
        // Somebody whom the directory does not know may be locked as well, by the subject's name.
        let id = user.as_ref().map_or(&name, |user| &user.id);
        let locks = Box::pin(locks_of(&context, id, user.as_ref())).await?;
        let held = locks.held(context.clock.now()).await?;
        if user.is_none() && held.is_empty() {
            let message = format!("there is no user `{name}`, and nothing is locked of that name");
            return Err(CliError::Impossible(message));
        }
        context
            .act_on_user(EventKind::FactorUnlocked, None, id, locks.clear())
            .await?;
        if held.is_empty() {
            writeln!(
                out,
                "nothing of `{id}` was locked; failures are counted anew"
            )?;
        }
        for lock in &held {
            writeln!(out, "unlocked `{id}`: {}", described(lock))?;
        }
        Ok(())
    })
}

async fn locks_of<'c>(
    context: &'c Context,
    id: &UserId,
    user: Option<&User>,
) -> Result<Locks<'c>, CliError> {
    let keys = context.settings.secrets.keys(&Entropy::system())?;
    let limits = &context.settings.verification.limits;
    Ok(Locks::of(&context.store, id, user, &keys, limits).await?)
}

fn described(lock: &Lock) -> String {
    let what = match lock.bar {
        Bar::Factor => "too many wrong answers in a row",
        Bar::Session => "too many answers in one session",
        Bar::Codes => "too many codes sent",
        Bar::CodesInSession => "too many codes sent in one session",
    };
    let factor = lock.factor.as_str();
    match lock.until {
        None => format!("{factor}: {what}"),
        Some(until) => format!("{factor}: {what}, until {}", rfc3339(until)),
    }
}

fn lock_as_json(lock: &Lock) -> serde_json::Value {
    let bars = match lock.bar {
        Bar::Factor => "factor",
        Bar::Session => "session",
        Bar::Codes => "codes",
        Bar::CodesInSession => "codes_in_session",
    };
    json!({ "factor": lock.factor.as_str(), "bars": bars, "until": lock.until.map(rfc3339) })
}
