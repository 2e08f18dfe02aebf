//! Packages of Node, each in one version for all tests. Node comes from the system's packages: nodejs, npm.

use super::temp::TempDir;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What is installed, as `NAME@VERSION`.
pub(crate) const PACKAGES: &[&str] = &[
    "@bufbuild/protobuf@2.17.0",
    "@connectrpc/connect@2.3.0",
    "@connectrpc/connect-web@2.3.0",
    "@grpc/grpc-js@1.14.7",
    "@hotwired/turbo@8.0.23",
    "@inertiajs/vue3@3.7.1",
    "@node-saml/passport-saml@5.1.1",
    "axe-core@4.14.1",
    "axios@1.21.1",
    "configurable-http-proxy@5.3.0",
    "connect-redis@10.0.0",
    "esbuild@0.28.2",
    "express@5.3.0",
    "express-openid-connect@2.20.2",
    "express-session@1.19.0",
    "grpc-web@2.1.1",
    "htmx.org@2.0.11",
    "htmx4@npm:htmx.org@4.0.1",
    "jose@6.2.18",
    "jquery@4.0.0",
    "jsf.js_next_gen@4.0.5-beta.6",
    "jsqr@1.4.0",
    "oidc-provider@8.8.1",
    "passport@0.7.0",
    "react@19.3.1",
    "react-dom@19.3.1",
    "redis@6.3.1",
    "samlp@8.0.0",
    "unpoly@3.14.3",
    "vue@3.5.45",
];

/// Node, to be given a script of `dir`, which finds the packages.
pub(crate) fn node(dir: &TempDir) -> Command {
    let packages = dir.path().join("node_modules");
    // Node finds packages beside the file that asks for them, and nowhere else.
    if !packages.exists() {
        symlink(installed().join("node_modules"), packages).unwrap();
    }
    let mut command = Command::new("node");
    command.current_dir(dir.path());
    command
}

/// A file of a package, as in `axe-core/axe.min.js`.
pub(crate) fn file(name: &str) -> String {
    fs::read_to_string(installed().join("node_modules").join(name)).unwrap()
}

/// A script for browsers with all that it imports from packages.
pub(crate) fn bundle(script: &str) -> String {
    let dir = TempDir::new("bundle");
    dir.write("entry.mjs", script);
    let mut esbuild = node(&dir);
    let options = "{ entryPoints: ['entry.mjs'], bundle: true, outfile: 'out.js', define: { 'process.env.NODE_ENV': '\"production\"' } }";
    esbuild.args(["-e", &format!("require('esbuild').buildSync({options})")]);
    let output = esbuild.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "nothing is bundled: {said}");
    fs::read_to_string(dir.path().join("out.js")).unwrap()
}

/// The folder with the packages, which are installed once and kept for later runs.
fn installed() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node");
        fs::create_dir_all(&place).unwrap();
        // Several test processes may come at once; one of them installs.
        let lock = File::create(place.join("lock")).unwrap();
        lock.lock().unwrap();
        let wanted = PACKAGES.join(" ");
        let done = place.join("installed");
        if fs::read_to_string(&done).unwrap_or_default() != wanted {
            fs::write(place.join("package.json"), "{ \"private\": true }").unwrap();
            let mut npm = Command::new("npm");
            npm.args(["install", "--silent", "--no-audit", "--no-fund"]);
            let output = npm.args(PACKAGES).current_dir(&place).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "nothing is installed: {said}");
            fs::write(done, wanted).unwrap();
        }
        place
    })
}
