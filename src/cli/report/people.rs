//! Who could not prove themselves on the routes that they met, by the directory as it is now.

use super::tally::Tally;
use crate::cli::error::CliError;
use crate::cli::store::on_store_of;
use crate::domain::{Factor, FactorSet, RouteTable, User, UserId};
use crate::settings::Settings;
use crate::verification::open_alternatives;
use std::collections::HashMap;

/// Somebody who cannot meet routes that they met.
pub(super) struct Unprovable {
    pub(super) name: String,
    pub(super) routes: Vec<String>,
    pub(super) in_directory: bool,
    pub(super) factors: Vec<&'static str>,
}

/// The people of a log who have no usable factor for a route that asked or would have asked them; and what is not
/// known of them.
pub(super) fn without_factor(
    settings: Settings,
    table: &RouteTable,
    tally: &Tally,
) -> Result<(Vec<Unprovable>, Option<String>), CliError> {
    let brings_mail = settings.brings_addresses();
    let note = brings_mail.then(|| {
        "people have a code by e-mail wherever the application or the proxy names their address; whether it \
         does is not in the log, and is taken for granted"
            .to_owned()
    });
    let requirements: HashMap<_, _> = table
        .routes()
        .map(|route| (route.id.as_str(), &*route.requirement))
        .collect();
    let people = on_store_of(settings, None, async |context| {
        let users = context.store.users().await?;
        let mut known = HashMap::<&UserId, &User>::new();
        for user in &users {
            known.extend(user.aliases.iter().map(|alias| (alias, user)));
            known.insert(&user.id, user);
        }
        // One call for the whole directory: a log has more people than a store is asked about one by one.
        let mut people = Vec::new();
        for (name, person) in tally.asked() {
            let id = context.user_id(name).ok();
            let user = id.as_ref().and_then(|id| known.get(id).copied());
            let mut usable = id.map_or(FactorSet::EMPTY, |id| context.factors(&id, user));
            // What they have shown they have, wherever its address came from.
            usable = person.proven.iter().fold(usable, FactorSet::with);
            if brings_mail {
                usable = usable.with(Factor::EmailCode);
            }
            let routes = tally.names(&person.routes).into_iter().filter(|route| {
                let requirement = requirements.get(route);
                requirement.is_some_and(|it| open_alternatives(it, usable).is_empty())
            });
            let routes: Vec<_> = routes.map(str::to_owned).collect();
            if !routes.is_empty() {
                people.push(Unprovable {
                    name: name.to_owned(),
                    routes,
                    in_directory: user.is_some(),
                    factors: usable.iter().map(Factor::as_str).collect(),
                });
            }
        }
        Ok(people)
    })?;
    Ok((people, note))
}
