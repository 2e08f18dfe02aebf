//! People come into the directory by the thousand, change their names, and are unlocked.

use crate::support::sidecar::{self, PASSWORD, Sidecar, USER};
use crate::support::stepgate::run;
use crate::support::store::on_both_stores;
use http::Method;
use serde_json::{Value, json};
use std::fmt::Write;

/// Hashes of `correct horse`, as bcrypt, Django, Werkzeug, passlib and htpasswd wrote them.
const HASHES: [(&str, &str); 5] = [
    (
        "bcrypt",
        "$2y$04$4SrwL6c6r26f5DVb4ONveu0FzjiABwb8BMVVhjBE..cno0gq3VOFm",
    ),
    (
        "django",
        "pbkdf2_sha256$1000$saltSALT12$aNFNgDo0za0VVTcBJJGCIJ/Jp1xfTKPQjKCBKcs9hFU=",
    ),
    (
        "flask",
        "scrypt:1024:8:1$j67oBqqq$0683b7f58668e18b808c838189eba28545b7d075dc3d55172f7dce400607764db\
         32b17be68b3c77d967bcd052c44c6a05dfdb023b546282fc5e0272a0b6b2b77",
    ),
    (
        "linux",
        "$5$rounds=1000$ZoYSSzO2XzDSc48V$XYkJ0/5JudP0SUYdx9ephu5h8af1Wi.dRbPK9IeOGp7",
    ),
    ("apache", "$apr1$EvAUeIOx$kJ9PfaO9gvIMjIGhlUKxh0"),
];

/// To a file: where the log is the output of the sidecar, commands write theirs to standard error.
const AUDIT: &str = "audit: { target: audit.log }";

/// Exit code, answer and errors of an import.
fn import(sidecar: &Sidecar, arguments: &[&str]) -> (i32, String, String) {
    let arguments = [&["user", "import"], arguments].concat();
    let output = run(&sidecar.dir, &arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn shown(sidecar: &Sidecar, name: &str) -> Value {
    serde_json::from_str(&sidecar.command(&["user", "show", name, "--json"])).unwrap()
}

on_both_stores! {
    async fn imported_hashes_are_checked_and_replaced_by_the_right_password(store: Store) {
        let sidecar = sidecar::on(store).line(AUDIT).run();
        let lines = HASHES.map(|(name, hash)| format!("{name}:{hash}\n"));
        sidecar.dir.write(".htpasswd", lines.concat());
        let (code, told, errors) = import(&sidecar, &[".htpasswd"]);
        assert_eq!((code, errors.as_str()), (0, ""), "{told}");
        assert!(told.starts_with("added 5 users"), "{told}");
        for (number, (name, hash)) in (1..).zip(HASHES) {
            assert!(sidecar.dump().contains(hash), "{name}");
            let client = sidecar.script();
            client.log_in(name).await;
            for path in ["/keys", "/email"] {
                let refused = client.post(path).await;
                let wrong = client.verify(&refused.token(), ("password", "correct")).await;
                assert_eq!(wrong.reason(), "wrong-answer", "{name}");
                let right = client.verify(&refused.token(), ("password", "correct horse")).await;
                assert_eq!(right.json()["verified"], true, "{name}: {}", right.text());
                sidecar.process().wait_until("a renewed hash", |lines| {
                    let told = |line: &&String| line.contains("a password hash was renewed");
                    (lines.iter().filter(told).count() == number).then_some(())
                });
            }
            assert!(!sidecar.dump().contains(hash), "{name}: its old hash is still there");
        }
        assert!(!sidecar.log().contains("correct horse"));
    }

    async fn what_cannot_be_taken_is_named_and_all_else_is(store: Store) {
        let sidecar = sidecar::on(store).line(AUDIT).run();
        sidecar.dir.write("people.csv", "name,email,team,password_hash,aliases\n\
            bob,bob@example.test,blue,$2y$04$4SrwL6c6r26f5DVb4ONveu0FzjiABwb8BMVVhjBE..cno0gq3VOFm,b bobby\n\
            carol,not an address,blue,,\n\
            dave,,red,{SSHA}T0siMKSobvtWnZrAmWspN8dohEXMGcPY,\n\
            erin,,red,$2y$31$4SrwL6c6r26f5DVb4ONveu0FzjiABwb8BMVVhjBE..cno0gq3VOFm,\n\
            BOB,,red,,\n\
            frank,red\n\
            grace,,red,,alice\n\
            alice,new@example.test,red,,\n\
            heidi,,red,,\n");
        let dry = import(&sidecar, &["people.csv", "--dry-run"]);
        assert_eq!(dry.1, "would have added 2 users, replaced 0, kept 1 that there were; 6 not taken\n");
        assert!(!sidecar.command(&["user", "list"]).contains("heidi"));

        let (code, told, errors) = import(&sidecar, &["people.csv"]);
        assert_eq!(code, 1);
        assert_eq!(told, "added 2 users, replaced 0, kept 1 that there were; 6 not taken\n");
        assert_eq!(errors, dry.2);
        for part in [
            "note: not read: `team`",
            "people.csv:line 3: `not an address` is not a mail address",
            "people.csv:line 4: the password hash: LDAP's and htpasswd's {SHA} or {SSHA}",
            "people.csv:line 5: the password hash: its bcrypt cost is 31",
            "people.csv:line 6: `bob` is named before, in line 2",
            "people.csv:line 7: it has 2 fields",
            "people.csv:line 8: `alice` is known already, as user `alice`",
            "error: 6 of 9 could not be taken",
        ] {
            assert!(errors.contains(part), "`{part}` is missing in\n{errors}");
        }
        assert!(!errors.contains("T0siMKSobvtWnZrAmWspN8dohEXMGcPY"), "a hash is shown: {errors}");
        assert_eq!(shown(&sidecar, "bobby")["aliases"], json!(["b", "bobby"]));

        // What the file does not say of somebody stays, and so does the authenticator.
        let (_, told, _) = import(&sidecar, &["people.csv", "--replace"]);
        assert_eq!(told, "added 0 users, replaced 3, kept 0 that there were; 6 not taken\n");
        let alice = shown(&sidecar, USER);
        assert_eq!(alice["email"], "new@example.test");
        assert_eq!(alice["factors"], json!(["password", "totp", "email_code"]));
        assert_eq!(shown(&sidecar, "bob")["aliases"], json!(["b", "bobby"]));
    }

    async fn thousands_are_imported_at_once(store: Store) {
        let sidecar = sidecar::on(store).line(AUDIT).run();
        let mut text = String::from("name,email\n");
        for number in 0..3_000 {
            writeln!(text, "user{number},user{number}@example.test").unwrap();
        }
        sidecar.dir.write("many.csv", text);
        let begun = std::time::Instant::now();
        let (code, told, errors) = import(&sidecar, &["many.csv"]);
        assert_eq!((code, errors.as_str()), (0, ""), "no progress where nobody looks");
        assert!(told.starts_with("added 3000 users, replaced 0, kept 0"), "{told}");
        eprintln!("3,000 users on {store:?} took {:?}", begun.elapsed());
        // Again after a stop half way: those that there are stay.
        let (code, told, _) = import(&sidecar, &["many.csv"]);
        assert_eq!((code, told.as_str()), (0, "added 0 users, replaced 0, kept 3000 that there were; 0 not taken\n"));
    }

    async fn a_user_changes_name_and_address_and_keeps_the_factors(store: Store) {
        let sidecar = sidecar::on(store).line(AUDIT).run();
        sidecar.add_user("bob", "bob@example.test", "correct horse battery");
        let before = sidecar.logged_in().await;
        before.pass(&before.get("/.stepup/enroll").await).await;
        let made = before.call(Method::POST, "/.stepup/enroll/recovery", json!({})).await.json();
        let codes: Vec<_> = made["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        let told = sidecar.command(&["user", "show", USER]);
        assert!(told.contains("enrolled       recovery_code, added 20") && told.contains("codes left     10\n"), "{told}");
        let enrolled = &shown(&sidecar, USER)["enrolled"][0];
        assert_eq!((&enrolled["factor"], &enrolled["used_at"]), (&json!("recovery_code"), &Value::Null));
        assert!(codes.iter().all(|code| !told.contains(code)));
        let set = |arguments: &[&str]| {
            let output = run(&sidecar.dir, &[&["user", "set"], arguments].concat());
            let code = output.status.code().unwrap();
            (code, String::from_utf8(output.stderr).unwrap())
        };
        let renamed = ["alice", "--rename", "alice.smith", "--email", "smith@example.test", "--alias", "asmith"];
        assert_eq!(set(&renamed), (0, String::new()));
        let known = shown(&sidecar, "asmith");
        assert_eq!((&known["name"], &known["email"]), (&json!("alice.smith"), &json!("smith@example.test")));
        assert_eq!(set(&["alice", "--no-email"]).0, 1, "the old name is nobody's");
        for taken in [["alice.smith", "--rename", "bob"], ["alice.smith", "--alias", "BOB"], ["bob", "--alias", "asmith"]] {
            let (code, told) = set(&taken);
            assert_eq!(code, 1);
            assert!(told.contains("is known already"), "{told}");
        }
        assert_eq!(set(&["bob", "--email", "no address"]).0, 64);
        assert_eq!(set(&["bob"]).0, 64, "nothing to change");

        // The authenticator goes along with the name, and so do the password and the recovery codes.
        let client = sidecar.script();
        client.log_in("alice.smith").await;
        let refused = client.post("/both").await;
        client.verify(&refused.token(), ("password", PASSWORD)).await;
        let passed = client.verify(&refused.token(), ("totp", &sidecar.totp(0))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        let refused = client.post("/keys").await;
        let passed = client.verify(&refused.token(), ("recovery_code", codes[0])).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        let told = sidecar.command(&["user", "show", "alice.smith"]);
        assert!(told.contains(", last used 20") && told.contains("codes left     9\n"), "{told}");

        // The old name can be kept as an alias.
        let back = ["alice.smith", "--rename", "alice", "--alias", "alice.smith", "--no-alias", "asmith", "--no-email"];
        assert_eq!(set(&back), (0, String::new()));
        let known = shown(&sidecar, "alice.smith");
        assert_eq!((&known["name"], &known["aliases"]), (&json!("alice"), &json!(["alice.smith"])));
        assert_eq!((&known["email"], &known["factors"]), (&Value::Null, &json!(["password", "totp", "recovery_code"])));
    }

    async fn a_second_authenticator_does_not_replace_the_first_unasked(store: Store) {
        let sidecar = sidecar::on(store).line(AUDIT).run();
        let again = run(&sidecar.dir, &["user", "totp", USER]);
        assert_eq!(again.status.code(), Some(1));
        let told = String::from_utf8(again.stderr).unwrap();
        assert!(told.contains("--replace"), "{told}");
        let client = sidecar.logged_in().await;
        let refused = client.post("/totp").await;
        let passed = client.verify(&refused.token(), ("totp", &sidecar.totp(0))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert!(sidecar.command(&["user", "totp", USER, "--replace"]).contains("secret  "));
        let client = sidecar.logged_in().await;
        let refused = client.post("/totp").await;
        let stale = client.verify(&refused.token(), ("totp", &sidecar.totp(1))).await;
        assert_eq!(stale.reason(), "wrong-answer");
    }

    async fn locks_are_shown_and_cleared_in_every_session(store: Store) {
        let sidecar = sidecar::on(store).line(AUDIT).run();
        let client = sidecar.logged_in().await;
        for _ in 0..2 {
            let refused = client.post("/keys").await;
            for _ in 0..5 {
                client.verify(&refused.token(), ("password", "not it")).await;
            }
        }
        let barred = client.post("/keys").await;
        let refused = client.verify(&barred.token(), ("password", PASSWORD)).await;
        assert_eq!(refused.reason(), "too-many-attempts");
        let locks = &shown(&sidecar, USER)["locks"];
        assert_eq!(locks.as_array().unwrap().len(), 1, "{locks}");
        assert_eq!((&locks[0]["factor"], &locks[0]["bars"]), (&json!("password"), &json!("session")));
        assert!(sidecar.command(&["user", "show", USER]).contains("too many answers in one session, until"));

        let told = sidecar.command(&["user", "unlock", USER]);
        assert!(told.starts_with("unlocked `alice`: password: too many answers"), "{told}");
        client.earn("/keys").await;
        let told = sidecar.command(&["user", "unlock", USER]);
        assert!(told.starts_with("nothing of `alice` was locked"), "{told}");
        let unknown = run(&sidecar.dir, &["user", "unlock", "alicf"]);
        assert_eq!(unknown.status.code(), Some(1));
        assert!(String::from_utf8(unknown.stderr).unwrap().contains("there is no user `alicf`"));

        // What is locked of somebody whom the directory does not know any more is shown as well.
        let client = sidecar.logged_in().await;
        for _ in 0..2 {
            let refused = client.post("/keys").await;
            for _ in 0..5 {
                client.verify(&refused.token(), ("password", "not it")).await;
            }
        }
        sidecar.command(&["user", "remove", USER]);
        let told = sidecar.command(&["user", "show", USER]);
        assert!(told.contains("knows nobody of this name") && told.contains("too many answers in one session"), "{told}");
    }
}
