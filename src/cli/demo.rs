//! `stepgate demo`: a small old application, an inbox for the codes, and Stepgate in front.

use super::arguments::Demo;
use super::error::CliError;
use super::output::Output;
use super::store::{Context, on_store_of};
use crate::app::{App, AppError, Signals};
use crate::clock::Clock;
use crate::demo::{self, ALICE, BOB, Banner, COOKIE, DemoAccount, Inbox, Legacy};
use crate::domain::{Secret, User, UserId};
use crate::entropy::Entropy;
use crate::settings::{self, Settings};
use crate::telemetry::{self, LogFormat, LogSettings};
use crate::verification::hash_password;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

pub(super) fn run(arguments: Demo, out: &mut Output) -> Result<(), CliError> {
    let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    if arguments.app_only {
        return application_alone(arguments.listen.unwrap_or(free_port), out);
    }
    telemetry::start(&LogSettings {
        format: LogFormat::Auto,
        level: "warn,stepgate::app=info".to_owned(),
    })?;
    let failed = || CliError::io("cannot start the demo");
    let legacy = Legacy::start(free_port).map_err(failed())?;
    // Who opens the demo from another machine needs its mail there, too.
    let beside = arguments.listen.map_or(free_port.ip(), |at| at.ip());
    let inbox = arguments.inbox.unwrap_or(SocketAddr::from((beside, 0)));
    let inbox = Inbox::start(inbox, Clock::System).map_err(failed())?;
    let folder = Folder::open(arguments.state)?;
    let parts = DemoSettings {
        legacy: legacy.addr(),
        smtp: inbox.smtp_addr(),
        folder: &folder.path,
    };
    let app = parts.app(arguments.listen, out)?;
    let stepgate = app.addresses().next().unwrap_or(free_port);
    let banner = Banner {
        stepgate: reachable(stepgate),
        inbox: reachable(inbox.http_addr()),
        legacy: legacy.addr(),
    };
    writeln!(out, "{banner}")?;
    writeln!(
        out,
        "  Settings, policies and the audit log: {}\n",
        folder.path.display()
    )?;
    app.run(Signals::Process)?;
    Ok(())
}

/// An address that people can open: one of this machine's, where `at` stands for all of them.
fn reachable(at: SocketAddr) -> SocketAddr {
    let (any, elsewhere) = match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (at.ip(), EXAMPLE_V4),
        IpAddr::V6(ip) if ip.is_unspecified() => (at.ip(), EXAMPLE_V6),
        IpAddr::V4(_) | IpAddr::V6(_) => return at,
    };
    // Connecting a UDP socket sends nothing; it makes the kernel choose the address to send from.
    let chosen = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((elsewhere, 9))?;
        socket.local_addr()
    });
    chosen.map_or(at, |chosen| SocketAddr::from((chosen.ip(), at.port())))
}

/// The application without Stepgate.
fn application_alone(listen: SocketAddr, out: &mut Output) -> Result<(), CliError> {
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

/// What the settings of the demo's Stepgate name.
struct DemoSettings<'f> {
    legacy: SocketAddr,
    smtp: SocketAddr,
    folder: &'f Path,
}

impl DemoSettings<'_> {
    /// Builds Stepgate on the address asked for, or near the usual one.
    fn app(&self, listen: Option<SocketAddr>, out: &mut Output) -> Result<App, CliError> {
        let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, USUAL_PORT));
        let mut address = listen.unwrap_or(usual);
        add_users(self.settings(address)?)?;
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

    /// Writes the settings and, unless they are there, the policies; then loads them.
    fn settings(&self, address: SocketAddr) -> Result<Settings, CliError> {
        let write = |path: &Path, text: &str| {
            let failed = CliError::io(format!("cannot write `{}`", path.display()));
            fs::write(path, text).map_err(failed)
        };
        let policies = self.folder.join("policies.yaml");
        // One that was edited is kept.
        if !policies.exists() {
            write(&policies, demo::policy())?;
        }
        let file = self.folder.join("stepgate.yaml");
        write(&file, &self.yaml(address))?;
        let mut settings = settings::load(&file).map_err(CliError::Configuration)?;
        // The demo is opened by `localhost`, by the address or by the machine's name: our origin is
        // what each request names.
        settings.web.site.public_origin = None;
        Ok(settings)
    }

    fn yaml(&self, address: SocketAddr) -> String {
        let Self { legacy, smtp, .. } = self;
        let public = reachable(address);
        format!(
            "# What `stepgate demo` runs with. Every field is explained in
# examples/quickstart/stepgate.yaml.
version: 1
listen: \"{address}\"
public_url: http://{public}
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

/// Adds the application's accounts to the directory, unless they are there.
fn add_users(settings: Settings) -> Result<(), CliError> {
    on_store_of(settings, None, async |context: Context| {
        for account in [ALICE, BOB] {
            if context
                .store
                .user(&UserId::new(account.name))
                .await?
                .is_none()
            {
                context.store.put_user(&user(account, &context)?).await?;
            }
        }
        Ok(())
    })
}

fn user(account: DemoAccount, context: &Context) -> Result<User, CliError> {
    let password = Secret::new(account.step_up_password.to_owned());
    let cost = context.settings.passwords.cost;
    Ok(User {
        email: Some(account.email.to_owned()),
        password: Some(hash_password(&password, cost, &Entropy::system())?),
        ..User::new(UserId::new(account.name), context.clock.now())
    })
}

/// Where the demo keeps its files; a folder that the demo made is removed at its end.
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
            // Where others may write, a folder that exists may be somebody else's: that fails.
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
            // What cannot be removed lies in the folder for temporary files, which the system empties.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// The port of the demo, unless it is taken.
const USUAL_PORT: u16 = 8080;
/// Addresses of other networks, kept for documentation: RFC 5737 and RFC 3849.
const EXAMPLE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const EXAMPLE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
