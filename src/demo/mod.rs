//! The demo: a legacy application, an inbox for the codes, and the policy that guards the application.

mod accounts;
mod background;
mod inbox;
mod legacy;
mod web;

pub use accounts::{ALICE, BOB, COOKIE, DemoAccount};
pub use inbox::Inbox;
pub use legacy::Legacy;

use std::fmt;
use std::net::SocketAddr;

/// The demo's policy file, the same as in `examples/quickstart/policies/demo.yaml`.
pub const fn policy() -> &'static str {
    include_str!("../../examples/quickstart/policies/demo.yaml")
}

/// Where the parts of a running demo are found; `Display` writes what the `demo` command prints.
#[derive(Clone, Copy, Debug)]
pub struct Banner {
    /// Stepgate: the address to open.
    pub stepgate: SocketAddr,
    /// The page that shows the mailed codes.
    pub inbox: SocketAddr,
    /// The application itself, for comparison.
    pub legacy: SocketAddr,
}

impl fmt::Display for Banner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stepgate,
            inbox,
            legacy,
        } = self;
        write!(
            f,
            "
  Stepgate stands in front of a small old application that knows nothing of it.

    open         http://{stepgate}/
    your mail    http://{inbox}/   (the codes arrive here)

    name         log in with the password    prove yourself with
"
        )?;
        for account in [ALICE, BOB] {
            let DemoAccount {
                name,
                password,
                step_up_password,
                ..
            } = account;
            writeln!(f, "    {name:11}  {password:26}  {step_up_password}")?;
        }
        write!(
            f,
            "
  The first password is the application's, the second Stepgate's: who has one has not the other.

  What to try, as alice
    1  Add a note. Nothing asks anything: no route guards it.
    2  Account, change the e-mail address. Stepgate asks for proof first; take the e-mailed code.
       The same address again asks nothing, for five minutes; another one is another agreement.
    3  Script, create an API key. A script gets a 403 that says what is missing and
       where to show it; follow page_url in the answer, then press the button again.
    4  Script, a stolen cookie: paste its two lines into a terminal. The cookie reads the notes,
       and gets no key, although you have just proven yourself.
    5  Account, delete the account. Now the proof is for this one request, and you type DELETE.
       bob is still there; alice comes back when you start the demo again.

  The application without Stepgate: http://{legacy}/   Stop with Ctrl-C.
"
        )?;
        if !stepgate.ip().is_loopback() {
            f.write_str(
                "
  WARNING: whoever reaches this machine can log in and read the mail. The passwords above are
  public, and nothing is encrypted: stop the demo when you are done.
",
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Accept, Groups, Method, RequestHead, RequestPath};
    use crate::policy as policies;
    use std::net::Ipv4Addr;

    #[test]
    fn the_policy_guards_what_the_banner_says() {
        let read = policies::compile([("demo.yaml", policy().as_bytes())], &Groups::default());
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
    fn the_banner_names_every_address_and_account() {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let banner = Banner {
            stepgate: at(8001),
            inbox: at(8002),
            legacy: at(8003),
        };
        let text = banner.to_string();
        for part in [
            "http://127.0.0.1:8001/",
            "http://127.0.0.1:8002/",
            "http://127.0.0.1:8003/",
            ALICE.password,
            ALICE.step_up_password,
            BOB.password,
            BOB.step_up_password,
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100));
        assert!(!text.contains("WARNING"));
        let stepgate = SocketAddr::from(([192, 0, 2, 7], 8080));
        let open = Banner { stepgate, ..banner };
        assert!(open.to_string().contains("WARNING"));
    }
}
