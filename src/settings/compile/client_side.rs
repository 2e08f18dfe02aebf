//! The client's side: where we listen, who we are to browsers, and what a client may take up.

use super::Draft;
use super::brand;
use super::credentials::cookie_domain;
use super::injection;
use super::upstream::Upstream;
use crate::domain::Origin;
use crate::proxy::{InjectionOptions, ProxyOptions, Role};
use crate::request::headers::folded;
use crate::request::{
    AskingProxies, Brand, HeaderRules, RememberedCookies, SiteOptions, TrustedProxies,
};
use crate::session::{BrowserKeyCookie, SessionOptions};
use crate::settings::options::Listener;
use crate::settings::raw::{RawDeadlines, RawLimits, RawSettings};
use crate::settings::raw_listen::{RawListen, RawTls};
use crate::tls::{TlsFiles, server_config};
use crate::transport::{ClientDeadlines, ClientLimits, ListenAddress};
use crate::web::WebOptions;
use crate::yaml::{Path, clip};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// What the sections about the client's side mean.
pub(super) struct ListenSettings {
    pub(super) listeners: Vec<Listener>,
    public: Option<Origin>,
    prefix: String,
    brand: Arc<Brand>,
    pub(super) trusted_proxies: Vec<IpNet>,
    identity: Vec<String>,
    limits: ClientLimits,
    body_limit: usize,
    cors_origins: Vec<Origin>,
    injection: Option<InjectionOptions>,
    drain: Duration,
}

/// The options of the proxy, with what is compiled beside them.
pub(super) struct ProxySettings {
    pub(super) listeners: Vec<Listener>,
    pub(super) options: ProxyOptions,
    pub(super) web: WebOptions,
    pub(super) drain: Duration,
}

pub(super) fn compile(raw: &RawSettings, draft: &mut Draft<'_>) -> ListenSettings {
    let root = Path::root();
    let listeners = listeners(raw, draft);
    let public = public_url(raw.public_url.as_deref(), &listeners, draft);
    let default = RawDeadlines::default();
    let deadlines = raw.deadlines.as_ref().unwrap_or(&default);
    let (limits, body_limit) = limits(raw.limits.as_ref(), deadlines, draft);
    let at = root.key("cors_origins");
    let mut cors_origins = Vec::new();
    for (at, text) in raw
        .cors_origins
        .iter()
        .flat_map(|list| list.with_paths(&at))
    {
        cors_origins.extend(origin(text, &at, draft));
    }
    let at = root.key("identity_headers");
    let mut identity = Vec::new();
    for (at, text) in raw
        .identity_headers
        .iter()
        .flat_map(|list| list.with_paths(&at))
    {
        identity.extend(draft.header(text, &at).map(|name| folded(name.as_str())));
    }
    let drain = root.key("deadlines").key("drain");
    ListenSettings {
        listeners,
        public,
        prefix: prefix(raw.prefix.as_deref(), draft),
        brand: Arc::new(brand::compile(raw.brand.as_ref(), draft)),
        trusted_proxies: trusted_proxies(raw, draft),
        identity,
        limits,
        body_limit,
        cors_origins,
        injection: injection::compile(raw, draft),
        drain: draft.span(deadlines.drain, Duration::from_secs(30), &drain),
    }
}

impl ListenSettings {
    /// The origin that people see, if it is given.
    pub(super) fn public_origin(&self) -> Option<&Origin> {
        self.public.as_ref()
    }

    /// What the pages show of the site.
    pub(super) fn brand(&self) -> &Brand {
        &self.brand
    }

    /// Our own prefix.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The `__Host-` prefix needs https. Where nothing says that people come over it, a browser may not keep a
    /// cookie that does.
    pub(super) fn browser_key(
        &self,
        keep: Duration,
        domain: Option<&str>,
        draft: &mut Draft<'_>,
    ) -> BrowserKeyCookie {
        let mut public = self.listeners.iter().filter(|one| one.role == Role::Public);
        let has_tls = public.any(|listener| listener.tls.is_some());
        let is_secure = self.public.as_ref().map_or(has_tls, Origin::is_https);
        let cookie = BrowserKeyCookie::new(is_secure, keep);
        let domain = domain.and_then(|domain| cookie_domain(domain, self.public.as_ref(), draft));
        match domain {
            Some(domain) => cookie.for_domain(domain),
            None => cookie,
        }
    }

    pub(super) fn into_proxy(
        self,
        upstream: Upstream,
        sessions: &SessionOptions,
        cookie: &BrowserKeyCookie,
        told: Vec<String>,
        asking: Option<AskingProxies>,
        draft: &mut Draft<'_>,
    ) -> ProxySettings {
        let mut identity = self.identity;
        let named = sessions.identity_headers().into_iter();
        identity.extend(named.map(|name| folded(name.as_str())));
        if let Some(name) = upstream
            .pass
            .iter()
            .find(|name| identity.contains(&folded(name)) || told.contains(&folded(name)))
        {
            let message = format!(
                "`{}` cannot be named here: the settings name it as one that says who somebody is",
                clip(name)
            );
            draft.file.report("upstream.headers.pass", message);
        }
        if asking.is_some() && sessions.takes_codes() {
            draft.file.report_with_hint(
                "session.basic",
                "a code behind a password is taken from what Stepgate forwards, and here another proxy does",
                "leave out `one_time_code`, or `forward_auth`",
            );
        }
        let options = ProxyOptions {
            limits: self.limits,
            trusted_proxies: TrustedProxies::new(self.trusted_proxies),
            headers: HeaderRules {
                identity,
                rewrite_urls: upstream.rewrite_urls,
                pass: upstream.pass,
                remove: upstream.remove,
                told,
                forwarded: upstream.forwarded,
                browser_cookie: cookie.name().to_owned(),
            },
            upstream: upstream.options,
            request: upstream.request,
            tunnel_silence: upstream.tunnel_silence,
            asking,
            injection: self.injection,
        };
        let web = WebOptions {
            site: SiteOptions {
                prefix: self.prefix,
                brand: self.brand,
                remembered: RememberedCookies::beside(cookie.name()),
                public_origin: self.public,
                cors_origins: self.cors_origins,
                login_page: sessions.login_page.clone(),
                session_cookies: sessions.credentials.cookies.clone(),
                takes_passwords: sessions.asks_for_password,
                takes_codes: sessions.takes_codes(),
                takes_inline: options.asking.is_none(),
            },
            accept: upstream.accept,
            body_limit: self.body_limit,
        };
        ProxySettings {
            listeners: self.listeners,
            options,
            web,
            drain: self.drain,
        }
    }
}

fn listeners(raw: &RawSettings, draft: &mut Draft<'_>) -> Vec<Listener> {
    let at = Path::root().key("listen");
    let mut listeners: Vec<Listener> = Vec::new();
    let Some(written) = &raw.listen else {
        // Only this machine, until the settings name an address.
        return vec![Listener {
            address: ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 8080))),
            role: Role::Public,
            tls: None,
        }];
    };
    for (at, listen) in written.with_paths(&at) {
        let Some(listener) = listener(listen, Role::Public, &at, draft) else {
            continue;
        };
        if listener.is_doubled(&listeners) {
            let message = format!("`{}` is listened on twice", listener.address);
            draft.file.report(&at, message);
        }
        listeners.push(listener);
    }
    if listeners.is_empty() && !draft.file.has_mistakes() {
        draft.file.report(&at, "there is no address to listen on");
    }
    listeners
}

/// An address to listen on.
pub(super) fn listener(
    raw: &RawListen,
    role: Role,
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<Listener> {
    let address_at = if raw.is_mapping {
        at.key("address")
    } else {
        at.clone()
    };
    let Some(text) = &raw.address else {
        draft.missing(
            at,
            "address",
            "an address and a port, such as `127.0.0.1:8080`",
        );
        return None;
    };
    let socket = text.strip_prefix("unix:").filter(|path| !path.is_empty());
    let address = match (socket, text.parse()) {
        // Of clients that come there nothing tells who they are, and of proxies that forward not what they add.
        (Some(_), _) if role == Role::Public => {
            let message = format!("`{}`: only proxies that ask come by a socket", clip(text));
            let hint = "an address with a port, such as `127.0.0.1:8080`";
            draft.file.report_with_hint(&address_at, message, hint);
            return None;
        }
        (Some(path), _) => ListenAddress::Unix(draft.resolve(path)),
        (None, Ok(address)) => ListenAddress::Tcp(address),
        (None, Err(_)) => {
            let message = format!("`{}` is not an address with a port", clip(text));
            let hint = match role {
                Role::Asked => "such as `127.0.0.1:9180`, or `unix:/run/stepgate/ask.sock`",
                Role::Public => "such as `127.0.0.1:8080`, `0.0.0.0:8443` or `[::]:8443`",
            };
            draft.file.report_with_hint(&address_at, message, hint);
            return None;
        }
    };
    let tls = match (&raw.tls, &address) {
        (None, _) => None,
        (Some(_), ListenAddress::Unix(_)) => {
            let message = "a socket in the file system has no use for `tls`";
            let hint = "its permissions say who may connect: our user and group";
            draft.file.report_with_hint(at.key("tls"), message, hint);
            return None;
        }
        (Some(tls), ListenAddress::Tcp(_)) => Some(tls_files(tls, at, draft)?),
    };
    Some(Listener { address, role, tls })
}

/// The files of TLS, read once.
fn tls_files(tls: &RawTls, at: &Path, draft: &mut Draft<'_>) -> Option<TlsFiles> {
    let at = at.key("tls");
    let hint = "both `certificate` and `key` are needed, as PEM files";
    let mut file = |written: &Option<String>, field: &str| {
        let text = draft.needed(written.as_ref(), &at, field, hint)?;
        draft.existing(text, &at.key(field))
    };
    let certificate = file(&tls.certificate, "certificate");
    let key = file(&tls.key, "key");
    let client_ca = match &tls.client_ca {
        Some(text) => Some(draft.existing(text, &at.key("client_ca"))?),
        None => None,
    };
    let files = TlsFiles {
        certificate: certificate?,
        key: key?,
        client_ca,
    };
    if let Err(error) = server_config(&files) {
        draft.file.report(&at, crate::telemetry::chain(&error));
    }
    Some(files)
}

fn public_url(text: Option<&str>, listeners: &[Listener], draft: &mut Draft<'_>) -> Option<Origin> {
    let at = Path::root().key("public_url");
    let is_plain = listeners.iter().all(|listener| listener.tls.is_none());
    let Some(text) = text else {
        if is_plain && !draft.file.mentions("public_url") {
            draft.file.warn_with_hint(
                Path::root(),
                "`public_url` is missing, and we listen in plain http: our cookie is not `Secure`, since \
                 it is not known whether people come over https",
                "write the address that people see, such as `public_url: https://app.example.com`",
            );
        }
        return None;
    };
    let origin = origin(text, &at, draft)?;
    match (origin.is_https(), is_plain) {
        (true, true) => draft.file.note(
            &at,
            "https, and we listen in plain http: something in front of us must end TLS",
        ),
        (false, false) => draft.file.warn(
            &at,
            "plain http, although we listen with TLS: our cookie goes without its protection",
        ),
        (true, false) | (false, true) => {}
    }
    Some(origin)
}

fn origin(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<Origin> {
    let origin = Origin::parse(text);
    if origin.is_none() {
        let message = format!("`{}` is not an origin", clip(text));
        let hint = "scheme and host, such as `https://app.example.com`";
        draft.file.report_with_hint(at, message, hint);
    }
    origin
}

fn prefix(text: Option<&str>, draft: &mut Draft<'_>) -> String {
    let text = text.unwrap_or("/.stepup/");
    let inner = text
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    let is_segment = |segment: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
    };
    if !inner.is_some_and(|inner| inner.split('/').all(is_segment)) {
        let message = format!("`{}` cannot be our prefix", clip(text));
        let hint = "a plain path between slashes, such as `/.stepup/`";
        draft.file.report_with_hint("prefix", message, hint);
    }
    text.to_owned()
}

fn trusted_proxies(raw: &RawSettings, draft: &mut Draft<'_>) -> Vec<IpNet> {
    let at = Path::root().key("trusted_proxies");
    let mut networks = Vec::new();
    for (at, text) in raw
        .trusted_proxies
        .iter()
        .flat_map(|list| list.with_paths(&at))
    {
        let network = text.parse::<IpNet>().ok();
        match network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)) {
            // Every client could then name any address as its own, and escape the limits by
            // address.
            Some(network) if network.prefix_len() == 0 => {
                draft.file.report(&at, format!("`{text}` trusts everybody"));
            }
            Some(network) => networks.push(network),
            None => {
                let message = format!("`{}` is not a network", clip(text));
                let hint = "an address or a network, such as `10.0.0.0/8`";
                draft.file.report_with_hint(&at, message, hint);
            }
        }
    }
    networks
}

fn limits(
    raw: Option<&RawLimits>,
    deadlines: &RawDeadlines,
    draft: &mut Draft<'_>,
) -> (ClientLimits, usize) {
    let default = RawLimits::default();
    let raw = raw.unwrap_or(&default);
    let at = |field: &str| Path::root().key("limits").key(field);
    let time = |field: &str| Path::root().key("deadlines").key(field);
    let secs = Duration::from_secs;
    let limits = ClientLimits {
        connections: draft.count(raw.connections, 10_000, &at("connections")),
        connections_per_address: draft.count(
            raw.connections_per_address,
            1_000,
            &at("connections_per_address"),
        ),
        open_per_session: draft.count(raw.open_per_session, 100, &at("open_per_session")),
        header_bytes: draft.size(raw.header_bytes, 32 << 10, 1 << 20, &at("header_bytes")),
        headers: draft.count(raw.headers, 100, &at("headers")),
        streams: draft.count32(raw.streams, 128, &at("streams")),
        // Bodies are streamed: their size costs us nothing, and the application has a limit of its
        // own.
        body: raw.body.map_or(u64::MAX, |size| size.0),
        handshake: draft.span(deadlines.handshake, secs(10), &time("handshake")),
        deadlines: ClientDeadlines {
            header: draft.span(deadlines.header, secs(10), &time("header")),
            body: draft.span(deadlines.body, secs(60), &time("body")),
            progress: draft.span(deadlines.progress, secs(30), &time("progress")),
            idle: draft.span(deadlines.idle, secs(75), &time("idle")),
        },
    };
    // hyper refuses to start with less than it needs for one line.
    if limits.header_bytes < 8 << 10 {
        let message = format!("{} bytes: expected at least `8KiB`", limits.header_bytes);
        draft.file.report(at("header_bytes"), message);
    }
    let body_limit = draft.size(raw.body_limit, 64 << 10, 16 << 20, &at("body_limit"));
    (limits, body_limit)
}
