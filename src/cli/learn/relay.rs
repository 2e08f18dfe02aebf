//! The recording proxy: somebody logs in through it, and ends it with Ctrl-C.

use crate::cli::error::CliError;
use crate::cli::output::{Output, printable};
use crate::proxy::{RecordedExchange, Recording, record as record_at};
use crate::settings;
use crate::transport::bind;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Records what passes between `listen` and the application, until it is told to stop.
pub(super) fn record(upstream: &str, listen: SocketAddr) -> Result<Recording, CliError> {
    // The settings of a sidecar, so that the application is reached as by one.
    let upstream = upstream.replace('\'', "''");
    let text = format!("version: 1\nupstream: {{ url: '{upstream}' }}\npolicies: /\n");
    let settings = settings::parse(Path::new("--upstream"), text.as_bytes());
    let settings = settings.map_err(CliError::Configuration)?;
    let failed = CliError::io(format!("cannot listen on `{listen}`"));
    let listener = bind(listen).map_err(failed)?;
    let listen = listener
        .local_addr()
        .map_err(CliError::io("cannot listen"))?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(<_>::default());
    let runtime = runtime.map_err(CliError::io("cannot start"))?;
    runtime.block_on(async {
        let stop = stop()?;
        let mut out = Output::stderr();
        writeln!(out, "{}", instructions(listen))?;
        let out = RefCell::new(out);
        let seen = Box::new(move |exchange: &RecordedExchange| tell(&out, exchange));
        let recording = record_at(settings.proxy, settings.sessions, listener, seen, stop);
        recording
            .await
            .map_err(CliError::io("the recording failed"))
    })
}

/// Resolves with SIGINT or SIGTERM.
fn stop() -> Result<impl Future<Output = ()>, CliError> {
    let listen = |kind| signal(kind).map_err(CliError::io("cannot wait for signals"));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn instructions(listen: SocketAddr) -> String {
    format!(
        "listening on http://{listen}/: nothing is guarded there, and nothing is written.

Open it in a private window of a browser, and
  1. try to sign in with a wrong password, once
  2. sign in, and open a page that shows who you are
  3. sign out
then press Ctrl-C here.
"
    )
}

/// Shows that requests arrive: the method, the path and the status, and nothing that is sent.
fn tell(out: &RefCell<Output>, exchange: &RecordedExchange) {
    let path = exchange.target.split('?').next().unwrap_or_default();
    let sends = exchange.method != http::Method::GET
        || exchange.response.contains_key(http::header::SET_COOKIE);
    if sends {
        let path = printable(path);
        // A terminal that is gone does not end the recording.
        let _ = writeln!(
            out.borrow_mut(),
            "  {} {path} -> {}",
            exchange.method,
            exchange.status
        );
    }
}
