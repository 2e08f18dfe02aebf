//! Policies change under traffic: the new ones come into force as a whole, or the old ones stay.

use crate::support::client::Client;
use crate::support::killable::{POLICY, Sidecar, application};
use crate::support::upstream::Upstream;
use crate::support::{run, soon};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const EMBEDDED: &str = "embedded: { path: state }";
const FILE: &str = "routes.yaml";

/// The usual policy with one more route.
fn with_route(path: &str) -> String {
    format!(
        "{POLICY}  - {{ id: new, action: new, title: New, level: 3, match: {{ methods: [POST], path: {path} }} }}\n"
    )
}

struct Scene {
    sidecar: Sidecar,
    _upstream: Upstream,
    /// Somebody who is logged in and has proven nothing since.
    client: Client,
}

impl Scene {
    async fn set() -> Self {
        Self::on(|_| {}).await
    }

    async fn on(before: impl FnOnce(&Sidecar)) -> Self {
        let upstream = Upstream::start(application);
        let mut sidecar = Sidecar::prepare(upstream.addr(), EMBEDDED, "");
        before(&sidecar);
        sidecar.enroll();
        sidecar.run();
        let client = sidecar.logged_in().await;
        Self {
            sidecar,
            _upstream: upstream,
            client,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sidecar.dir.path().join(name)
    }

    fn write(&self, policy: &str) {
        self.sidecar.dir.write(&format!("policies/{FILE}"), policy);
    }

    /// The reloads so far, as the audit log tells them: whether they succeeded, and how many
    /// routes are in force.
    fn reloads(&self) -> Vec<(bool, u64)> {
        let lines = self.sidecar.process().process().lines();
        let events = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events
            .filter(|event| event["event"] == "policies-loaded")
            .map(|event| {
                let routes = event["count"].as_u64().unwrap();
                (event["outcome"] == "succeeded", routes)
            })
            .collect()
    }

    fn log(&self) -> String {
        self.sidecar.process().process().lines().join("\n")
    }

    /// Keeps the sidecar busy until the reloads are these. No request is lost on the way, and none
    /// passes that is guarded before and after.
    async fn busy_until(&self, reloads: &[(bool, u64)]) {
        let busy = async {
            loop {
                let (open, form, guarded, own) = tokio::join!(
                    Box::pin(self.client.get("/")),
                    Box::pin(self.client.post_form("/notes", &[("text", "hello")])),
                    Box::pin(self.client.post_form("/keys", &[])),
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
                    assert_eq!(told, reloads, "{}", self.log());
                    return;
                }
            }
        };
        soon("the reload", busy).await;
    }

    async fn status(&self, path: &str) -> u16 {
        self.client.post_form(path, &[]).await.status.as_u16()
    }

    fn hang_up(&self) {
        self.sidecar.process().process().signal("HUP");
    }
}

#[test]
fn a_policy_edited_in_place_is_in_force_soon() {
    run(async {
        let scene = Scene::set().await;
        assert_eq!(scene.status("/new").await, 200);
        scene.write(&with_route("/new"));
        scene.busy_until(&[(true, 5)]).await;
        assert_eq!(scene.status("/new").await, 403);

        scene.write(POLICY);
        scene.busy_until(&[(true, 5), (true, 4)]).await;
        assert_eq!(scene.status("/new").await, 200);
    });
}

/// Editors and package managers write beside the file and rename.
#[test]
fn a_policy_replaced_by_rename_is_in_force_soon() {
    run(async {
        let scene = Scene::set().await;
        let fresh = scene
            .sidecar
            .dir
            .write("policies/routes.yaml.swp", with_route("/new"));
        fs::rename(fresh, scene.path("policies").join(FILE)).unwrap();
        scene.busy_until(&[(true, 5)]).await;
        assert_eq!(scene.status("/new").await, 403);
        // A further file is a further part of the same policy.
        scene.sidecar.dir.write("policies/more.yml", "version: 1\ndefault: forward\nroutes:\n  - { id: more, level: 3, match: { path: /more } }\n");
        scene.busy_until(&[(true, 5), (true, 6)]).await;
        assert_eq!(scene.status("/more").await, 403);
        assert_eq!(scene.status("/new").await, 403);
    });
}

/// As Kubernetes mounts a `ConfigMap`: links to files in a directory behind a link that is swapped.
#[test]
fn a_policy_replaced_by_a_symlink_swap_is_in_force_soon() {
    fn swap(sidecar: &Sidecar, target: &str) {
        let policies = sidecar.dir.path().join("policies");
        symlink(target, policies.join("..fresh")).unwrap();
        fs::rename(policies.join("..fresh"), policies.join("..data")).unwrap();
    }
    run(async {
        let scene = Scene::on(|sidecar| {
            sidecar.dir.write("policies/..one/routes.yaml", POLICY);
            sidecar
                .dir
                .write("policies/..two/routes.yaml", with_route("/new"));
            sidecar
                .dir
                .write("policies/..three/routes.yaml", "version: 1\nroutes: [");
            swap(sidecar, "..one");
            let file = sidecar.dir.path().join("policies").join(FILE);
            fs::remove_file(&file).unwrap();
            symlink("..data/routes.yaml", file).unwrap();
        })
        .await;
        swap(&scene.sidecar, "..two");
        scene.busy_until(&[(true, 5)]).await;
        assert_eq!(scene.status("/new").await, 403);
        swap(&scene.sidecar, "..three");
        scene.busy_until(&[(true, 5), (false, 5)]).await;
        assert_eq!(scene.status("/new").await, 403);
        swap(&scene.sidecar, "..one");
        scene.busy_until(&[(true, 5), (false, 5), (true, 4)]).await;
        assert_eq!(scene.status("/new").await, 200);
    });
}

#[test]
fn a_hangup_reloads_changed_or_not() {
    run(async {
        let scene = Scene::set().await;
        scene.hang_up();
        scene.busy_until(&[(true, 4)]).await;
        scene.write(&with_route("/new"));
        scene.hang_up();
        scene.busy_until(&[(true, 4), (true, 5)]).await;
        assert_eq!(scene.status("/new").await, 403);
    });
}

#[test]
fn a_broken_policy_is_loud_and_the_old_one_stays() {
    run(async {
        let scene = Scene::set().await;
        let mistaken =
            with_route("/new").replace("id: new, action: new", "id: new, lvl: 9, action: new");
        scene.write(&mistaken);
        scene.busy_until(&[(false, 4)]).await;
        let log = scene.log();
        // The line of the route that was added, and the column of the word.
        let line = POLICY.lines().count() + 1;
        let place = format!("policies/{FILE}:{line}:");
        assert!(log.contains(&place), "no {place} in {log}");
        assert!(
            log.contains("lvl") && log.contains("the old ones stay"),
            "{log}"
        );
        assert_eq!(scene.status("/new").await, 200, "nothing of it is in force");

        scene.write(&with_route("/new"));
        scene.busy_until(&[(false, 4), (true, 5)]).await;
        assert_eq!(scene.status("/new").await, 403);
    });
}

#[test]
fn policies_that_are_gone_stay_in_force() {
    run(async {
        let scene = Scene::set().await;
        fs::rename(scene.path("policies"), scene.path("elsewhere")).unwrap();
        scene.busy_until(&[(false, 4)]).await;
        assert!(scene.log().contains("cannot be read"), "{}", scene.log());
        scene.hang_up();
        scene.busy_until(&[(false, 4), (false, 4)]).await;

        fs::create_dir(scene.path("policies")).unwrap();
        scene.hang_up();
        scene
            .busy_until(&[(false, 4), (false, 4), (false, 4)])
            .await;
        assert!(
            scene.log().contains("holds no policy file"),
            "{}",
            scene.log()
        );
        scene.write(&with_route("/new"));
        scene.hang_up();
        scene
            .busy_until(&[(false, 4), (false, 4), (false, 4), (true, 5)])
            .await;
        assert_eq!(scene.status("/new").await, 403);
    });
}

/// The first lines of a policy are a policy, too, with fewer routes: what still changes is not taken.
#[test]
fn a_policy_that_is_still_being_written_is_never_in_force() {
    run(async {
        let scene = Scene::set().await;
        let whole = with_route("/new");
        let half: Vec<&str> = whole.lines().take(4).collect();
        // The kernel writes for us: no look meets this file as the last one did, whoever is held up.
        let restless = scene.path("policies").join("restless.yaml");
        symlink("/proc/uptime", &restless).unwrap();
        scene.write(&half.join("\n"));
        // Longer than several looks at the files take.
        let until = Instant::now() + Duration::from_millis(2500);
        while Instant::now() < until {
            assert_eq!(scene.status("/pay").await, 403);
            assert_eq!(scene.status("/keys").await, 403);
        }
        // Not even refused: nothing was taken for policies before all of it was at rest.
        scene.write(&whole);
        fs::remove_file(restless).unwrap();
        scene.busy_until(&[(true, 5)]).await;
        assert_eq!(scene.status("/new").await, 403);
    });
}
