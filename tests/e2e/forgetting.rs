//! What the store did not hear of while it was away.

use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, USER};
use crate::support::store::Store;
use crate::support::{becomes, run};
use futures_util::future::join_all;

/// How many may wait to be told, in one thread.
const MOST: usize = 1024;

#[test]
fn an_outage_leaves_no_login_of_before_and_no_endless_line() {
    run(async {
        let sidecar = sidecar::on(Store::Redis)
            .store_deadline("1s")
            .line("threads: 1")
            .run();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        assert_eq!(client.post("/keys").await.status, 200);
        let cookies = [COOKIE, KEY_COOKIE].map(|name| (name, client.cookie(name).unwrap()));

        sidecar.redis().freeze();
        // Two sessions to forget, the old one and the new one; and one too many of strangers.
        assert_eq!(client.try_log_in(USER).await.status, 302);
        let strangers: Vec<_> = (1..MOST).map(|_| sidecar.script()).collect();
        for some in strangers.chunks(64) {
            let logins = join_all(some.iter().map(|client| client.try_log_in(USER))).await;
            assert!(logins.iter().all(|login| login.status == 302));
        }
        client.post("/keys").await.assert_unavailable();
        let lost = "what became of a session is lost";
        let process = sidecar.process();
        process.wait_for_line(lost);
        let lines = process.lines();
        let lost = lines.iter().filter(|line| line.contains(lost));
        assert_eq!(lost.count(), 1);

        sidecar.redis().thaw();
        // What the cookie held before the login that the store did not hear of is gone.
        let owner = sidecar.script();
        for (name, value) in &cookies {
            owner.set_cookie(name, value);
        }
        let unknown = becomes(401, async || owner.post("/keys").await).await;
        assert_eq!(unknown.json()["reason"], "session-required");
    });
}
