//! Connects to the server: socket, TLS, and the first commands.

use super::driver::ByteStream;
use super::pipeline::{ConnectionError, Pipeline};
use super::reply::Reply;
use super::scripts;
use crate::store::OpenError;
use crate::tls::client_config;
use redis::{Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, ServerErrorKind};
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// The address of the server, and how to log in.
pub(super) struct Dialer {
    info: ConnectionInfo,
    tls: Option<Tls>,
    first: FirstCommand,
}

/// The first command after the login, whose reply proves that the server works.
#[derive(Clone, Copy, Debug)]
pub(super) enum FirstCommand {
    /// Loads the script that guarded requests run.
    LoadScript,
    /// One that changes nothing.
    Ping,
}

/// The trusted certificates, and the name that the server must prove.
#[derive(Clone)]
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the rest: it holds the password.
        f.debug_struct("Dialer")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl Dialer {
    /// Reads the certificates, if the server is reached by TLS.
    pub(super) fn new(
        info: &ConnectionInfo,
        ca_file: Option<&Path>,
        first: FirstCommand,
    ) -> Result<Self, OpenError> {
        let ConnectionAddr::TcpTls { host, insecure, .. } = info.addr() else {
            let (info, tls) = (info.clone(), None);
            return Ok(Self { info, tls, first });
        };
        let wrong = |what: &'static str| {
            OpenError::Url(RedisError::from((ErrorKind::InvalidClientConfig, what)))
        };
        // `#insecure` at the end of the address.
        if *insecure {
            return Err(wrong("TLS without a look at the certificate is none"));
        }
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|_| wrong("no certificate can be for that host"))?;
        let connector = TlsConnector::from(client_config(ca_file)?);
        let (info, tls) = (info.clone(), Some(Tls { connector, name }));
        Ok(Self { info, tls, first })
    }

    /// The address, for the log: it holds no password.
    pub(super) fn address(&self) -> String {
        self.info.addr().to_string()
    }

    /// Connects to all addresses of the server at once, and takes the first that answers.
    pub(super) async fn dial(&self) -> Result<Box<dyn ByteStream>, ConnectionError> {
        let (host, port) = match self.info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                (host.as_str(), *port)
            }
            ConnectionAddr::Unix(path) => return Ok(Box::new(UnixStream::connect(path).await?)),
            _ => return Err(io::Error::from(io::ErrorKind::Unsupported).into()),
        };
        // Not one after the other with a delay (RFC 8305): a server has few addresses, and callers
        // are being refused meanwhile.
        let mut dials = JoinSet::new();
        for address in lookup_host((host, port)).await? {
            dials.spawn(reach(address, self.tls.clone()));
        }
        let mut cause = io::Error::new(io::ErrorKind::NotFound, "no address found for the host");
        while let Some(dialed) = dials.join_next().await {
            match dialed.unwrap_or_else(|error| Err(error.into())) {
                Ok(stream) => return Ok(stream),
                Err(error) => cause = error,
            }
        }
        Err(cause.into())
    }

    /// Logs in, selects the database, and sends the first command. All commands are sent before the first reply is read.
    pub(super) async fn log_in(&self, pipeline: &Pipeline) -> Result<(), ConnectionError> {
        let settings = self.info.redis_settings();
        let login = settings.password().map(|password| {
            let mut login = Cmd::new();
            login.arg("AUTH").arg(settings.username()).arg(password);
            login
        });
        let select = (settings.db() != 0).then(|| command(&["SELECT", &settings.db().to_string()]));
        let first = match self.first {
            FirstCommand::LoadScript => command(&["SCRIPT", "LOAD", scripts::EVIDENCE.code]),
            FirstCommand::Ping => command(&["PING"]),
        };

        let login = login.map(|login| pipeline.send(&login)).transpose()?;
        let select = select.map(|select| pipeline.send(&select)).transpose()?;
        let first = pipeline.send(&first)?;
        // All were sent before the first reply is awaited: one round trip.
        if let Some(login) = login {
            let why = (
                ErrorKind::AuthenticationFailed,
                "Password authentication failed",
            );
            accept(&login.await?, why)?;
        }
        if let Some(select) = select {
            let kind = ErrorKind::Server(ServerErrorKind::ResponseError);
            accept(
                &select.await?,
                (kind, "Redis server refused to switch database"),
            )?;
        }
        first
            .await?
            .refusal()
            .map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}

fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

fn accept(reply: &Reply, (kind, what): (ErrorKind, &'static str)) -> Result<(), RedisError> {
    match reply.refusal() {
        None => Ok(()),
        Some(refusal) => Err((kind, what, refusal.to_string()).into()),
    }
}

async fn reach(address: SocketAddr, tls: Option<Tls>) -> io::Result<Box<dyn ByteStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    match tls {
        None => Ok(Box::new(stream)),
        Some(Tls { connector, name }) => Ok(Box::new(connector.connect(name, stream).await?)),
    }
}
