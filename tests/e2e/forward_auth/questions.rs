//! The questions themselves, as each proxy asks them: who may ask, and what has one meaning.

use super::front::{SECRET, asked};
use crate::support::client::{Answer, Client};
use crate::support::raw::RawConnection;
use crate::support::run;
use crate::support::sidecar::{HOST, USER};
use crate::support::stepgate;
use http::{HeaderName, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

type Lines<'l> = &'l [(&'l str, &'l str)];

/// What Traefik 3 sends for a POST of `/keys`, besides the client's own headers.
const TRAEFIK: Lines<'_> = &[
    ("x-forwarded-method", "POST"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-host", HOST),
    ("x-forwarded-uri", "/keys"),
    ("x-forwarded-for", "192.0.2.7"),
    ("x-forwarded-port", "80"),
    ("x-forwarded-server", "traefik-5d9f"),
    ("x-real-ip", "192.0.2.7"),
];

/// What ingress-nginx sends for it.
const INGRESS: Lines<'_> = &[
    ("x-request-id", "5f2b"),
    ("x-original-url", "http://app.test/keys"),
    ("x-original-method", "POST"),
    ("x-sent-from", "nginx-ingress-controller"),
    ("x-real-ip", "192.0.2.7"),
    ("x-forwarded-for", "192.0.2.7"),
    ("x-auth-request-redirect", "/keys"),
];

/// What Envoy sends for it, at `/envoy/keys`.
const ENVOY: Lines<'_> = &[
    ("x-forwarded-proto", "http"),
    ("x-forwarded-for", "192.0.2.7"),
    ("x-request-id", "5f2b"),
    ("x-envoy-internal", "true"),
    ("x-envoy-expected-rq-timeout-ms", "15000"),
];

/// Each with where it asks, and how.
const ALL: [(&str, Method, Lines<'_>); 3] = [
    ("/envoy/keys", Method::POST, ENVOY),
    ("/forward", Method::GET, TRAEFIK),
    ("/nginx", Method::GET, INGRESS),
];

/// Asks, with other lines in the place of those of their names.
async fn ask(
    client: &Client,
    (path, method, lines): (&str, Method, Lines<'_>),
    others: Lines<'_>,
) -> Answer {
    let mut request = client.clone().host(HOST).request(method, path, "");
    for (name, value) in lines
        .iter()
        .filter(|(name, _)| others.iter().all(|(other, _)| other != name))
    {
        request.headers_mut().append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    for (name, value) in others.iter().filter(|(_, value)| !value.is_empty()) {
        request.headers_mut().append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    client.clone().host(HOST).send(request).await
}

#[test]
fn each_convention_is_understood() {
    run(async {
        let asked = asked(|setup| setup);
        for question in ALL {
            let client = asked.asking();
            let refused = ask(&client, question.clone(), &[]).await;
            assert_eq!(
                (refused.status.as_u16(), refused.reason()),
                (403, "step-up-required".into()),
                "{question:?}"
            );
            let person = client.clone().at(asked.sidecar.addr()).host(HOST);
            person.pass(&refused).await;
            client.set_cookie("stepgate", &person.cookie("stepgate").unwrap());
            let passed = ask(&client, question.clone(), &[]).await;
            assert_eq!(
                (passed.status.as_u16(), passed.text()),
                (200, ""),
                "{question:?}"
            );
            assert_ne!(passed.header("step-up-assertion"), "", "{question:?}");
            assert_eq!(passed.header("cache-control"), "no-store");
        }
        let clients = asked.sidecar.decisions("/keys", 6);
        assert!(
            clients
                .iter()
                .all(|decision| decision["client"] == "192.0.2.7"),
            "{clients:?}"
        );
        assert!(
            clients.iter().any(|decision| decision["subject"] == USER),
            "{clients:?}"
        );
    });
}

#[test]
fn nobody_is_asked_for_a_code_that_another_proxy_would_send_on() {
    run(async {
        let policy = "version: 1\ndefault: forward\nroutes: [{ id: keys, level: 3, match: { path: /keys }, inline: { header: npm-otp } }]\n";
        let asked = asked(|setup| setup.policy(policy));
        let bearer = format!("Bearer {}", asked.accounts.key(USER));
        let npm = [
            ("authorization", bearer.as_str()),
            ("user-agent", "npm/11.19.1"),
            ("npm-auth-type", "web"),
            ("npm-otp", "123456"),
        ];
        let client = Client::new(asked.addr()).header("step-up-secret", SECRET);
        for question in ALL {
            let refused = ask(&client, question.clone(), &npm).await;
            assert_eq!(refused.reason(), "step-up-required", "{}", refused.text());
            assert!(!refused.header("www-authenticate").contains("OTP"));
            let document = refused.json();
            assert!(document["challenge"]["inline"].is_null(), "{document}");
            assert!(document["doneUrl"].is_null() && document["device"].is_object());
        }
    });
}

#[test]
fn a_preflight_is_answered_to_its_page_and_lets_nothing_pass() {
    run(async {
        let policy = "version: 1\ndefault: forward\nroutes: [{ id: keys, title: Create a key, level: 3, match: { path: /keys } }]\n";
        let asked = asked(|setup| {
            setup
                .line("cors_origins: ['https://front.test']")
                .policy(policy)
        });
        let preflight = [
            ("x-forwarded-method", "OPTIONS"),
            ("origin", "https://front.test"),
            ("access-control-request-method", "POST"),
        ];
        let proxy = Client::new(asked.addr()).header("step-up-secret", SECRET);
        let [_, traefik, _] = ALL;
        let refused = ask(&proxy, traefik, &preflight).await;
        assert!(refused.status.is_client_error(), "{}", refused.status);
        // The proxy sends on what was refused, and the page is answered there.
        let client = asked.sidecar.client();
        let mut request = client.request(Method::OPTIONS, "/keys", "");
        for (name, value) in &preflight[1..] {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let answered = client.send(request).await;
        assert_eq!(answered.status, 204, "{}", answered.text());
        assert_eq!(answered.header("access-control-allow-methods"), "POST");
        assert_eq!(asked.sidecar.got("/keys"), 0);
    });
}

#[test]
fn nobody_asks_without_the_secret_or_from_elsewhere() {
    run(async {
        let asked = asked(|setup| setup);
        let lines = TRAEFIK
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let lines = lines.collect::<Vec<_>>().concat();
        let free = lines.replace("/keys", "/notes");
        let question = |query: &str, secret: &str| {
            format!(
                "GET /forward{query} HTTP/1.1\r\nHost: x\r\n{free}{secret}Connection: close\r\n\r\n"
            )
        };
        let right = format!("Step-Up-Secret: {SECRET}\r\n");
        let in_query = format!("?secret={SECRET}");
        for (query, secret, status) in [
            ("", right.as_str(), "200"),
            (&in_query, "", "200"),
            ("", "", "404"),
            ("", "Step-Up-Secret: \r\n", "404"),
            ("", "Step-Up-Secret: 3b1f\r\n", "404"),
            ("", &format!("{right}{right}"), "404"),
            ("", &right.replace('-', "_"), "404"),
            (&in_query, "Step-Up-Secret: wrong\r\n", "404"),
            (&format!("{in_query}&x"), "", "404"),
            ("?secret=", "", "404"),
        ] {
            let mut raw = RawConnection::open(asked.addr()).await;
            let answer = raw.write(question(query, secret)).await.read_head().await;
            assert!(
                answer.contains(&format!(" {status} ")),
                "{query} {secret}: {answer}"
            );
        }
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut stream = socket.connect(asked.addr()).await.unwrap();
        stream
            .write_all(question("", &right).as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(" 404 "), "{answer}");
        // Nor where clients come.
        let client = Client::new(asked.sidecar.addr()).header("step-up-secret", SECRET);
        let answer = ask(&client, ALL[1].clone(), &[("x-forwarded-uri", "/notes")]).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert!(!asked.sidecar.log().contains(SECRET));
    });
}

/// The same questions about something that nothing guards, and what is changed for that.
fn free() -> [(&'static str, Method, Lines<'static>, Lines<'static>); 3] {
    let [
        (_, post, envoy),
        (forward, get, traefik),
        (nginx, _, ingress),
    ] = ALL;
    [
        ("/envoy/notes", post, envoy, &[]),
        (
            forward,
            get.clone(),
            traefik,
            &[("x-forwarded-uri", "/notes")],
        ),
        (
            nginx,
            get,
            ingress,
            &[("x-original-url", "http://app.test/notes")],
        ),
    ]
}

#[track_caller]
fn assert_refused(answer: &Answer, what: &str) {
    assert!(
        [400, 403].contains(&answer.status.as_u16()),
        "{what}: {}",
        answer.status
    );
    assert_eq!(answer.reason(), "ambiguous-request", "{what}");
}

#[test]
fn what_a_question_needs_is_there_once() {
    const NEEDED: [&str; 7] = [
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-method",
        "x-forwarded-proto",
        "x-forwarded-uri",
        "x-original-method",
        "x-original-url",
    ];
    run(async {
        let asked = asked(|setup| setup);
        let client = asked.asking();
        for (path, method, lines, free) in free() {
            let question = (path, method, lines);
            let answer = ask(&client, question.clone(), free).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            for (name, value) in lines.iter().filter(|(name, _)| NEEDED.contains(name)) {
                let spelled = name.replace('-', "_");
                let twice = [(*name, *value), (*name, *value)];
                let others: [Lines<'_>; 3] =
                    [&[(*name, "")], &twice, &[(*name, ""), (&*spelled, *value)]];
                for others in others {
                    // It is a list, and may have several lines.
                    if others == twice && *name == "x-forwarded-for" {
                        continue;
                    }
                    let kept = free.iter().filter(|(kept, _)| kept != name);
                    let others: Vec<_> = kept.chain(others).copied().collect();
                    let answer = ask(&client, question.clone(), &others).await;
                    assert_refused(&answer, &format!("{path} {others:?}"));
                }
            }
        }
    });
}

#[test]
fn what_would_be_read_as_another_request_is_refused() {
    run(async {
        let asked = asked(|setup| setup);
        let client = asked.asking();
        for (path, method, lines, free) in free() {
            for extra in [
                ("content_type", "text/plain"),
                ("step-up-assertion", "forged"),
                ("step_up_assertion", "forged"),
                ("x-forwarded-host", "elsewhere"),
                ("x-forwarded-proto", "https"),
                ("x-original-uri", "/keys"),
                ("x-rewrite-url", "/keys"),
                ("x-stepgate-subject", "forged"),
                ("x_http_method_override", "POST"),
                ("x_original_url", "/keys"),
            ] {
                // What a convention says is no contradiction of it.
                if lines.iter().any(|(name, _)| *name == extra.0) {
                    continue;
                }
                let others = [free, &[extra]].concat();
                let answer = ask(&client, (path, method.clone(), lines), &others).await;
                assert_refused(&answer, &format!("{path} {extra:?}"));
            }
        }
    });
}

#[test]
fn what_is_asked_about_is_read_byte_by_byte() {
    run(async {
        let asked = asked(|setup| setup);
        let client = asked.asking();
        let [_, forward, nginx] = ALL;
        for target in [
            "keys",
            "*",
            "/a#b",
            "/a b",
            "/\u{e9}",
            "http://app.test/notes",
            "/x/../notes",
            "/%zz",
            "/a\\b",
        ] {
            let answer = ask(&client, forward.clone(), &[("x-forwarded-uri", target)]).await;
            assert_refused(&answer, target);
        }
        for url in [
            "/notes",
            "http:///notes",
            "ftp://app.test/notes",
            "http://app.test",
            "http://app.test?x/notes",
            "http://a@app.test/notes",
            "http://app.test#/notes",
            "http://app.test, x/notes",
        ] {
            let answer = ask(&client, nginx.clone(), &[("x-original-url", url)]).await;
            assert_refused(&answer, url);
        }
        for path in [
            "/",
            "/envoyx/notes",
            "/nginx/",
            "/forward/",
            "/Forward",
            "/.stepup/status",
            "/notes",
        ] {
            let answer = ask(&client, (path, Method::GET, TRAEFIK), &[]).await;
            assert_eq!(answer.status, 404, "{path}");
        }
        assert_refused(
            &ask(&client, ("/envoy", Method::GET, ENVOY), &[]).await,
            "/envoy",
        );
        let own = [("x-forwarded-uri", "/.stepup/status")];
        assert_eq!(ask(&client, forward, &own).await.status, 404);
    });
}

#[test]
fn a_body_is_told_whole_or_not_at_all() {
    run(async {
        let withheld = asked(|setup| setup);
        let told = asked(|setup| setup.with("forward_auth", "body: 4KiB").policy(BY_BODY));
        let all = asked(|setup| setup.with("forward_auth", "body: true").policy(BY_BODY));
        let send = async |client: &Client, path: &str, body: &str, more: Lines<'_>| {
            let client = client.clone().host(HOST);
            let mut request = client.request(Method::POST, path, body.to_owned());
            let headers = request.headers_mut();
            headers.insert(
                "content-type",
                "application/x-www-form-urlencoded".parse().unwrap(),
            );
            for (name, value) in ENVOY.iter().chain(more) {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                headers.append(name, value.parse().unwrap());
            }
            client.send(request).await
        };
        let pay = async |client, body| send(client, "/envoy/pay", body, &[]).await;
        let (untold, client) = (withheld.asking(), told.asking());
        assert_refused(&pay(&untold, "to=bob").await, "a body");
        let refused = pay(&client, "to=bob").await;
        let bound = &refused.json()["challenge"]["bound"][0][1];
        assert_eq!(bound, "bob", "{}", refused.text());
        let person = client.clone().at(told.sidecar.addr()).host(HOST);
        person.pass(&refused).await;
        client.set_cookie("stepgate", &person.cookie("stepgate").unwrap());
        // A part of it is none of it, whatever the client itself says of that.
        let name = "x-envoy-auth-partial-body";
        let partial: [Lines<'_>; 4] = [
            &[(name, "true")],
            &[(name, "false"), (name, "true")],
            &[(name, "false"), (name, "false")],
            &[(name, "")],
        ];
        for lines in partial {
            let answer = send(&client, "/envoy/pay", "to=bob", lines).await;
            assert_refused(&answer, &format!("{lines:?}"));
            let free = send(&client, "/envoy/notes", "a=b", lines).await;
            assert_eq!(free.status, 200, "{lines:?}: {}", free.text());
        }
        let whole: Lines<'_> = &[(name, "false")];
        assert_eq!(
            send(&client, "/envoy/pay", "to=eve", whole).await.status,
            403
        );
        // Envoy calls a beginning of the length that it shows at most the whole.
        let padded = |length: usize| format!("{:x<length$}", "to=bob&x=");
        let cut = send(&client, "/envoy/pay", &padded(4096), whole).await;
        assert_refused(&cut, "4096 of 4096 bytes");
        let short = send(&client, "/envoy/pay", &padded(4095), whole).await;
        assert_eq!(short.reason(), "grant-mismatch", "{}", short.text());
        let unknown = send(&all.asking(), "/envoy/pay", "to=bob", whole).await;
        assert_refused(&unknown, "how much Envoy shows is not said");
        for (body, status) in [("to=eve", 403), ("to=bob", 200), ("to=bob", 403)] {
            assert_eq!(pay(&client, body).await.status, status, "{body}");
        }
    });
}

#[test]
fn what_is_sent_on_to_us_and_may_pass_goes_nowhere_and_costs_no_grant() {
    run(async {
        let asked = asked(|setup| setup);
        let (client, question) = (asked.asking(), ALL[1].clone());
        let delete: Lines<'_> = &[
            ("x-forwarded-method", "DELETE"),
            ("x-forwarded-uri", "/users/5"),
        ];
        let refused = ask(&client, question.clone(), delete).await;
        let person = client.clone().at(asked.sidecar.addr()).host(HOST);
        person.pass(&refused).await;
        for path in ["/users/5", "/notes"] {
            assert_eq!(person.delete(path).await.status, 404, "{path}");
            assert_eq!(asked.sidecar.got(path), 0, "{path}");
        }
        client.set_cookie("stepgate", &person.cookie("stepgate").unwrap());
        for status in [200, 403] {
            let answer = ask(&client, question.clone(), delete).await;
            assert_eq!(answer.status, status, "{}", answer.text());
        }
    });
}

#[test]
fn a_policy_that_needs_bodies_is_refused_where_none_is_told() {
    run(async {
        let asked = asked(|setup| setup);
        let sidecar = &asked.sidecar;
        sidecar.dir.write("policies/routes.yaml", BY_BODY);
        let checked = stepgate::run(&sidecar.dir, &["check"]);
        let told = String::from_utf8_lossy(&checked.stderr);
        assert!(
            !checked.status.success() && told.contains("do not tell: `pay`;"),
            "{told}"
        );
        sidecar
            .process()
            .wait_for_line("the new policies are refused");
        // Those before are in force.
        let refused = ask(&asked.asking(), ALL[1].clone(), &[]).await;
        assert_eq!(refused.reason(), "step-up-required");
    });
}

/// What is not told may claim any method, and hold any parameter.
#[test]
fn a_body_that_is_not_told_may_say_anything() {
    run(async {
        let asked = asked(|setup| setup);
        let client = asked
            .asking()
            .header("content-type", "application/x-www-form-urlencoded");
        // `_method=DELETE` may be in it; the route for POST and DELETE at this path is the same.
        let question = ("/forward", Method::GET, TRAEFIK);
        for (method, target, status) in [
            ("PUT", "/users/5", 403),
            ("POST", "/secrets/a", 403),
            ("POST", "/notes", 200),
        ] {
            let lines = [("x-forwarded-method", method), ("x-forwarded-uri", target)];
            let answer = ask(&client, question.clone(), &lines).await;
            assert_eq!(
                answer.status,
                status,
                "{method} {target}: {}",
                answer.text()
            );
        }
    });
}

const BY_BODY: &str = r"
version: 1
default: forward
routes:
  - { id: pay, title: Pay, level: 4, show: { to: form.to }, match: { methods: [POST], path: /pay } }
";
