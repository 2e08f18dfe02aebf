//! Policies change under traffic: the new ones come into force as a whole, or the old ones stay.

use crate::support::client::Client;
use crate::support::sidecar::{self, POLICY, Sidecar};
use crate::support::store::Store;
use crate::support::{run, soon};
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

const FILE: &str = "policies/routes.yaml";

/// The usual policy with one more route.
fn with_route(path: &str) -> String {
    format!(
        "{POLICY}  - {{ id: new, action: new, title: New, level: 3, match: {{ methods: [POST], path: {path} }} }}\n"
    )
}

struct Reloading {
    sidecar: Sidecar,
    /// Somebody who is logged in and has proven nothing since.
    client: Client,
}

impl Reloading {
    async fn run() -> Self {
        Self::prepared(|_| {}).await
    }

    async fn prepared(prepare: impl FnOnce(&Sidecar)) -> Self {
        let mut sidecar = sidecar::on(Store::Embedded).prepare();
        prepare(&sidecar);
        sidecar.enroll();
        sidecar.start();
        let client = sidecar.logged_in().await;
        Self { sidecar, client }
    }

    fn write(&self, policy: &str) {
        self.sidecar.dir.write(FILE, policy);
    }

    /// The reloads so far, as the audit log tells them: whether they succeeded, and how many
    /// routes are in force beyond those of the usual policy.
    fn reloads(&self) -> Vec<(bool, u64)> {
        let usual = POLICY.matches("- { id: ").count() as u64;
        let events = self.sidecar.audit().into_iter();
        events
            .filter(|event| event["event"] == "policies-loaded")
            .map(|event| {
                let routes = event["count"].as_u64().unwrap();
                (event["outcome"] == "succeeded", routes - usual)
            })
            .collect()
    }

    /// Keeps the sidecar busy until the reloads are these. No request is lost on the way, and none
    /// passes that is guarded before and after.
    async fn busy_until(&self, reloads: &[(bool, u64)]) {
        let busy = async {
            loop {
                let (open, form, guarded, own) = tokio::join!(
                    Box::pin(self.client.get("/")),
                    Box::pin(self.client.post_form("/notes", &[("text", "hello")])),
                    Box::pin(self.client.post("/keys")),
                    Box::pin(self.client.post_form("/pay", &[("to", "mallory")])),
                );
                assert_eq!((open.status, open.text()), (http::StatusCode::OK, "done"));
                assert_eq!((form.status, form.text()), (http::StatusCode::OK, "done"));
                for refused in [guarded, own] {
                    assert_eq!(refused.status, 403, "{}", refused.text());
                    assert_eq!(refused.json()["reason"], "step-up-required");
                }
                let told = self.reloads();
                if told.len() >= reloads.len() {
                    assert_eq!(told, reloads, "{}", self.sidecar.log());
                    return;
                }
            }
        };
        soon("the reload", busy).await;
    }

    async fn status(&self, path: &str) -> u16 {
        self.client.post(path).await.status.as_u16()
    }

    fn hang_up(&self) {
        self.sidecar.process().signal("HUP");
    }
}

#[test]
fn a_policy_edited_in_place_is_in_force_soon() {
    run(async {
        let reloading = Reloading::run().await;
        assert_eq!(reloading.status("/new").await, 200);
        reloading.write(&with_route("/new"));
        reloading.busy_until(&[(true, 1)]).await;
        assert_eq!(reloading.status("/new").await, 403);

        reloading.write(POLICY);
        reloading.busy_until(&[(true, 1), (true, 0)]).await;
        assert_eq!(reloading.status("/new").await, 200);
    });
}

/// Editors and package managers write beside the file and rename.
#[test]
fn a_policy_replaced_by_rename_is_in_force_soon() {
    run(async {
        let reloading = Reloading::run().await;
        let fresh = reloading
            .sidecar
            .dir
            .write("policies/routes.yaml.swp", with_route("/new"));
        fs::rename(fresh, reloading.sidecar.path(FILE)).unwrap();
        reloading.busy_until(&[(true, 1)]).await;
        assert_eq!(reloading.status("/new").await, 403);
        // A further file is a further part of the same policy.
        reloading.sidecar.dir.write("policies/more.yml", "version: 1\ndefault: forward\nroutes:\n  - { id: more, level: 3, match: { path: /more } }\n");
        reloading.busy_until(&[(true, 1), (true, 2)]).await;
        assert_eq!(reloading.status("/more").await, 403);
        assert_eq!(reloading.status("/new").await, 403);
    });
}

/// As Kubernetes mounts a `ConfigMap`: links to files in a directory behind a link that is swapped.
#[test]
fn a_policy_replaced_by_a_symlink_swap_is_in_force_soon() {
    fn swap(sidecar: &Sidecar, target: &str) {
        let policies = sidecar.path("policies");
        symlink(target, policies.join("..fresh")).unwrap();
        fs::rename(policies.join("..fresh"), policies.join("..data")).unwrap();
    }
    run(async {
        let reloading = Reloading::prepared(|sidecar| {
            sidecar.dir.write("policies/..one/routes.yaml", POLICY);
            sidecar
                .dir
                .write("policies/..two/routes.yaml", with_route("/new"));
            sidecar
                .dir
                .write("policies/..three/routes.yaml", "version: 1\nroutes: [");
            swap(sidecar, "..one");
            let file = sidecar.path(FILE);
            fs::remove_file(&file).unwrap();
            symlink("..data/routes.yaml", file).unwrap();
        })
        .await;
        swap(&reloading.sidecar, "..two");
        reloading.busy_until(&[(true, 1)]).await;
        assert_eq!(reloading.status("/new").await, 403);
        swap(&reloading.sidecar, "..three");
        reloading.busy_until(&[(true, 1), (false, 1)]).await;
        assert_eq!(reloading.status("/new").await, 403);
        swap(&reloading.sidecar, "..one");
        reloading
            .busy_until(&[(true, 1), (false, 1), (true, 0)])
            .await;
        assert_eq!(reloading.status("/new").await, 200);
    });
}

#[test]
fn a_hangup_reloads_changed_or_not() {
    run(async {
        let reloading = Reloading::run().await;
        reloading.hang_up();
        reloading.busy_until(&[(true, 0)]).await;
        reloading.write(&with_route("/new"));
        reloading.hang_up();
        reloading.busy_until(&[(true, 0), (true, 1)]).await;
        assert_eq!(reloading.status("/new").await, 403);
    });
}

#[test]
fn a_broken_policy_is_loud_and_the_old_one_stays() {
    run(async {
        let reloading = Reloading::run().await;
        let mistaken =
            with_route("/new").replace("id: new, action: new", "id: new, lvl: 9, action: new");
        reloading.write(&mistaken);
        reloading.busy_until(&[(false, 0)]).await;
        // The line of the route that was added, and the column of the word.
        let line = POLICY.lines().count() + 1;
        let process = reloading.sidecar.process();
        process.wait_for_line(&format!("{FILE}:{line}:"));
        process.wait_for_line("lvl");
        process.wait_for_line("the old ones stay");
        assert_eq!(
            reloading.status("/new").await,
            200,
            "nothing of it is in force"
        );

        reloading.write(&with_route("/new"));
        reloading.busy_until(&[(false, 0), (true, 1)]).await;
        assert_eq!(reloading.status("/new").await, 403);
    });
}

#[test]
fn policies_that_are_gone_stay_in_force() {
    run(async {
        let reloading = Reloading::run().await;
        fs::rename(
            reloading.sidecar.path("policies"),
            reloading.sidecar.path("elsewhere"),
        )
        .unwrap();
        reloading.busy_until(&[(false, 0)]).await;
        reloading.sidecar.process().wait_for_line("cannot be read");
        reloading.hang_up();
        reloading.busy_until(&[(false, 0), (false, 0)]).await;

        fs::create_dir(reloading.sidecar.path("policies")).unwrap();
        reloading.hang_up();
        reloading
            .busy_until(&[(false, 0), (false, 0), (false, 0)])
            .await;
        reloading
            .sidecar
            .process()
            .wait_for_line("holds no policy file");
        reloading.write(&with_route("/new"));
        reloading.hang_up();
        reloading
            .busy_until(&[(false, 0), (false, 0), (false, 0), (true, 1)])
            .await;
        assert_eq!(reloading.status("/new").await, 403);
    });
}

/// The first lines of a policy are a policy, too, with fewer routes: what still changes is not taken.
#[test]
fn a_policy_that_is_still_being_written_is_never_in_force() {
    run(async {
        let reloading = Reloading::run().await;
        let whole = with_route("/new");
        let half: Vec<&str> = whole.lines().take(4).collect();
        // The kernel writes for us: no look meets this file as the last one did, whoever is held up.
        let restless = reloading.sidecar.path("policies/restless.yaml");
        symlink("/proc/uptime", &restless).unwrap();
        reloading.write(&half.join("\n"));
        // Longer than several looks at the files take.
        let until = Instant::now() + Duration::from_millis(2500);
        while Instant::now() < until {
            assert_eq!(reloading.status("/pay").await, 403);
            assert_eq!(reloading.status("/keys").await, 403);
        }
        // Not even refused: nothing was taken for policies before all of it was at rest.
        reloading.write(&whole);
        fs::remove_file(restless).unwrap();
        reloading.busy_until(&[(true, 1)]).await;
        assert_eq!(reloading.status("/new").await, 403);
    });
}
