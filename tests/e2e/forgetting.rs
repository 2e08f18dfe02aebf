//! What the store did not hear of while it was away.

use crate::support::client::Client;
use crate::support::killable::{Sidecar, application, assert_unavailable, on};
use crate::support::redis::Redis;
use crate::support::run;
use crate::support::upstream::Upstream;
use futures_util::future::join_all;

/// How many may wait to be told, in one thread.
const MOST: usize = 1024;

async fn log_in(client: &Client) {
    let login = client
        .post_form("/login", &[("user", "alice"), ("password", "App-pass-1!")])
        .await;
    assert_eq!(login.status, 302, "{}", login.text());
}

#[test]
fn an_outage_leaves_no_login_of_before_and_no_endless_line() {
    run(async {
        let (redis, upstream) = (Redis::start(), Upstream::start(application));
        let sidecar = Sidecar::start(upstream.addr(), &on(&redis), "");
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/keys").await;
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
        let cookies = ["sid", "stepgate"].map(|name| (name, client.cookie(name).unwrap()));

        redis.freeze();
        // Two sessions to forget, the old one and the new one; and one too many of strangers.
        log_in(&client).await;
        let strangers: Vec<_> = (1..MOST).map(|_| sidecar.client()).collect();
        for some in strangers.chunks(64) {
            join_all(some.iter().map(log_in)).await;
        }
        assert_unavailable(&client.post_form("/keys", &[]).await);
        let lost = "what became of a session is lost";
        let process = sidecar.process().process();
        process.wait_for_line(lost);
        let lines = process.lines();
        let lost = lines.iter().filter(|line| line.contains(lost));
        assert_eq!(lost.count(), 1);

        redis.thaw();
        // What the cookie held before the login that the store did not hear of is gone.
        let owner = sidecar.client();
        for (name, value) in &cookies {
            owner.set_cookie(name, value);
        }
        let unknown = sidecar.becomes(&owner, "/keys", 401).await;
        assert_eq!(unknown.json()["reason"], "session-required");
    });
}
