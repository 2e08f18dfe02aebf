//! `stepgate demo`: a small old application, an inbox for the codes, and Stepgate in front.

use super::arguments::Demo;
use super::error::CliError;
use super::output::Output;
use super::store::{Bench, on_store_of};
use crate::app::{App, AppError, Signals};
use crate::clock::Clock;
use crate::demo::{self, Addresses, COOKIE, EMAIL, Inbox, Legacy, PASSWORD, USER};
use crate::domain::{Secret, User, UserId};
use crate::entropy::Entropy;
use crate::settings::{self, Settings};
use crate::store::Store;
use crate::telemetry::{self, LogFormat, LogSettings};
use crate::verification::hash_password;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

pub(super) fn run(arguments: Demo, out: &mut Output) -> Result<(), CliError> {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    if arguments.app_only {
        return alone(arguments.listen.unwrap_or(anywhere), out);
    }
    telemetry::start(&LogSettings {
        format: LogFormat::Auto,
        level: "warn,stepgate::app=info".to_owned(),
    })?;
    let failed = || CliError::io("cannot start the demo");
    let legacy = Legacy::start(anywhere).map_err(failed())?;
    let inbox = Inbox::start(anywhere, Clock::System).map_err(failed())?;
    let folder = Folder::open(arguments.state)?;
    let parts = Parts {
        legacy: legacy.addr(),
        smtp: inbox.smtp_addr(),
        folder: &folder.path,
    };
    let app = parts.app(arguments.listen, out)?;
    let stepgate = app.addresses().next().unwrap_or(anywhere);
    let addresses = Addresses {
        stepgate,
        inbox: inbox.http_addr(),
        legacy: legacy.addr(),
    };
    writeln!(out, "{}", demo::banner(addresses))?;
    writeln!(
        out,
        "  Settings, policies and the audit log: {}\n",
        folder.path.display()
    )?;
    app.run(Signals::Process)?;
    Ok(())
}

/// The application without Stepgate.
fn alone(listen: SocketAddr, out: &mut Output) -> Result<(), CliError> {
    let failed = || CliError::io(format!("cannot listen on `{listen}`"));
    let legacy = Legacy::start(listen).map_err(failed())?;
    writeln!(
        out,
        "the application alone is listening on http://{}/",
        legacy.addr()
    )?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed())?;
    runtime
        .block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted,
                _ = terminate.recv() => Ok(()),
            }
        })
        .map_err(failed())
}

/// What Stepgate is put in front of.
struct Parts<'f> {
    legacy: SocketAddr,
    smtp: SocketAddr,
    folder: &'f Path,
}

impl Parts<'_> {
    /// Builds Stepgate on the address asked for, or near the usual one.
    fn app(&self, listen: Option<SocketAddr>, out: &mut Output) -> Result<App, CliError> {
        let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT));
        let mut address = listen.unwrap_or(usual);
        add_user(self.settings(address)?)?;
        loop {
            match App::build(self.settings(address)?) {
                Ok(app) => {
                    if listen.is_none() && address != usual {
                        writeln!(
                            out,
                            "port {USUAL_PORT} is taken; taking {} instead",
                            address.port()
                        )?;
                    }
                    return Ok(app);
                }
                Err(AppError::Bind { source, .. })
                    if source.kind() == ErrorKind::AddrInUse
                        && listen.is_none()
                        && address.port() < USUAL_PORT + 100 =>
                {
                    address.set_port(address.port() + 1);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes the settings and, unless they are there, the policies; then reads them as ever.
    fn settings(&self, address: SocketAddr) -> Result<Settings, CliError> {
        let write = |path: &Path, text: &str| {
            let failed = CliError::io(format!("cannot write `{}`", path.display()));
            fs::write(path, text).map_err(failed)
        };
        let policies = self.folder.join("policies.yaml");
        if !policies.exists() {
            write(&policies, demo::policy())?;
        }
        let file = self.folder.join("stepgate.yaml");
        write(&file, &self.yaml(address))?;
        let mut settings = settings::load(&file).map_err(CliError::Configuration)?;
        // People come by `localhost` as well as by the address: their own word is taken for it.
        settings.web.site.public_origin = None;
        Ok(settings)
    }

    fn yaml(&self, address: SocketAddr) -> String {
        let Self { legacy, smtp, .. } = self;
        format!(
            "# What `stepgate demo` runs with. Every field is explained in
# examples/quickstart/stepgate.yaml.
version: 1
listen: \"{address}\"
public_url: http://{address}
threads: 2
upstream: {{ url: \"http://{legacy}\" }}
policies: policies.yaml
store:
  embedded: {{ path: state }}
session:
  cookies: [{COOKIE}]
  login_page: /login
  learn:
    # A wrong password is a 200 with the form again: only the redirect is a login.
    logins:
      - path: /login
        subject: {{ form: user }}
        success: {{ status: 302, location: /, cookie: {COOKIE} }}
    logouts:
      - path: /logout
mail:
  smtp: \"{smtp}\"
  security: plain
  from: Stepgate <stepgate@example.test>
  site: the demo
audit: {{ target: audit.log }}
"
        )
    }
}

/// The directory knows the one user of the application.
fn add_user(settings: Settings) -> Result<(), CliError> {
    let hash = || {
        let password = Secret::new(PASSWORD.to_owned());
        hash_password(&password, settings.passwords.cost, &Entropy::system())
    };
    let password = hash()?;
    on_store_of(settings, async |bench: Bench| {
        let id = UserId::new(USER);
        if bench.store.user(&id).await?.is_none() {
            let user = User {
                id,
                aliases: Vec::new(),
                email: Some(EMAIL.to_owned()),
                password: Some(password),
                totp: None,
                created_at: bench.clock.now(),
            };
            bench.store.put_user(&user).await?;
        }
        Ok(())
    })
}

/// Where the demo keeps its files; a folder of our own making goes when we go.
struct Folder {
    path: PathBuf,
    is_ours: bool,
}

impl Folder {
    fn open(named: Option<PathBuf>) -> Result<Self, CliError> {
        let is_ours = named.is_none();
        let path = named.unwrap_or_else(|| {
            let name = data_encoding::HEXLOWER.encode(&Entropy::system().bytes::<8>());
            std::env::temp_dir().join(format!("stepgate-demo-{name}"))
        });
        let failed = CliError::io(format!("cannot make `{}`", path.display()));
        let made = DirBuilder::new()
            .recursive(!is_ours)
            .mode(0o700)
            .create(&path);
        made.map_err(failed)?;
        Ok(Self { path, is_ours })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_ours {
            // What cannot be removed stays in the folder for temporary files, which is emptied anyway.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The port of the demo, unless it is taken.
const USUAL_PORT: u16 = 8080;
