//! `stepgate check --online`: asks what the settings name, as nobody. Each question has a deadline, and nothing is
//! changed or sent to anybody.

use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::store::reach;
use crate::clock::Clock;
use crate::jwt::{KeyPlace, SignatureAlgorithm};
use crate::metrics::Metrics;
use crate::session::{ApplicationProbe, Source};
use crate::settings::Settings;
use crate::store::{StoreOptions, open};
use crate::telemetry::chain;
use crate::transport::Target;
use http::HeaderValue;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// Asks everything in turn; fails if anything does not answer as it should.
pub(super) fn run(settings: &Settings, out: &mut Output) -> Result<(), CliError> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(<_>::default());
    let runtime = runtime.map_err(CliError::io("cannot start"))?;
    let mut report = OnlineReport {
        out,
        asked: 0,
        failed: 0,
    };
    runtime.block_on(async {
        application(settings, &mut report).await?;
        source(settings, &mut report).await?;
        provider(settings, &mut report).await?;
        store(settings, &mut report).await?;
        mail(settings, &mut report).await
    })?;
    let OnlineReport { asked, failed, .. } = report;
    if failed > 0 {
        let message = format!("{failed} of {asked} that were asked do not answer as they should");
        return Err(CliError::Impossible(message));
    }
    Ok(())
}

/// What was asked so far.
struct OnlineReport<'o> {
    out: &'o mut Output,
    asked: usize,
    failed: usize,
}

impl OnlineReport<'_> {
    fn ok(&mut self, what: &str, answer: &str) -> io::Result<()> {
        self.asked += 1;
        writeln!(self.out, "ok      {what}: {answer}")
    }

    fn failed(&mut self, what: &str, why: &str, hint: &str) -> io::Result<()> {
        self.asked += 1;
        self.failed += 1;
        writeln!(self.out, "FAILED  {what}: {why}\n        hint: {hint}")
    }
}

/// The application, its login page and its answer to `session.whoami`.
async fn application(settings: &Settings, report: &mut OnlineReport<'_>) -> io::Result<()> {
    let probe = probe(settings);
    let limit = LONGEST.min(settings.proxy.upstream.response);
    let target = &settings.proxy.upstream.target;
    // Other proxies forward, and nothing is asked of it.
    if *target == Target::Absent {
        return Ok(());
    }
    let what = format!("upstream {target}");
    match probe.status_of("/", limit).await {
        Ok(status @ ..500) => report.ok(&what, &format!("`/` is answered {status}"))?,
        Ok(status) => {
            let hint = "it runs and fails: look at its own log, and at the host that it expects (`public_url`)";
            report.failed(&what, &format!("`/` is answered {status}"), hint)?;
        }
        Err(error) => {
            // Whatever is asked of it would only say the same again.
            let hint = "start it, or correct `upstream.url` (`upstream.tls.ca` for a certificate of your own)";
            return report.failed(&what, &error, hint);
        }
    }
    let page = settings.sessions.login_page.as_deref();
    let page = page
        .and_then(|page| page.split('#').next())
        .filter(|page| *page != "/");
    if let Some(page) = page {
        let what = format!("session.login_page {page}");
        match probe.status_of(&page.replace("{path}", "%2F"), limit).await {
            Ok(status @ ..400) => report.ok(&what, &format!("answered {status}"))?,
            Ok(status) => {
                let hint = "name the page on which people sign in: they are sent there";
                report.failed(&what, &format!("answered {status}"), hint)?;
            }
            Err(error) => report.failed(&what, &error, "see the application's own log")?,
        }
    }
    questions(settings, &probe, report).await
}

/// What the application says of somebody who is signed in nowhere.
async fn questions(
    settings: &Settings,
    probe: &ApplicationProbe,
    report: &mut OnlineReport<'_>,
) -> io::Result<()> {
    let (rules, name) = match &settings.sessions.source {
        Some(Source::Whoami(whoami)) => (&whoami.rules, "session.whoami"),
        Some(Source::Basic(basic)) => (&basic.questions.rules, "session.basic"),
        Some(Source::Headers(_) | Source::Jwt(_) | Source::Records(_)) | None => return Ok(()),
    };
    for rule in rules {
        let Some(url) = rule.url.fixed() else {
            continue;
        };
        let what = format!("{name} {}", url.path());
        match probe.whoami(rule).await {
            None => {}
            Some(Ok((401, _))) if name == "session.basic" => {
                report.ok(&what, "answered 401 to nobody, as it must be")?;
            }
            Some(Ok((status, _))) if name == "session.basic" => {
                let hint = "name a place that only somebody with a password sees";
                report.failed(
                    &what,
                    &format!("answered {status} without a password, not 401"),
                    hint,
                )?;
            }
            Some(Ok((status, None))) => {
                report.ok(
                    &what,
                    &format!("answered {status}, and names nobody who is signed in nowhere"),
                )?;
            }
            Some(Ok((status, Some(fault)))) => {
                let hint =
                    "`stepgate learn` finds an answer that names the user; see docs/sessions.md";
                report.failed(&what, &format!("answered {status}: {fault}"), hint)?;
            }
            Some(Err(error)) => {
                let hint = "guarded requests are refused (503) while it does not answer; `deadline` is how long it may \
                            take";
                report.failed(&what, &error, hint)?;
            }
        }
    }
    Ok(())
}

/// A client that speaks to the application under the name that people use.
fn probe(settings: &Settings) -> ApplicationProbe {
    let origin = settings.web.site.public_origin.as_ref();
    let host = origin.map(ToString::to_string);
    let host = host.as_deref().and_then(|origin| origin.split_once("://"));
    let target = settings.proxy.upstream.target.to_string();
    let own = target.split_once("://").map_or("localhost", |(_, own)| own);
    let host = host.map_or(own, |(_, host)| host);
    let host = HeaderValue::from_str(host).unwrap_or(HeaderValue::from_static("localhost"));
    let metrics = Arc::new(Metrics::new(0, Clock::System.now()));
    ApplicationProbe::new(settings.proxy.upstream.clone(), host, metrics)
}

/// The keys of tokens, or the application's own Redis.
async fn source(settings: &Settings, report: &mut OnlineReport<'_>) -> io::Result<()> {
    match &settings.sessions.source {
        Some(Source::Jwt(jwt)) => {
            let place = match jwt.keys.place() {
                KeyPlace::Discovered(discovery) => discovery.to_string(),
                KeyPlace::File(path) => path.display().to_string(),
                KeyPlace::Url(url) => url.to_string(),
            };
            let what = format!("session.jwt.keys {place}");
            match jwt.keys.try_read().await {
                Ok(_) => report.ok(&what, "keys are there"),
                Err(error) => {
                    let hint = "the issuer's document of public keys (JWKS), often `jwks_uri` in \
                                /.well-known/openid-configuration";
                    report.failed(&what, &error, hint)
                }
            }
        }
        Some(Source::Records(records)) => match records.try_server(WAIT).await {
            Ok(()) => report.ok("session.redis", "answers"),
            Err(error) => {
                let hint = "the address and password of the application's Redis, and `GETRANGE` for our user of it";
                report.failed("session.redis", &chain(&error), hint)
            }
        },
        Some(Source::Basic(_) | Source::Headers(_) | Source::Whoami(_)) | None => Ok(()),
    }
}

/// The identity provider: what it says of itself, and whether that fits the settings.
async fn provider(settings: &Settings, report: &mut OnlineReport<'_>) -> io::Result<()> {
    let Some(provider) = &settings.oidc else {
        return Ok(());
    };
    let options = &provider.options;
    let what = format!("verification.oidc {}", options.issuer);
    let read = provider.keys.try_read().await;
    let metadata = match read.as_ref().map(|keys| keys.provider.as_ref()) {
        Ok(Some(metadata)) => metadata,
        Ok(None) => return Ok(()),
        Err(error) => {
            let hint = "`issuer` as the provider writes it itself, in the document \
                        ISSUER/.well-known/openid-configuration; `ca` for a certificate of your own";
            return report.failed(&what, error, hint);
        }
    };
    let listed = &metadata.listed;
    let lacks = |list: &Option<Vec<String>>, wanted: &[&str]| {
        let lists = |all: &Vec<String>| all.iter().any(|one| wanted.contains(&one.as_str()));
        list.as_ref().is_some_and(|all| !lists(all))
    };
    let known = SignatureAlgorithm::ALL.iter();
    let algorithms: Vec<_> = known
        .filter(|(_, it)| options.algorithms.contains(it))
        .map(|(name, _)| *name)
        .collect();
    let faults = [
        (
            lacks(&listed.code_challenge_methods, &["S256"]),
            "it does not list PKCE by S256",
            "a provider that does not know it cannot be used",
        ),
        (
            lacks(&listed.id_token_signing_alg_values, &algorithms),
            "it signs ID tokens by no algorithm that `algorithms` allows",
            "`algorithms: [RS256, ES256]` by default; its document lists `id_token_signing_alg_values_supported`",
        ),
        (
            lacks(
                &listed.token_endpoint_auth_methods,
                &[options.client.method()],
            ),
            "it does not list our way to authenticate as a client",
            "`client_secret` with `client_auth: basic` or `post`, as its document lists \
             (`token_endpoint_auth_methods_supported`)",
        ),
    ];
    if let Some((_, fault, hint)) = faults.into_iter().find(|(is_fault, ..)| *is_fault) {
        return report.failed(&what, fault, hint);
    }
    let uri = &options.redirect_uri;
    report.ok(
        &what,
        &format!("describes itself; it must know `{uri}` as redirect URI"),
    )
}

async fn store(settings: &Settings, report: &mut OnlineReport<'_>) -> io::Result<()> {
    // The embedded one would be made; `serve` says what is wrong with its folder.
    let StoreOptions::Redis(_) = &settings.store else {
        return Ok(());
    };
    let hint = "start it, or correct `store.redis`; its user needs the keys under the prefix, the channel of the same \
                name, scripts and `INFO` (docs/operations.md)";
    let answer = match open(&settings.store, &Clock::System) {
        Ok(source) => reach(&source.handle()).await.map_err(|error| chain(&error)),
        Err(error) => Err(chain(&error)),
    };
    match answer {
        Ok(()) => report.ok("store.redis", "answers"),
        Err(error) => report.failed("store.redis", &error, hint),
    }
}

async fn mail(settings: &Settings, report: &mut OnlineReport<'_>) -> io::Result<()> {
    let Some(mail) = &settings.mail else {
        return Ok(());
    };
    let what = format!("mail.smtp {}:{}", mail.smtp.host, mail.smtp.port());
    match mail.try_server().await {
        Ok(()) => {
            let login = if mail.smtp.login.is_some() {
                ", and takes the password"
            } else {
                ""
            };
            report.ok(&what, &format!("greets{login}; no mail was sent"))
        }
        Err(error) => {
            let hint = "`mail.smtp`, `mail.security` (starttls on port 587, tls on 465), `mail.user` and `mail.password`";
            report.failed(&what, &error, hint)
        }
    }
}

/// How long one answer of the application may take here, and one of its Redis.
const LONGEST: Duration = Duration::from_secs(10);
const WAIT: Duration = Duration::from_secs(2);
