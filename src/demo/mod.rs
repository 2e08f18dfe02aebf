//! The bundled demo: a legacy application, an inbox for the codes, and the policy that guards the one
//! with the other.

mod background;
mod inbox;
mod legacy;
mod web;

pub use inbox::Inbox;
pub use legacy::{COOKIE, EMAIL, Legacy, PASSWORD, USER};

use std::fmt;
use std::net::SocketAddr;

/// The demo's policy file, the same as in `examples/quickstart/policies/demo.yaml`.
pub const fn policy() -> &'static str {
    include_str!("../../examples/quickstart/policies/demo.yaml")
}

/// Where the parts of a running demo are found.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Stepgate: the address to open.
    pub stepgate: SocketAddr,
    /// The page that shows the mailed codes.
    pub inbox: SocketAddr,
    /// The application itself, for comparison.
    pub legacy: SocketAddr,
}

/// What the `demo` command prints when everything is up; `Display` writes it.
pub fn banner(at: Addresses) -> impl fmt::Display {
    Banner(at)
}

struct Banner(Addresses);

impl fmt::Display for Banner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Addresses {
            stepgate,
            inbox,
            legacy,
        } = self.0;
        write!(
            f,
            "
  Stepgate stands in front of a small old application that knows nothing of it.

    open         http://{stepgate}/
    log in       {USER}   password  {PASSWORD}
    your mail    http://{inbox}/   (the codes arrive here)

  What to try
    1  Add a note. Nothing asks anything: no route guards it.
    2  Account, change the e-mail address. Stepgate asks for proof first; take the e-mailed code.
       The same address again asks nothing, for five minutes; another one is another agreement.
    3  Account, delete the account. Now the proof is for this one request, and you type DELETE.
       The account comes back when you start the demo again.
    4  Script, create an API key. A script gets a 403 that says what is missing and
       where to show it; follow page_url in the answer, then press the button again.
    5  In another terminal: a copied cookie is not enough.
         curl -i -X POST http://{stepgate}/api/keys -H 'cookie: {COOKIE}=…'

  The application without Stepgate: http://{legacy}/   Stop with Ctrl-C.
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Accept, Method, RequestHead, RequestPath};
    use crate::policy as policies;
    use std::net::Ipv4Addr;

    #[test]
    fn the_policy_guards_what_the_banner_says() {
        let read = policies::compile([("demo.yaml", policy().as_bytes())]);
        let read = read.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(read.warnings().count(), 0);
        let table = read.into_table().unwrap();
        let headers = http::HeaderMap::new();
        let met = |method, path| {
            let path = RequestPath::parse(path, &Accept::default()).unwrap();
            let found = table.find(&RequestHead::new(method, &path, None, &headers));
            let first = found.matches().first();
            first.map(|one| one.route.id.as_str().to_owned())
        };
        for (method, path, route) in [
            (Method::Post, "/account/email", "change-email-form"),
            (Method::Patch, "/api/account", "change-email-api"),
            (Method::Post, "/account/delete", "delete-account"),
            (Method::Post, "/account/%64elete", "delete-account"),
            (Method::Post, "/api/keys", "create-api-key"),
            (Method::Delete, "/api/notes/3", "delete-note-api"),
        ] {
            assert_eq!(met(method, path).as_deref(), Some(route), "{path}");
        }
        assert_eq!(met(Method::Post, "/notes"), None);
        assert_eq!(met(Method::Post, "/login"), None);
    }

    #[test]
    fn the_banner_names_every_address_and_the_account() {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let text = banner(Addresses {
            stepgate: at(8001),
            inbox: at(8002),
            legacy: at(8003),
        })
        .to_string();
        for part in [
            "http://127.0.0.1:8001/",
            "http://127.0.0.1:8002/",
            "http://127.0.0.1:8003/",
            USER,
            PASSWORD,
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100));
    }
}
