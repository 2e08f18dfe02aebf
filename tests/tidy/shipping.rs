//! The image, the compose file and the scripts. No engine runs here, so they are read.

use crate::{path, text};
use serde_yaml::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_image_is_built_with_the_pinned_rust() {
    let pinned = text("rust-toolchain.toml");
    let (_, pinned) = pinned.split_once("channel = \"").unwrap();
    let minor = pinned
        .split('"')
        .next()
        .unwrap()
        .rsplit_once('.')
        .unwrap()
        .0;
    let from = format!("FROM rust:{minor}-");
    assert!(text("Dockerfile").contains(&from));
    assert!(text("Cargo.toml").contains(&format!("rust-version = \"{minor}\"")));
}

#[test]
fn the_package_for_pages_has_our_version_and_what_its_files_name() {
    let package: serde_json::Value =
        serde_json::from_str(&text("packaging/npm/package.json")).unwrap();
    let cargo = text("Cargo.toml");
    for name in ["version", "license"] {
        let line = format!("\n{name} = {}\n", package[name]);
        assert!(cargo.contains(&line), "{name}");
    }
    for file in package["files"].as_array().unwrap() {
        let file = format!("packaging/npm/{}", file.as_str().unwrap());
        assert!(path(&file).exists(), "{file}");
    }
}

#[test]
fn the_image_runs_as_nobody_in_particular() {
    let dockerfile = text("Dockerfile");
    let user = dockerfile.lines().rfind(|line| line.starts_with("USER "));
    assert_eq!(user, Some("USER 65532:65532"));
}

#[test]
fn the_image_has_no_demo_and_the_one_of_compose_has() {
    assert!(text("Dockerfile").contains("--no-default-features --features \"$FEATURES\""));
    assert!(text("Dockerfile").contains("ARG FEATURES=\"\"\n"));
    for service in ["stepgate", "app"] {
        let service = &yaml("docker-compose.yml")["services"][service];
        assert_eq!(service["build"]["args"]["FEATURES"].as_str(), Some("demo"));
    }
}

#[test]
fn compose_names_only_services_that_it_has() {
    let compose = yaml("docker-compose.yml");
    let services = compose["services"].as_mapping().unwrap();
    for (name, service) in services {
        for needed in service["depends_on"].as_mapping().into_iter().flatten() {
            let needed = needed.0;
            assert!(services.contains_key(needed), "{name:?} needs {needed:?}");
        }
    }
    let settings = yaml("examples/compose/stepgate.yaml");
    let of = |value: &Value| {
        let host = value.as_str().unwrap();
        let host = host.split_once("://").map_or(host, |(_, rest)| rest);
        host.split([':', '/']).next().unwrap().to_owned()
    };
    for host in [
        of(&settings["upstream"]["url"]),
        of(&settings["store"]["redis"]["url"]),
        of(&settings["mail"]["smtp"]),
    ] {
        assert!(services.contains_key(host.as_str()), "no service `{host}`");
    }
}

#[test]
fn compose_mounts_only_files_that_are_there() {
    let compose = yaml("docker-compose.yml");
    for (_, service) in compose["services"].as_mapping().unwrap() {
        for volume in service["volumes"].as_sequence().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let named = compose["volumes"].get(source).is_some();
            assert!(named || path(source).exists(), "no `{source}`");
        }
    }
}

#[test]
fn the_redis_of_compose_evicts_nothing() {
    let compose = yaml("docker-compose.yml");
    let command = compose["services"]["redis"]["command"]
        .as_sequence()
        .unwrap();
    let words: Vec<_> = command.iter().filter_map(Value::as_str).collect();
    let policy = words
        .windows(2)
        .find(|pair| pair[0] == "--maxmemory-policy");
    assert_eq!(policy.map(|pair| pair[1]), Some("noeviction"));
}

#[test]
fn every_script_is_executable_and_parses() {
    for name in [
        ".ci/run",
        "scripts/test",
        "scripts/api",
        "scripts/docs",
        "scripts/fuzz",
        "scripts/differential",
        "tests/differential/readers/install",
        "tests/e2e/applications/install",
        "examples/django-admin/up.sh",
        "examples/django-admin/down.sh",
    ] {
        let mode = path(name).metadata().unwrap().permissions().mode();
        assert!(mode & 0o111 != 0, "{name} is not executable");
        let bash = Command::new("bash").arg("-n").arg(path(name)).status();
        assert!(bash.unwrap().success(), "{name} does not parse");
    }
    for name in ["scripts/soak", "tests/soak/origin.py"] {
        let parse = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
        let mut python = Command::new("python3");
        let python = python.args(["-c", parse]).arg(path(name)).status();
        assert!(python.unwrap().success(), "{name} does not parse");
    }
}

/// Annotations of ingress-nginx (its documentation, "Annotations Scope and Risk"): those of external authentication, and
/// snippets.
const ANNOTATIONS: [&str; 16] = [
    "auth-always-set-cookie",
    "auth-cache-duration",
    "auth-cache-key",
    "auth-keepalive",
    "auth-keepalive-requests",
    "auth-keepalive-share-vars",
    "auth-keepalive-timeout",
    "auth-method",
    "auth-proxy-set-headers",
    "auth-request-redirect",
    "auth-response-headers",
    "auth-signin",
    "auth-snippet",
    "auth-url",
    "configuration-snippet",
    "server-snippet",
];

/// It runs in a cluster only, so its file is read.
#[test]
fn the_ingress_asks_as_ingress_nginx_can() {
    let text = text("examples/forward-auth/ingress-nginx.yaml");
    let documents = text.split("\n---\n");
    let ingresses: Vec<Value> = documents
        .map(|document| serde_yaml::from_str(document).unwrap())
        .collect();
    let [application, own] = ingresses.as_slice() else {
        panic!("expected two documents");
    };
    for ingress in [application, own] {
        assert_eq!(ingress["apiVersion"], "networking.k8s.io/v1");
        assert_eq!(ingress["kind"], "Ingress");
        assert_eq!(ingress["spec"]["ingressClassName"], "nginx");
    }
    let annotations = application["metadata"]["annotations"].as_mapping().unwrap();
    let annotation = |name: &str| {
        let name = format!("nginx.ingress.kubernetes.io/{name}");
        annotations
            .get(name.as_str())
            .and_then(Value::as_str)
            .unwrap()
    };
    for (name, value) in annotations {
        let name = name.as_str().unwrap();
        let known = name.strip_prefix("nginx.ingress.kubernetes.io/");
        assert!(
            known.is_some_and(|name| ANNOTATIONS.contains(&name)),
            "{name}"
        );
        // Kubernetes takes strings only.
        assert!(value.is_string(), "{name}");
    }
    assert!(annotation("auth-url").ends_with(":9180/nginx?secret=SECRET"));
    assert_eq!(annotation("auth-response-headers"), "Step-Up-Assertion");
    assert!(annotation("configuration-snippet").contains("error_page 401 403 = @stepgate;"));
    assert!(annotation("server-snippet").contains("location @stepgate {"));
    // Our own pages are not asked about.
    assert!(own["metadata"]["annotations"].is_null());
    assert_eq!(
        own["spec"]["rules"][0]["http"]["paths"][0]["path"],
        "/.stepup/"
    );
}

#[test]
fn the_guide_shows_what_the_example_for_envoy_has() {
    let guide = text("docs/forward-auth.md");
    let (_, shown) = guide.split_once("```yaml\nencode_raw_headers").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let shown: Value = serde_yaml::from_str(&format!("encode_raw_headers{shown}")).unwrap();
    let example = yaml("examples/forward-auth/envoy-grpc.yaml");
    let listener = &example["static_resources"]["listeners"][0];
    let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
    let filter = &manager["http_filters"][0]["typed_config"];
    for (name, value) in shown.as_mapping().unwrap() {
        assert_eq!(&filter[name], value, "{name:?}");
    }
}
