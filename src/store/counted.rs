//! A thread's handle on the store, with a count of how its operations end.

use super::StoreError;
use super::embedded::EmbeddedStore;
use super::redis::RedisStore;
use crate::metrics::{Metrics, StoreFault};
use std::sync::Arc;
use std::time::Instant;

/// One thread's handle on the store. Every operation is atomic by itself.
///
/// The futures need not be `Send`: each worker thread has its own handle.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) handle: Handle,
    pub(super) metrics: Option<Arc<Metrics>>,
}

#[derive(Clone, Debug)]
pub(super) enum Handle {
    /// On the disk of this machine.
    Embedded(EmbeddedStore),
    /// In Redis.
    Redis(RedisStore),
}

impl Store {
    /// The store in Redis, if it is there.
    pub fn redis(&self) -> Option<&RedisStore> {
        match &self.handle {
            Handle::Embedded(_) => None,
            Handle::Redis(store) => Some(store),
        }
    }

    pub(super) async fn count<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(metrics) = &self.metrics else {
            return operation.await;
        };
        let begun = Instant::now();
        let answer = operation.await;
        let fault = answer.as_ref().err().map(|error| match error {
            StoreError::Corrupt { .. } => StoreFault::Corrupt,
            StoreError::Timeout { .. } => StoreFault::Timeout,
            StoreError::Unavailable(_) => StoreFault::Unavailable,
        });
        metrics.store_answered(begun.elapsed(), fault);
        answer
    }
}
