//! A real proxy in front of an application, that asks a sidecar.

use crate::support::accounts::Accounts;
use crate::support::client::{Answer, Client};
use crate::support::port::HeldPort;
use crate::support::process::Process;
use crate::support::sidecar::{self, COOKIE, HOST, Setup, Sidecar, USER};
use crate::support::store::Store;
use crate::support::temp::TempDir;
use crate::support::tls::TestCa;
use crate::support::until;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use tokio::net::TcpStream;

/// What the proxy sends with each question.
pub(crate) const SECRET: &str = "3b1f0c7d5a9e4c62a8d7e6f5b4c3a291";

/// The socket by which it asks, in the folder of the sidecar.
pub(crate) const SOCKET: &str = "ask.sock";

/// A proxy that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    Caddy,
    Envoy,
    EnvoyGrpc,
    Haproxy,
    Nginx,
    Traefik,
}

/// All of them.
pub(crate) const ALL: [Proxy; 6] = [
    Proxy::Caddy,
    Proxy::Envoy,
    Proxy::EnvoyGrpc,
    Proxy::Haproxy,
    Proxy::Nginx,
    Proxy::Traefik,
];

/// How the proxy comes to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Address,
    /// With a certificate of its own.
    Certificate,
    /// By a socket in the file system.
    Socket,
}

/// A sidecar that is asked, the application, and who is known there.
pub(crate) struct Asked {
    pub(crate) sidecar: Sidecar,
    pub(crate) accounts: Accounts,
    port: HeldPort,
}

/// The same behind a proxy.
pub(crate) struct Front {
    pub(crate) asked: Asked,
    pub(crate) addr: SocketAddr,
    _port: HeldPort,
    _dir: TempDir,
    _process: Process,
}

/// What the example is changed to, where the proxy asks in another way than by an address.
fn asking(proxy: Proxy, way: Way, socket: &str) -> Option<(&'static str, String)> {
    let ca = TestCa::shared();
    let [cert, key, authority] = [ca.cert(), ca.key(), ca.ca()].map(text_of);
    Some(match (proxy, way) {
        (_, Way::Address) => return None,
        (Proxy::Nginx, Way::Socket) => {
            ("server 127.0.0.1:9180;", format!("server unix:{socket};"))
        }
        (Proxy::Caddy, Way::Socket) => {
            ("reverse_proxy 127.0.0.1:9180 {", format!("reverse_proxy unix/{socket} {{"))
        }
        (Proxy::Envoy | Proxy::EnvoyGrpc, Way::Socket) => (
            "socket_address: { address: 127.0.0.1, port_value: 9180 }",
            format!("pipe: {{ path: \"{socket}\" }}"),
        ),
        (Proxy::Nginx, Way::Certificate) => (
            "proxy_pass http://stepgate_asked/nginx;",
            format!(
                "proxy_pass https://stepgate_asked/nginx; proxy_ssl_certificate {cert}; proxy_ssl_certificate_key {key};
                 proxy_ssl_trusted_certificate {authority}; proxy_ssl_verify on; proxy_ssl_name localhost;"
            ),
        ),
        (Proxy::Envoy | Proxy::EnvoyGrpc, Way::Certificate) => (
            "    - name: stepgate_asked\n",
            format!(
                "    - name: stepgate_asked
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: localhost
          common_tls_context:
            tls_certificates: [{{ certificate_chain: {{ filename: {cert} }}, private_key: {{ filename: {key} }} }}]
            validation_context: {{ trusted_ca: {{ filename: {authority} }} }}
"
            ),
        ),
        (Proxy::Traefik, Way::Certificate) => (
            "address: \"http://127.0.0.1:9180",
            format!("tls: {{ ca: {authority}, cert: {cert}, key: {key} }}\n        address: \"https://localhost:9180"),
        ),
        (Proxy::Caddy, Way::Certificate) | (Proxy::Haproxy, _) | (Proxy::Traefik, Way::Socket) => panic!("{proxy:?} does not ask by {way:?} here"),
    })
}

fn text_of(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap()
}

/// A file of `examples/forward-auth/`.
fn example(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/forward-auth");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Where `tests/e2e/forward_auth/install` puts what is no Debian package.
fn programs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tmp/forward-auth")
}

/// A sidecar that is asked, with further settings.
pub(crate) fn asked(more: impl FnOnce(Setup) -> Setup) -> Asked {
    asked_by(Way::Address, more)
}

/// The same, that is asked in this way.
pub(crate) fn asked_by(way: Way, more: impl FnOnce(Setup) -> Setup) -> Asked {
    let (accounts, port) = (Accounts::new(), HeldPort::take());
    let application = accounts.clone();
    let listen = match way {
        Way::Address => port.addr().to_string(),
        Way::Certificate => {
            let (ca, addr) = (TestCa::shared(), port.addr());
            let [cert, key, authority] = [ca.cert(), ca.key(), ca.ca()].map(text_of);
            format!(
                "{{ address: {addr}, tls: {{ certificate: {cert}, key: {key}, client_ca: {authority} }} }}"
            )
        }
        Way::Socket => format!("unix:{SOCKET}"),
    };
    let setup = sidecar::on(Store::Embedded)
        .without_logins()
        .application(move |got| application.answer(got))
        .policy(&example("policies/routes.yaml"))
        .line("trusted_proxies: [127.0.0.1]")
        .with(
            "forward_auth",
            &format!("listen: {listen}\nsecret: {{ file: ask.key }}"),
        )
        .with("upstream", "identity: { assertion: {} }")
        .with(
            "session",
            "whoami: { url: /api/me, subject: { json: /user/name }, email: { json: /user/mail } }",
        );
    let mut sidecar = more(setup).prepare();
    sidecar.write_private("ask.key", SECRET);
    sidecar.enroll();
    sidecar.start();
    Asked {
        sidecar,
        accounts,
        port,
    }
}

impl Asked {
    /// Where it is asked.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// A client with a session of the user.
    fn with_session(&self, client: Client) -> Client {
        client.set_cookie(COOKIE, &self.accounts.sign_in(USER));
        client
    }

    /// A proxy that asks for a page's script in a session of the user.
    pub(crate) fn asking(&self) -> Client {
        let proxy = Client::new(self.addr()).fetching();
        self.with_session(proxy.header("step-up-secret", SECRET))
    }
}

impl Front {
    /// Starts the proxy with the configuration of its example.
    pub(crate) async fn start(proxy: Proxy) -> Self {
        Self::start_by(proxy, Way::Address, |setup| setup).await
    }

    /// The same, where it asks in this way, with further settings.
    pub(crate) async fn start_by(
        proxy: Proxy,
        way: Way,
        more: impl FnOnce(Setup) -> Setup,
    ) -> Self {
        let body = match proxy {
            Proxy::Envoy | Proxy::EnvoyGrpc => "body: 64KiB",
            Proxy::Caddy | Proxy::Haproxy | Proxy::Nginx | Proxy::Traefik => "body: false",
        };
        let asked = asked_by(way, |setup| more(setup.with("forward_auth", body)));
        let (port, dir) = (HeldPort::take(), TempDir::new("front"));
        let addresses = [
            ("8088", port.addr()),
            ("8080", asked.sidecar.addr()),
            ("9180", asked.addr()),
            ("8000", asked.sidecar.upstream().addr()),
        ];
        let configured = |name: &str| {
            let mut text = example(name).replace("\"SECRET\"", &format!("\"{SECRET}\""));
            let socket = text_of(asked.sidecar.path(SOCKET));
            // Where Traefik asks is in its other file.
            let other = asking(proxy, way, &socket).filter(|_| name != "traefik.yaml");
            if let Some((written, instead)) = other {
                assert!(text.contains(written), "{name} has no {written}");
                text = text.replace(written, &instead);
            }
            // In two steps: a port that is free may read as one that the example names.
            for (written, _) in addresses {
                for colon in [":", ": "] {
                    text =
                        text.replace(&format!("{colon}{written}"), &format!("{colon}<{written}>"));
                }
            }
            for (written, addr) in addresses {
                text = text.replace(&format!("<{written}>"), &addr.port().to_string());
            }
            dir.write(name, text)
        };
        let mut command = match proxy {
            Proxy::Caddy => {
                let mut caddy = Command::new("caddy");
                caddy.args(["run", "--adapter", "caddyfile", "--config"]);
                caddy.arg(configured("Caddyfile"));
                caddy
            }
            Proxy::Envoy | Proxy::EnvoyGrpc => {
                let mut envoy = Command::new(programs().join("envoy/_bin/envoy"));
                envoy.args([
                    "--use-dynamic-base-id",
                    "--concurrency",
                    "1",
                    "-l",
                    "warning",
                    "-c",
                ]);
                let is_grpc = proxy == Proxy::EnvoyGrpc;
                let file = if is_grpc {
                    "envoy-grpc.yaml"
                } else {
                    "envoy.yaml"
                };
                envoy.arg(configured(file));
                envoy
            }
            Proxy::Haproxy => {
                configured("stepgate.lua");
                let mut haproxy = Command::new("haproxy");
                haproxy.args(["-db", "-f"]).arg(configured("haproxy.cfg"));
                haproxy
            }
            Proxy::Nginx => {
                let mut nginx = Command::new("nginx");
                nginx.args(["-e", "stderr", "-g"]);
                nginx.arg("daemon off; master_process off; pid nginx.pid;");
                nginx.arg("-p").arg(dir.path());
                nginx.arg("-c").arg(configured("nginx.conf"));
                nginx
            }
            Proxy::Traefik => {
                let mut traefik = Command::new(programs().join("bin/traefik"));
                configured("traefik-dynamic.yaml");
                traefik.arg("--configFile").arg(configured("traefik.yaml"));
                traefik
            }
        };
        command.env("STEPGATE_ASK_SECRET", SECRET);
        command.env("HOME", dir.path()).current_dir(dir.path());
        let process = Process::start(&format!("{proxy:?}"), &mut command);
        let addr = port.addr();
        until("the proxy", async || TcpStream::connect(addr).await.ok()).await;
        // Traefik reads its routes afterwards.
        let page = Client::new(addr).host(HOST);
        until("a page behind it", async || {
            let answer = page.get("/.stepup/style.css").await;
            (answer.status == 200).then_some(())
        })
        .await;
        Self {
            asked,
            addr,
            _port: port,
            _dir: dir,
            _process: process,
        }
    }

    /// The sidecar behind it.
    pub(crate) fn sidecar(&self) -> &Sidecar {
        &self.asked.sidecar
    }

    /// A client of the proxy that tells nothing of itself, in a session of the user.
    pub(crate) fn client(&self) -> Client {
        self.asked.with_session(self.guest())
    }

    /// The same without a session.
    pub(crate) fn guest(&self) -> Client {
        Client::new(self.addr).host(HOST)
    }

    /// How often the application got a request, but for the questions of the sidecar.
    pub(crate) fn reached(&self) -> usize {
        let got = self.sidecar().upstream().got().into_iter();
        got.filter(|got| got.target != "/api/me").count()
    }

    /// Asserts that the application did not get what was answered.
    #[track_caller]
    pub(crate) fn assert_not_reached(&self, before: usize, answer: &Answer, what: &str) {
        assert_ne!(answer.status, 200, "{what}: {}", answer.text());
        assert_eq!(self.reached(), before, "{what}");
    }
}
