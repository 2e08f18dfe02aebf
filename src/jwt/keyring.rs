//! The keys of an issuer as they are now: a thread of its own reads them, at the start, by a period, and when
//! a token names one that is not known.

use super::discovery::{Discovery, DiscoveryError};
use super::error::TokenError;
use super::issuer_keys::{IssuerKeys, IssuerKeysError, SharedKeys};
use crate::telemetry::chain;
use crate::transport::document::{DocumentError, DocumentUrl};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// Where the keys are, and how often they are read.
#[derive(Clone, Debug)]
pub struct KeyringOptions {
    /// Where they are.
    pub place: KeyPlace,
    /// How often they are read.
    pub refresh: Duration,
    /// How long after one attempt there is no other, whatever tokens come.
    pub retry: Duration,
    /// How long an attempt may take.
    pub deadline: Duration,
}

/// Where keys are.
#[derive(Clone, Debug)]
pub enum KeyPlace {
    /// Where the issuer says that they are.
    Discovered(Discovery),
    /// In a file, which may hold shared secrets.
    File(PathBuf),
    /// At a URL, with public keys.
    Url(DocumentUrl),
}

/// The keys of an issuer.
#[derive(Debug)]
pub struct Keyring {
    options: KeyringOptions,
    reading: OnceLock<KeyThread>,
}

/// The thread that reads the keys.
#[derive(Debug)]
struct KeyThread {
    state: watch::Receiver<KeyringState>,
    wish: mpsc::Sender<()>,
}

#[derive(Clone, Debug, Default)]
struct KeyringState {
    /// The last that were read; they are kept while no others can be had.
    keys: Option<Arc<IssuerKeys>>,
    /// When they were last asked for, and whether they came.
    tried: Option<(Instant, bool)>,
}

/// Why keys cannot be had.
#[derive(Debug, thiserror::Error)]
enum KeyringError {
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("the file cannot be read")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    IssuerKeys(#[from] IssuerKeysError),
}

impl Keyring {
    /// Nothing is read before it is started.
    pub fn new(options: KeyringOptions) -> Self {
        Self {
            options,
            reading: OnceLock::new(),
        }
    }

    /// Where the keys are.
    pub fn place(&self) -> &KeyPlace {
        &self.options.place
    }

    /// Reads the keys once, apart from all others: for whoever checks the settings. An error says what is wrong.
    pub async fn try_read(&self) -> Result<IssuerKeys, String> {
        let read = self.options.read().await;
        read.map_err(|error| chain(&error))
    }

    /// Begins to read the keys, unless it has begun.
    pub(crate) fn start(&self) {
        self.reading();
    }

    /// Keys among which one is that is named so, if there is any.
    pub(crate) async fn keys(&self, id: Option<&str>) -> Result<Arc<IssuerKeys>, TokenError> {
        let reading = self.reading();
        let mut seen = reading.state.clone();
        let until = self.options.deadline + Duration::from_millis(500);
        let found = async {
            loop {
                let state = seen.borrow_and_update().clone();
                let known = state.keys.filter(|keys| keys.knows(id));
                let (tried, came) = state.tried.unzip();
                let is_recent = tried.is_some_and(|at| at.elapsed() < self.options.retry);
                match (known, came) {
                    (Some(keys), _) => return Ok(keys),
                    (None, Some(true)) if is_recent => return Err(TokenError::UnknownKey),
                    (None, Some(false)) if is_recent => return Err(TokenError::KeysUnavailable),
                    (None, _) => {}
                }
                // One that is full holds a wish already.
                let _ = reading.wish.try_send(());
                // An error: the thread is gone.
                let changed = seen.changed().await;
                changed.map_err(|_| TokenError::KeysUnavailable)?;
            }
        };
        let found = timeout(until, found).await;
        found.unwrap_or(Err(TokenError::KeysUnavailable))
    }

    fn reading(&self) -> &KeyThread {
        self.reading.get_or_init(|| {
            // A thread and not a task: workers come and go by themselves, and one fetch serves all.
            let (tell, state) = watch::channel(KeyringState::default());
            let (wish, wishes) = mpsc::channel(1);
            let options = self.options.clone();
            let work = move || {
                let runtime = Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(read_on(&options, &tell, wishes)),
                    Err(error) => tracing::error!(%error, "the keys of tokens cannot be read"),
                }
            };
            let thread = thread::Builder::new().name("token-keys".to_owned());
            if let Err(error) = thread.spawn(work) {
                tracing::error!(%error, "the keys of tokens cannot be read");
            }
            KeyThread { state, wish }
        })
    }
}

/// Reads the keys again and again, until nobody is left who could want them.
async fn read_on(
    options: &KeyringOptions,
    tell: &watch::Sender<KeyringState>,
    mut wishes: mpsc::Receiver<()>,
) {
    loop {
        let read = options.read().await;
        let came = read.is_ok();
        tell.send_modify(|state| {
            state.tried = Some((Instant::now(), came));
            match read {
                Ok(keys) => state.keys = Some(Arc::new(keys)),
                Err(error) => {
                    let (cause, kept) = (chain(&error), state.keys.is_some());
                    tracing::warn!(cause, kept, "the keys of tokens cannot be had");
                }
            }
        });
        // A wish from before is granted by now; the next is not, before its time.
        let _ = wishes.try_recv();
        tokio::time::sleep(options.retry).await;
        let rest = options.refresh.saturating_sub(options.retry);
        let rest = if came { rest } else { Duration::ZERO };
        if let Ok(None) = timeout(rest, wishes.recv()).await {
            return;
        }
    }
}

impl KeyringOptions {
    async fn read(&self) -> Result<IssuerKeys, KeyringError> {
        match &self.place {
            KeyPlace::Discovered(discovery) => {
                let (provider, text) = discovery.read(self.deadline).await?;
                let mut keys = IssuerKeys::parse(&text, SharedKeys::Refused)?;
                keys.provider = Some(provider);
                Ok(keys)
            }
            KeyPlace::File(path) => {
                let read = timeout(self.deadline, tokio::fs::read(path)).await;
                let late = || std::io::Error::from(std::io::ErrorKind::TimedOut);
                let text = read.unwrap_or_else(|_| Err(late()))?;
                Ok(IssuerKeys::parse(&text, SharedKeys::Taken)?)
            }
            KeyPlace::Url(url) => {
                // What anybody may read is no secret that only the issuer knows.
                let text = url.get(self.deadline).await?;
                Ok(IssuerKeys::parse(&text, SharedKeys::Refused)?)
            }
        }
    }
}

impl IssuerKeys {
    /// The keys of a file, for whoever checks the settings.
    pub fn of_file(text: &[u8]) -> Result<Self, IssuerKeysError> {
        Self::parse(text, SharedKeys::Taken)
    }
}
