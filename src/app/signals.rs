//! The orders to reload or stop: by signals of the process, or by a channel where we are a library.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Read the policies again, and open the audit log anew (SIGHUP).
    Reload,
    /// Finish what is under way and end (SIGTERM, SIGINT).
    Stop,
}

/// Where orders come from.
#[derive(Debug)]
pub enum Signals {
    /// A sender; each message asks to stop, and so does its end.
    Channel(mpsc::UnboundedReceiver<()>),
    /// The signals of this process.
    Process,
}

/// Orders as they come in.
pub(super) enum Orders {
    Channel(mpsc::UnboundedReceiver<()>),
    Process {
        hangup: Signal,
        interrupt: Signal,
        terminate: Signal,
    },
}

impl Orders {
    /// Begins to listen; from here on the process does not end by these signals.
    pub(super) fn new(signals: Signals) -> io::Result<Self> {
        Ok(match signals {
            Signals::Channel(channel) => Self::Channel(channel),
            Signals::Process => Self::Process {
                hangup: signal(SignalKind::hangup())?,
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            },
        })
    }

    /// The next order.
    pub(super) async fn next(&mut self) -> Order {
        match self {
            Self::Channel(channel) => {
                let _ = channel.recv().await;
                Order::Stop
            }
            Self::Process {
                hangup,
                interrupt,
                terminate,
            } => tokio::select! {
                _ = hangup.recv() => Order::Reload,
                _ = interrupt.recv() => Order::Stop,
                _ = terminate.recv() => Order::Stop,
            },
        }
    }
}
