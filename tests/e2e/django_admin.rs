//! The stock Django admin, unmodified, behind the real binary on a real Redis with a real mail server:
//! what an administrator sees in a browser, and what somebody with a copied cookie gets.
//!
//! The settings are those of `examples/django-admin`, with a store and a mail server filled in.

use crate::support::becomes;
use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::django::{ADMIN, ADMIN_PASSWORD, Django};
use crate::support::mail::{MailSink, Mode};
use crate::support::port::HeldPort;
use crate::support::raw::RawConnection;
use crate::support::redis::Redis;
use crate::support::run;
use crate::support::stepgate::{self, Stepgate};
use crate::support::temp::TempDir;
use fantoccini::Locator;
use http::{HeaderValue, Method};
use serde_json::json;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

#[test]
fn an_administrator_deletes_a_user_by_password_and_another_by_code() {
    run(async {
        let site = Site::start();
        let browser = Browser::open().await;
        site.log_in(&browser).await;

        let id = open_user(&browser, "victim0").await;
        ask_to_delete(&browser).await;
        let page = browser.read("Confirm that it’s you").await;
        assert!(page.contains("Delete a user"), "{page}");
        assert_eq!(look(&browser, "prompt").await, FITS);
        browser.fill("#password", "not-the-password").await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("That password is not right").await;
        assert_eq!(look(&browser, "prompt-wrong-password").await, FITS);
        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        press_the_one_button(&browser, &format!("user: {id}"), "confirm").await;
        browser.read("was deleted successfully").await;
        assert!(site.users().await.iter().all(|user| user != "victim0"));

        let id = open_user(&browser, "victim1").await;
        ask_to_delete(&browser).await;
        // One proof was for one request: this one is asked for anew.
        browser.read("Confirm that it’s you").await;
        pass_by_code(&site, &browser, 1, "code-sent").await;
        press_the_one_button(&browser, &format!("user: {id}"), "confirm-after-code").await;
        browser.read("was deleted successfully").await;
        assert_eq!(
            site.users().await,
            ["admin", "alice", "victim2", "victim3", "victim4"]
        );
    });
}

#[test]
fn an_administrator_deletes_several_users_from_the_list() {
    run(async {
        let site = Site::start();
        let browser = Browser::open().await;
        site.log_in(&browser).await;
        delete_from_the_list(&browser, &["victim2", "victim3"]).await;
        browser.read("Delete the selected users").await;

        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.fill("#phrase", "delete").await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("Type “DELETE” exactly as it stands").await;
        assert_eq!(look(&browser, "prompt-wrong-phrase").await, FITS);
        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.fill("#phrase", "DELETE").await;
        browser.click("form[action$='/verify'] button").await;
        press_the_one_button(&browser, "Delete the selected users", "confirm-many").await;
        browser.read("Successfully deleted 2 users").await;
        assert_eq!(
            site.users().await,
            ["admin", "alice", "victim0", "victim1", "victim4"]
        );
    });
}

#[test]
fn the_users_of_django_are_imported_with_their_passwords() {
    run(async {
        let site = Site::start();
        let removed = stepgate::run(&site.dir, &["user", "remove", ADMIN]);
        assert!(removed.status.success());
        site.dir.write("users.json", site.django.dumped_users());
        let imported = stepgate::run(&site.dir, &["user", "import", "users.json"]);
        let told = String::from_utf8_lossy(&imported.stdout);
        assert!(told.starts_with("added 7 users, "), "{imported:?}");
        let client = Client::new(site.stepgate.addr()).navigating();
        assert_eq!(site.log_in_by_client(&client, ADMIN_PASSWORD).await, 302);
        let page = client.get("/admin/password_change/").await;
        let page = client.get(page.header("location")).await;
        let fields = ["token", "anti_forgery"].map(|name| page.hidden(name));
        let answer = async |password| {
            let answer = [
                ("token", &fields[0][..]),
                ("anti_forgery", &fields[1]),
                ("factor", "password"),
                ("answer", password),
            ];
            client.post_form("/.stepup/verify", &answer).await
        };
        assert!(answer("wrong").await.text().contains("is not right"));
        assert_eq!(answer(ADMIN_PASSWORD).await.status, 303);
        let process = site.stepgate.process();
        process.wait_for_line("a password hash was renewed");
    });
}

/// Django's own form, with its CSRF token, and its own logout, by the form of the page after the login.
#[test]
fn an_administrator_without_an_entry_proves_by_djangos_own_password() {
    run(async {
        let site = Site::start_with("verification: { upstream_login: {} }\n");
        let removed = stepgate::run(&site.dir, &["user", "remove", ADMIN]);
        assert!(removed.status.success());
        let browser = Browser::open().await;
        site.log_in(&browser).await;
        let id = open_user(&browser, "victim0").await;
        ask_to_delete(&browser).await;
        browser.read("The one with which you sign in here.").await;
        assert_eq!(look(&browser, "prompt-application").await, FITS);
        browser.fill("#password", "not-the-password").await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("That password is not right").await;
        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        press_the_one_button(&browser, &format!("user: {id}"), "confirm-application").await;
        browser.read("was deleted successfully").await;
        assert_eq!(site.django.sessions(), 1, "the trial is not logged out");
    });
}

#[test]
fn all_of_it_works_without_scripts() {
    run(async {
        let site = Site::start();
        let browser = Browser::open().await;
        let off = json!({ "value": true });
        browser
            .devtools("Emulation.setScriptExecutionDisabled", off)
            .await;
        site.log_in(&browser).await;
        open_user(&browser, "victim4").await;
        ask_to_delete(&browser).await;
        pass_by_code(&site, &browser, 1, "without-scripts").await;
        browser.see("h1 .good").await;
        browser.click("main form button").await;
        browser.see(".messagelist .success").await;
        assert!(site.users().await.iter().all(|user| user != "victim4"));

        // Where the page itself is what is asked for, a redirect leads to the prompt and back.
        browser
            .goto(&site.url("/admin/password_change/"))
            .await
            .unwrap();
        // It begins with the code, which was the way before.
        browser.click("button[value='password']").await;
        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        browser.see("#id_old_password").await;
        assert_eq!(path(&browser).await, "/admin/password_change/");
    });
}

#[test]
fn passwords_are_typed_again_and_change_after_the_prompt() {
    const NEW: &str = "Another-pass-2!";
    run(async {
        let site = Site::start();
        let browser = Browser::open().await;
        site.log_in(&browser).await;

        // The page that hosts the form is asked for first, so that nothing is typed in vain.
        browser
            .goto(&site.url("/admin/password_change/"))
            .await
            .unwrap();
        browser.read("Change your own password").await;
        assert!(path(&browser).await.starts_with("/.stepup/challenge"));
        assert_eq!(look(&browser, "prompt-by-redirect").await, FITS);
        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        browser.see("#id_old_password").await;

        // The proof is taken back while the form is open: posting it is refused, and what was typed
        // is not carried.
        let lock = "return fetch('/.stepup/lock', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{}'}).then(r => r.status)";
        assert_eq!(browser.execute(lock, vec![]).await.unwrap(), 200);
        browser.fill("#id_old_password", ADMIN_PASSWORD).await;
        browser.fill("#id_new_password1", NEW).await;
        browser.fill("#id_new_password2", NEW).await;
        browser.click("input[type=submit]").await;
        browser.read("Confirm that it’s you").await;
        let page = browser.source().await.unwrap();
        assert!(!page.contains(NEW) && !page.contains(ADMIN_PASSWORD));
        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("You are verified").await;
        let page = browser.source().await.unwrap();
        assert!(!page.contains(NEW) && !page.contains(ADMIN_PASSWORD));
        assert_eq!(look(&browser, "confirm-retype").await, FITS);
        browser
            .fill("input[name=old_password]", ADMIN_PASSWORD)
            .await;
        browser.fill("input[name=new_password1]", NEW).await;
        browser.fill("input[name=new_password2]", NEW).await;
        browser.click("main form button").await;
        browser.read("Your password was changed").await;

        let client = Client::new(site.django.addr());
        assert_eq!(site.log_in_by_client(&client, ADMIN_PASSWORD).await, 200);
        assert_eq!(site.log_in_by_client(&client, NEW).await, 302);
    });
}

#[test]
fn a_copied_cookie_looks_but_deletes_nothing() {
    run(async {
        let site = Site::start();
        let browser = Browser::open().await;
        site.log_in(&browser).await;
        // The owner has even just proven themselves.
        browser
            .goto(&site.url("/admin/password_change/"))
            .await
            .unwrap();
        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        browser.see("#id_old_password").await;

        let thief = Browser::open().await;
        thief.goto(&site.url("/admin/login/")).await.unwrap();
        for name in ["sessionid", "csrftoken"] {
            let value = browser.get_named_cookie(name).await.unwrap();
            site.put_cookie(&thief, name, value.value()).await;
        }
        open_user(&thief, "victim0").await;
        ask_to_delete(&thief).await;
        thief.read("Confirm that it’s you").await;
        thief
            .goto(&site.url("/admin/password_change/"))
            .await
            .unwrap();
        thief.see("#password").await;
        assert!(path(&thief).await.starts_with("/.stepup/challenge"));
        // Even what asks for a fresh session only: the freshness is the owner's browser's.
        let client = Client::new(site.stepgate.addr()).navigating();
        for name in ["sessionid", "csrftoken"] {
            let value = browser.get_named_cookie(name).await.unwrap();
            client.set_cookie(name, value.value());
        }
        let token = client.cookie("csrftoken").unwrap();
        let form = [("csrfmiddlewaretoken", token.as_str()), ("post", "yes")];
        for target in [
            "/admin/auth/user/3/delete/",
            "/admin/admin/logentry/1/delete/",
        ] {
            let refused = client.post_form(target, &form).await;
            assert_eq!(refused.status, 403, "{target}: {}", refused.text());
            assert_eq!(refused.header("step-up"), "challenge");
        }
        assert_eq!(site.users().await.len(), 7);
        // The owner goes on as before.
        browser
            .goto(&site.url("/admin/password_change/"))
            .await
            .unwrap();
        browser.see("#id_old_password").await;
    });
}

#[test]
fn only_a_login_that_worked_begins_a_session_and_a_logout_ends_it() {
    run(async {
        let site = Site::start();
        let browser = Browser::open().await;
        let prompts = || async {
            browser
                .goto(&site.url("/admin/password_change/"))
                .await
                .unwrap();
            path(&browser).await.starts_with("/.stepup/challenge")
        };

        browser.goto(&site.url("/admin/login/")).await.unwrap();
        browser.fill("#id_username", ADMIN).await;
        browser.fill("#id_password", "wrong").await;
        browser.click("input[type=submit]").await;
        browser.read("Please enter the correct username").await;
        assert!(!prompts().await);

        site.log_in(&browser).await;
        let before = browser.get_named_cookie("sessionid").await.unwrap();
        assert!(prompts().await);
        let challenge = browser.current_url().await.unwrap();
        browser.goto(&site.url("/admin/")).await.unwrap();
        browser.click("#logout-form button").await;
        browser.read("Logged out").await;

        // The cookie that was good before is nobody's now, at Stepgate as at the application.
        site.put_cookie(&browser, "sessionid", before.value()).await;
        assert!(!prompts().await);
        assert_eq!(path(&browser).await, "/admin/login/");
        browser.goto(challenge.as_str()).await.unwrap();
        browser.see("#id_username").await;

        // A form that is sent without a session is told so on a page of ours.
        site.log_in(&browser).await;
        open_user(&browser, "victim0").await;
        browser.click("a.deletelink").await;
        browser.see("#content form input[type=submit]").await;
        browser.delete_cookie("sessionid").await.unwrap();
        browser.click("#content form input[type=submit]").await;
        browser.read("Sign in").await;
        assert_eq!(look(&browser, "session").await, FITS);
        assert_eq!(site.users().await.len(), 7);
    });
}

#[test]
fn the_pages_that_only_tell_something_look_finished() {
    run(async {
        let site = Site::start();
        let browser = Browser::open().await;
        site.log_in(&browser).await;
        for (name, target, words) in [
            (
                "expired",
                "/.stepup/challenge?t=nonsense",
                "Back to the site",
            ),
            ("not-found", "/.stepup/nothing", "Back to the site"),
            (
                "problem",
                "/.stepup/problems/step-up-required",
                "What to do",
            ),
            ("problems", "/.stepup/problems", "What our answers mean"),
        ] {
            browser.goto(&site.url(target)).await.unwrap();
            browser.read(words).await;
            assert_eq!(look(&browser, name).await, FITS, "{name}");
        }

        browser.goto(&site.url("/admin/")).await.unwrap();
        let frame = "const f = document.createElement('iframe'); f.src = '/admin/password_change/';
            f.style = 'display: block; border: 0; width: 100%; height: 640px'; f.onload = () => arguments[0](); document.body.replaceChildren(f)";
        browser.execute_async(frame, vec![]).await.unwrap();
        look(&browser, "framed").await;
        browser.clone().enter_frame(0).await.unwrap();
        browser.read("This opens in a window of its own").await;
        browser.click("a.button").await;
        browser.go_to_second_window().await;
        browser.fill("#password", ADMIN_PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        // The window goes on to what the frame was to show.
        browser.see("#id_old_password").await;
    });
}

/// gunicorn believes `SCRIPT_NAME` of whoever connects from loopback, where a sidecar sits, and cuts it off
/// the path.
#[test]
fn no_header_makes_gunicorn_delete_a_user_at_another_path() {
    run(async {
        let site = Site::start();
        let owner = Client::new(site.stepgate.addr());
        assert_eq!(site.log_in_by_client(&owner, ADMIN_PASSWORD).await, 302);
        // Whoever copied the application's cookies.
        let with_cookies = |client: Client| {
            for name in ["sessionid", "csrftoken"] {
                client.set_cookie(name, &owner.cookie(name).unwrap());
            }
            client
        };
        let token = owner.cookie("csrftoken").unwrap();
        let form = [("csrfmiddlewaretoken", token.as_str()), ("post", "yes")];
        let moved = "/zz/admin/auth/user/4/delete/";

        let direct = with_cookies(Client::new(site.django.addr())).header("script_name", "/zz");
        let deleted = direct.post_form(&moved.replace('4', "3"), &form).await;
        assert_eq!(deleted.status, 302, "{}", deleted.text());
        assert!(site.users().await.iter().all(|user| user != "victim0"));

        let guarded = "/admin/auth/user/4/delete/";
        for (name, value) in [
            ("script_name", "/zz"),
            ("script.name", "/zz"),
            ("script~name", "/zz"),
            ("script-name", "/zz"),
            ("path_info", guarded),
            ("path-info", guarded),
            ("x_script_name", "/zz"),
            ("x-script-name", "/zz"),
            ("x-forwarded-script-name", "/zz"),
            ("x-forwarded-prefix", "/zz"),
            ("x-original-url", guarded),
            ("request_uri", guarded),
        ] {
            for client in [
                Client::new(site.stepgate.addr()),
                Client::new(site.stepgate.addr()).http2(),
            ] {
                let thief = with_cookies(client).header(name, value);
                let answer = thief.post_form(moved, &form).await;
                assert_eq!(answer.status, 404, "{name}: {}", answer.text());
                let answer = thief.post_form(guarded, &form).await;
                assert_eq!(answer.status, 403, "{name}: {}", answer.text());
                assert_eq!(answer.header("step-up"), "challenge", "{name}");
            }
        }
        // What is no header on arrival does not become one.
        let cookies = format!(
            "sessionid={}; csrftoken={token}",
            owner.cookie("sessionid").unwrap()
        );
        let fields = format!("csrfmiddlewaretoken={token}&post=yes");
        let ask = format!(
            "POST {moved} HTTP/1.1\r\nHost: {}\r\nCookie: {cookies}\r\nTransfer-Encoding: chunked\r\n\
             Trailer: SCRIPT_NAME\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n\
             {:x}\r\n{fields}\r\n0\r\nSCRIPT_NAME: /zz\r\n\r\n",
            site.stepgate.addr(),
            fields.len()
        );
        let mut connection = RawConnection::open(site.stepgate.addr()).await;
        let head = connection.write(ask).await.read_head().await;
        assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
        assert!(site.users().await.iter().any(|user| user == "victim1"));
    });
}

#[test]
fn a_cookie_that_django_finds_is_guarded_and_revoked_as_it_is_found() {
    run(async {
        let site = Site::start();
        let client = Client::new(site.stepgate.addr());
        assert_eq!(site.log_in_by_client(&client, ADMIN_PASSWORD).await, 302);
        let cookie = client.cookie("sessionid").unwrap();
        let octal = cookie
            .bytes()
            .fold(String::new(), |all, byte| format!("{all}\\{byte:03o}"));
        let lines = [
            [b"a=b;\xe3\x80\x80sessionid=", cookie.as_bytes()].concat(),
            [b"a=b;\xc2\xa0sessionid=", cookie.as_bytes()].concat(),
            [b"sessionid=junk;\xc2\xa0sessionid=", cookie.as_bytes()].concat(),
            format!("a=b; sessionid\t={cookie}").into_bytes(),
            format!("sessionid=\"{cookie}\"").into_bytes(),
            format!("sessionid=\"{octal}\"").into_bytes(),
            format!("sessionid=\"\\{cookie}\"").into_bytes(),
        ];
        let send = async |method, path: &str, line: &[u8]| {
            let mut request = client.request(method, path, "");
            let line = HeaderValue::from_bytes(line).unwrap();
            request.headers_mut().insert("cookie", line);
            client.send(request).await
        };
        for line in &lines {
            let told = String::from_utf8_lossy(line);
            let page = send(Method::GET, "/admin/", line).await;
            assert!(
                page.text().contains("logout-form"),
                "Django finds no session in {told}"
            );
            let refused = send(Method::POST, "/admin/auth/user/5/delete/", line).await;
            assert!(
                [400, 401].contains(&refused.status.as_u16()),
                "{told}: {}",
                refused.status
            );
            assert_eq!(
                refused.header("step-up"),
                if refused.status == 400 {
                    "error"
                } else {
                    "deny"
                }
            );
        }
        let mut revoke = stepgate::command(&site.dir);
        let revoked = revoke.args(["session", "revoke", "--user", ADMIN]).output();
        assert!(revoked.unwrap().status.success());
        becomes(401, async || client.clone().get("/admin/").await).await;
        for line in &lines {
            let refused = send(Method::GET, "/admin/", line).await;
            assert_eq!(refused.status, 401, "{}", String::from_utf8_lossy(line));
        }
    });
}

/// Django, Redis, a mail server, and Stepgate with the settings of the example.
struct Site {
    stepgate: Stepgate,
    django: Django,
    mail: MailSink,
    _redis: Redis,
    _port: HeldPort,
    dir: TempDir,
}

impl Site {
    fn start() -> Self {
        Self::start_with("")
    }

    fn start_with(more: &str) -> Self {
        let (django, redis) = (Django::start(), Redis::start());
        let mail = MailSink::start(Mode::Plain, &[]);
        let dir = TempDir::new("django-admin");
        let port = HeldPort::take();
        dir.write(
            "stepgate.yaml",
            settings(&port.addr().to_string(), &django, &redis, &mail) + more,
        );
        let secret = dir.write("secret.key", SECRET);
        fs::set_permissions(secret, Permissions::from_mode(0o600)).unwrap();
        let user = stepgate::command(&dir)
            .args(["user", "add", ADMIN, "--email", ADDRESS, "--password-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let mut user = user.unwrap();
        let mut password = user.stdin.take().unwrap();
        writeln!(password, "{ADMIN_PASSWORD}").unwrap();
        drop(password);
        assert!(user.wait().unwrap().success());
        Self {
            stepgate: Stepgate::serve(&dir),
            django,
            mail,
            _redis: redis,
            _port: port,
            dir,
        }
    }

    fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.stepgate.addr())
    }

    async fn put_cookie(&self, browser: &Browser, name: &str, value: &str) {
        let cookie = json!({ "name": name, "value": value, "url": self.url("/") });
        browser.devtools("Network.setCookie", cookie).await;
    }

    async fn log_in(&self, browser: &Browser) {
        browser
            .goto(&self.url("/admin/login/?next=/admin/"))
            .await
            .unwrap();
        browser.fill("#id_username", ADMIN).await;
        browser.fill("#id_password", ADMIN_PASSWORD).await;
        browser.click("input[type=submit]").await;
        browser.see("#logout-form").await;
    }

    /// Logs in at Django itself, past Stepgate, and tells the status.
    async fn log_in_by_client(&self, client: &Client, password: &str) -> u16 {
        let page = client.get("/admin/login/").await;
        let csrf = page.hidden("csrfmiddlewaretoken");
        let fields = [
            ("csrfmiddlewaretoken", csrf.as_str()),
            ("username", ADMIN),
            ("password", password),
        ];
        let answer = client.post_form("/admin/login/?next=/admin/", &fields);
        answer.await.status.as_u16()
    }

    /// The names of all users, as Django itself tells them.
    async fn users(&self) -> Vec<String> {
        let client = Client::new(self.django.addr());
        assert_eq!(self.log_in_by_client(&client, ADMIN_PASSWORD).await, 302);
        let page = client.get("/admin/auth/user/?o=1").await;
        let rows = page.text().split("field-username").skip(1);
        rows.map(|row| {
            let (_, name) = row.split_once("/change/").unwrap();
            let (_, name) = name.split_once('>').unwrap();
            name.split('<').next().unwrap().to_owned()
        })
        .collect()
    }
}

/// The example's settings with other addresses, a store and a mail server.
fn settings(address: &str, django: &Django, redis: &Redis, mail: &MailSink) -> String {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = fs::read_to_string(top.join("examples/django-admin/stepgate.yaml")).unwrap();
    let policy = top.join("policies/django-admin.yaml");
    let mut settings = example;
    for (from, to) in [
        ("127.0.0.1:8080", address.to_owned()),
        ("127.0.0.1:8101", django.addr().to_string()),
        (
            "../../policies/django-admin.yaml",
            policy.display().to_string(),
        ),
    ] {
        assert!(settings.contains(from), "no {from} in the example");
        settings = settings.replace(from, &to);
    }
    let (redis, mail) = (redis.url(), mail.port());
    format!(
        "{settings}
store:
  redis: {{ url: \"{redis}\" }}
mail:
  smtp: 127.0.0.1:{mail}
  security: plain
  from: Example <no-reply@example.test>
"
    )
}

/// Opens the page of a user from the list, as people do, and tells the user's id.
async fn open_user(browser: &Browser, name: &str) -> String {
    let address = browser.current_url().await.unwrap();
    let list = address.join("/admin/auth/user/").unwrap();
    browser.goto(list.as_str()).await.unwrap();
    let link = browser.wait().for_element(Locator::LinkText(name)).await;
    link.unwrap().click().await.unwrap();
    browser.see("a.deletelink").await;
    path(browser).await.split('/').nth(4).unwrap().to_owned()
}

/// From the page of a user to Django's own "are you sure?", and yes.
async fn ask_to_delete(browser: &Browser) {
    browser.click("a.deletelink").await;
    browser.click("#content form input[type=submit]").await;
}

/// Selects users in the list, deletes them, and is sure.
async fn delete_from_the_list(browser: &Browser, names: &[&str]) {
    let address = browser.current_url().await.unwrap();
    let list = address.join("/admin/auth/user/").unwrap();
    browser.goto(list.as_str()).await.unwrap();
    browser.see("#result_list").await;
    for name in names {
        let row = format!("//tr[.//a[text()='{name}']]//input[@type='checkbox']");
        let row = browser.find(Locator::XPath(&row)).await.unwrap();
        row.click().await.unwrap();
    }
    let action = browser
        .find(Locator::Css("select[name=action]"))
        .await
        .unwrap();
    action.select_by_value("delete_selected").await.unwrap();
    browser.click("button[name=index]").await;
    // This first POST only asks, and is free.
    browser.see("input[name=post]").await;
    browser.click("#content form input[type=submit]").await;
}

/// Asks for a code, reads it in the mail server, and types it.
async fn pass_by_code(site: &Site, browser: &Browser, number: usize, picture: &str) {
    browser.click("button[value='email_code']").await;
    browser.click("button[formaction$='/verify/send']").await;
    browser.see("#email_code").await;
    assert_eq!(look(browser, picture).await, FITS);
    let code = site.mail.wait_for_code(ADDRESS, number);
    browser.fill("#email_code", &code).await;
    browser.click("form[action$='/verify'] button").await;
}

/// The page after a proof: what is about to happen, and one button for it.
async fn press_the_one_button(browser: &Browser, values: &str, picture: &str) {
    let page = browser.read("You are verified").await;
    assert!(page.contains("Nothing has happened yet"), "{page}");
    assert!(page.contains(values), "{page}");
    assert_eq!(look(browser, picture).await, FITS);
    let buttons = browser.find_all(Locator::Css("button")).await.unwrap();
    assert_eq!(buttons.len(), 1);
    browser.click("main form button").await;
}

/// Takes pictures, and puts the window back to its usual width.
async fn look(browser: &Browser, name: &str) -> Vec<i64> {
    browser.pictures(&format!("django-{name}")).await
}

async fn path(browser: &Browser) -> String {
    let address = browser.current_url().await.unwrap();
    address.path().to_owned()
}

/// No page is wider than its screen.
const FITS: [i64; 2] = [0, 0];
/// Where the administrator's codes go.
const ADDRESS: &str = "admin@example.test";
/// Stepgate's secret in these tests.
const SECRET: &str = "a3f70469689af49e685fcecdeb6a75550343c4097475eb0b678177d7d1038a1b";
