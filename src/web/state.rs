//! What our own answers are made with: the endpoints, and a challenge in place of a forward.

use crate::domain::{Accept, CookieName, Groups, Requirement, RouteId, RouteTable};
use crate::identity::Teller;
use crate::locale::Locale;
use crate::request::site::SiteOptions;
use crate::session::{Sessions, UpstreamLogin};
use crate::transport::upstream::Pool;
use crate::verification::{Services, Verifier};
use crate::web::openapi::{DescribedSite, description};
use crate::web::own_action::OwnAction;
use arc_swap::ArcSwap;
use bytes::Bytes;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

/// How our own answers are made.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// How clients see us.
    pub site: SiteOptions,
    /// What ambiguous paths the application needs.
    pub accept: Accept,
    /// How many bytes of a body may be read for matching and binding.
    pub body_limit: usize,
}

/// What all threads share.
#[derive(Debug)]
pub struct SharedWeb {
    /// How our own answers are made.
    pub options: WebOptions,
    /// The policies in force. A reload puts another table in place, all or nothing.
    pub table: ArcSwap<RouteTable>,
    /// The groups of people that policies name.
    pub groups: Groups,
    /// How passwords are tried at the application's login, where they are.
    pub upstream_login: Option<Arc<UpstreamLogin>>,
    /// What the application is told of who sends its requests, if it is.
    pub teller: Option<Teller>,
    /// What verifications need.
    pub services: Arc<Services>,
    /// The description of our endpoints, once somebody has asked for it.
    pub description: OnceLock<Bytes>,
}

/// One thread's part.
#[derive(Debug)]
pub(crate) struct Web {
    pub(crate) shared: Arc<SharedWeb>,
    pub(crate) sessions: Rc<Sessions>,
    pub(crate) verifier: Verifier,
    pub(crate) upstream: Pool,
}

impl Web {
    /// For one thread.
    pub(crate) fn new(shared: Arc<SharedWeb>, sessions: Rc<Sessions>, upstream: Pool) -> Self {
        Self {
            verifier: Verifier::new(sessions.store.clone(), shared.services.clone()),
            shared,
            sessions,
            upstream,
        }
    }

    /// The description of our endpoints (`OpenAPI`), which is the same for everybody.
    pub(crate) fn description(&self) -> Bytes {
        let make = || {
            let site = &self.shared.options.site;
            let described = DescribedSite {
                prefix: site.prefix.trim_end_matches('/'),
                session_cookie: site.session_cookies.iter().find_map(CookieName::only),
                key_cookie: self.sessions.shared.browser_key.name(),
            };
            description(described).to_string().into()
        };
        self.shared.description.get_or_init(make).clone()
    }

    /// What a route, or an action of ours, requires by the policies in force.
    pub(crate) fn requirement(&self, route: &RouteId, locale: Locale) -> Option<Arc<Requirement>> {
        let table = self.shared.table.load();
        if let Some(own) = OwnAction::of_route(route) {
            let brand = &self.shared.options.site.brand;
            return own.requirement(brand.wording.of(locale), &table);
        }
        let found = table.routes().find(|known| known.id == *route);
        found.map(|route| route.requirement.clone())
    }
}
