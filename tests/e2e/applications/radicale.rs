//! Radicale: calendars over WebDAV, with a password (Basic) in every request, no cookie and no login.

use super::{APP_PASSWORD, OWNER, OWNERS_PROOF, Site, THIEF, THIEFS_PROOF, prove, python};
use crate::support::client::{Answer, Client};
use crate::support::port::HeldPort;
use crate::support::process::Process;
use crate::support::run;
use crate::support::temp::TempDir;
use data_encoding::BASE64;
use http::Method;

#[test]
fn somebody_without_a_session_deletes_a_calendar_after_a_proof() {
    run(async {
        let calendars = Calendars::start();
        let alice = calendars.client(OWNER, APP_PASSWORD);
        assert_eq!(send(&alice, "MKCALENDAR", CALENDAR, "").await.status, 201);
        assert_eq!(send(&alice, "PUT", EVENT, EVENT_TEXT).await.status, 201);
        assert_eq!(alice.get(EVENT).await.status, 200);

        let refused = alice.delete(CALENDAR).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        let wrong = prove(&alice, &refused, APP_PASSWORD).await;
        assert_eq!(wrong.reason(), "wrong-answer");
        let proved = prove(&alice, &refused, OWNERS_PROOF).await;
        assert_eq!(proved.status, 200, "{}", proved.text());
        let key = proved.json()["key"].as_str().unwrap().to_owned();
        // A proof without the key, or with another password, is nobody's.
        alice.drop_cookie("stepgate");
        assert_eq!(alice.delete(CALENDAR).await.status, 403);
        let wrong = calendars.client(OWNER, "wrong");
        let wrong = wrong.header("step-up-key", &key).delete(CALENDAR).await;
        assert_eq!(wrong.reason(), "session-required");
        let alice = alice.header("step-up-key", &key);
        assert_eq!(alice.delete(CALENDAR).await.status, 200);
        assert_eq!(alice.get(EVENT).await.status, 404);
    });
}

#[test]
fn a_thief_of_the_password_proves_nothing_by_himself() {
    run(async {
        let calendars = Calendars::start();
        let alice = calendars.client(OWNER, APP_PASSWORD);
        assert_eq!(send(&alice, "MKCALENDAR", CALENDAR, "").await.status, 201);
        let thief = calendars.client(THIEF, APP_PASSWORD);
        let own = "/mallory/own/";
        assert_eq!(send(&thief, "MKCALENDAR", own, "").await.status, 201);
        let refused = thief.delete(own).await;
        let proved = prove(&thief, &refused, THIEFS_PROOF).await;
        let key = proved.json()["key"].as_str().unwrap().to_owned();

        let hers = calendars.client(OWNER, APP_PASSWORD);
        let hers = hers.header("step-up-key", &key);
        hers.set_cookie("stepgate", &thief.cookie("stepgate").unwrap_or_default());
        for path in [CALENDAR, "/alice/work", "//alice/work/", "/alice/%77ork/"] {
            let refused = hers.delete(path).await;
            assert_eq!(refused.status, 403, "{path}: {}", refused.text());
            let own = prove(&hers, &refused, THIEFS_PROOF).await;
            assert_eq!(own.reason(), "wrong-answer", "{path}");
        }
        assert_eq!(send(&hers, "PROPFIND", CALENDAR, "").await.status, 207);
    });
}

async fn send(client: &Client, method: &str, path: &str, body: &'static str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    client.send(client.request(method, path, body)).await
}

/// Radicale, with Stepgate in front.
struct Calendars {
    site: Site,
    _process: Process,
    _state: TempDir,
}

impl Calendars {
    fn start() -> Self {
        let (state, port) = (TempDir::new("radicale"), HeldPort::take());
        let users = [OWNER, THIEF].map(|name| format!("{name}:{APP_PASSWORD}\n"));
        state.write("users", users.concat());
        let mut command = python("radicale", &state);
        command.args(["--config", "", "--server-hosts", &port.addr().to_string()]);
        command.args([
            "--auth-type",
            "htpasswd",
            "--auth-htpasswd-filename",
            "users",
        ]);
        command.args(["--auth-htpasswd-encryption", "plain"]);
        command.args(["--storage-filesystem-folder", "collections"]);
        let process = Process::start("Radicale", &mut command);
        process.wait_for_line("Radicale server ready");
        Self {
            site: Site::start("radicale", HeldPort::take(), port.addr()),
            _process: process,
            _state: state,
        }
    }

    /// A client of calendars, which sends the password with everything.
    fn client(&self, name: &str, password: &str) -> Client {
        let told = BASE64.encode(format!("{name}:{password}").as_bytes());
        self.site
            .client()
            .header("authorization", &format!("Basic {told}"))
    }
}

const CALENDAR: &str = "/alice/work/";
const EVENT: &str = "/alice/work/1.ics";
const EVENT_TEXT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n\
    DTSTAMP:20261127T000000Z\r\nDTSTART:20261127T100000Z\r\nSUMMARY:Work\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
