//! The thread that serves the admin endpoints: one of its own, so that it answers while those that serve
//! requests are busy or hang, until the last of them has ended.

use super::error::AppError;
use crate::admin::{Admin, AdminAddress, AdminSettings, AdminSocket, Stage, serve};
use crate::proxy::SharedProxy;
use crate::store::StoreSource;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// The socket, open, with what is served on it.
#[derive(Debug)]
pub(super) struct AdminListener {
    admin: Arc<Admin>,
    socket: AdminSocket,
    notice: Duration,
}

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct AdminThread {
    admin: Arc<Admin>,
    address: AdminAddress,
    notice: Duration,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl AdminListener {
    /// Opens the socket.
    pub(super) fn open(settings: &AdminSettings, shared: &SharedProxy) -> Result<Self, AppError> {
        let socket = AdminSocket::bind(&settings.address).map_err(|source| AppError::Admin {
            address: settings.address.clone(),
            source,
        })?;
        let admin = Admin::new(
            shared.metrics.clone(),
            shared.sessions.audit.clone(),
            shared.connection_limit.clone(),
            shared.upstream_open.clone(),
            shared.upstream_pinned.clone(),
            shared.sessions.clock.clone(),
        );
        Ok(Self {
            admin: Arc::new(admin),
            socket,
            notice: settings.drain_delay,
        })
    }

    /// Starts the thread, with a store handle of its own.
    pub(super) fn serve(self, store: &StoreSource) -> Result<AdminThread, AppError> {
        let address = self.socket.address().clone();
        let (stop, stopped) = oneshot::channel();
        let (admin, store, socket) = (self.admin.clone(), store.clone(), self.socket);
        let work = move || {
            let ended = Builder::new_current_thread()
                .enable_all()
                .build_local(<_>::default())
                .and_then(|runtime| {
                    runtime.block_on(async {
                        tokio::select! {
                            served = serve(admin, store.handle(), socket) => served,
                            _ = stopped => Ok(()),
                        }
                    })
                });
            report(ended);
        };
        let thread = thread::Builder::new().name("admin".to_owned());
        let thread = thread.spawn(work).map_err(AppError::Thread)?;
        Ok(AdminThread {
            admin: self.admin,
            address,
            notice: self.notice,
            running: Some((stop, thread)),
        })
    }
}

impl AdminThread {
    /// Where it listens: the address of the settings, with the port that was free.
    pub(super) fn address(&self) -> &AdminAddress {
        &self.address
    }

    /// What readiness tells from now on.
    pub(super) fn enter(&self, stage: Stage) {
        self.admin.enter(stage);
    }

    /// Is not ready any more; returns how long others have to notice it.
    pub(super) fn drain(&self) -> Duration {
        self.enter(Stage::Draining);
        self.notice
    }
}

impl Drop for AdminThread {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            // A thread that has ended does not receive it, and has logged why.
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

fn report(ended: io::Result<()>) {
    if let Err(error) = ended {
        tracing::error!(%error, "the admin endpoints are not served any more");
    }
}
