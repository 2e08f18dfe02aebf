//! The admin endpoints: where they listen, which is never where the public comes.

use super::Draft;
use crate::admin::{AdminAddress, AdminSettings};
use crate::settings::Listener;
use crate::settings::raw::RawAdmin;
use crate::transport::ListenAddress;
use crate::yaml::{Path, Span, clip};
use std::net::SocketAddr;
use std::time::Duration;

pub(super) fn compile(
    raw: Option<&RawAdmin>,
    public: &[Listener],
    draft: &mut Draft<'_>,
) -> Option<AdminSettings> {
    let raw = raw?;
    let (section, at) = (
        Path::root().key("admin"),
        Path::root().key("admin").key("listen"),
    );
    let hint = "an address and a port, such as `127.0.0.1:9901`, or `unix:/path`";
    let text = draft.needed(raw.listen.as_ref(), &section, "listen", hint)?;
    Some(AdminSettings {
        address: address(text, public, &at, draft)?,
        // As long as load balancers take to ask twice.
        drain_delay: raw
            .drain_delay
            .map_or(Duration::from_secs(5), |Span(delay)| delay),
    })
}

fn address(
    text: &str,
    public: &[Listener],
    at: &Path,
    draft: &mut Draft<'_>,
) -> Option<AdminAddress> {
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Some(AdminAddress(ListenAddress::Unix(draft.resolve(path))));
    }
    let Ok(address) = text.parse::<SocketAddr>() else {
        let message = format!("`{}` is not an address with a port", clip(text));
        let hint = "such as `127.0.0.1:9901`, or `unix:/path` for a socket in the file system";
        draft.file.report_with_hint(at, message, hint);
        return None;
    };
    let mut public = public.iter().filter_map(|other| other.address.tcp());
    if let Some(other) = public.find(|other| meet(*other, address)) {
        let message = format!("`{address}` is where the public comes: `listen` has `{other}`");
        let hint = "the admin endpoints need an address of their own, such as `127.0.0.1:9901`";
        draft.file.report_with_hint(at, message, hint);
    }
    if !address.ip().to_canonical().is_loopback() {
        let message = format!(
            "whoever reaches `{address}` can read the admin endpoints: what is guarded, and how much it is used"
        );
        draft.file.warn(at, message);
    }
    Some(AdminAddress(ListenAddress::Tcp(address)))
}

/// Whether two addresses cannot be told apart by who connects, or not be listened on at the same time.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    // `::ffff:127.0.0.1` is 127.0.0.1 (RFC 4291 §2.5.5.2).
    let (one_ip, other_ip) = (one.ip().to_canonical(), other.ip().to_canonical());
    one.port() == other.port()
        // Port 0 is another free port each time.
        && one.port() != 0
        && (one_ip == other_ip || one_ip.is_unspecified() || other_ip.is_unspecified())
}
