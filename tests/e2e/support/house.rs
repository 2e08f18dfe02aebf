//! A Stepgate in front of an application, with the settings a story needs and the rest as shipped.

use super::client::Client;
use super::stepgate::Stepgate;
use super::temp::TempDir;
use super::tls::TestCa;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

/// Settings to be.
pub(crate) struct Plan {
    upstream: String,
    tls: bool,
    sections: BTreeMap<&'static str, String>,
    top: String,
}

/// A running Stepgate with its directory.
pub(crate) struct House {
    pub(crate) stepgate: Stepgate,
    pub(crate) dir: TempDir,
}

/// A plan for an application at `upstream`, in plain http.
pub(crate) fn before(upstream: SocketAddr) -> Plan {
    before_url(&format!("http://{upstream}"))
}

/// A plan for an application at a URL.
pub(crate) fn before_url(upstream: &str) -> Plan {
    Plan {
        upstream: upstream.to_owned(),
        tls: false,
        sections: BTreeMap::new(),
        top: String::new(),
    }
}

impl Plan {
    /// A line in a section, as in `("limits", "headers: 10")`.
    pub(crate) fn with(mut self, section: &'static str, line: &str) -> Self {
        writeln!(self.sections.entry(section).or_default(), "  {line}").unwrap();
        self
    }

    /// A line outside of all sections.
    pub(crate) fn line(mut self, line: &str) -> Self {
        writeln!(self.top, "{line}").unwrap();
        self
    }

    /// Clients come over TLS.
    pub(crate) fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Writes it all down and opens the house. One thread, so that connections meet again.
    pub(crate) fn open(mut self) -> House {
        let dir = TempDir::new("house");
        dir.write("policies/wire.yaml", POLICY);
        let url = self.upstream.clone();
        self = self.with("upstream", &format!("url: {url}"));
        let listen = if self.tls {
            let ca = TestCa::shared();
            let (cert, key) = (ca.cert(), ca.key());
            let (cert, key) = (cert.display(), key.display());
            format!("{{ address: 127.0.0.1:0, tls: {{ certificate: {cert}, key: {key} }} }}")
        } else {
            "127.0.0.1:0".to_owned()
        };
        let mut settings = format!(
            "version: 1\nthreads: 1\nlisten: {listen}\npublic_url: http://127.0.0.1\npolicies: policies/\n\
             audit: {{ target: audit.log }}\nsession: {{ cookies: [sid], login_page: /login }}\n{}",
            self.top
        );
        for (section, lines) in &self.sections {
            write!(settings, "{section}:\n{lines}").unwrap();
        }
        dir.write("stepgate.yaml", settings);
        let stepgate = Stepgate::serve(&dir);
        House { stepgate, dir }
    }
}

impl House {
    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.stepgate.addr()
    }

    /// A client in front of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr())
    }
}

/// Everything below `/guarded/` needs proof that nobody here has; so does a form that says `delete`.
const POLICY: &str = r#"
version: 1
default: forward
routes:
  - id: guarded
    action: thing.guarded
    title: Something guarded
    match: { path: "/guarded/{rest...}" }
    level: 3
  - id: form
    action: thing.delete
    title: Delete a thing
    match: { path: /form, form: { delete: "1" } }
    level: 3
"#;
