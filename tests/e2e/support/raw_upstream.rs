//! A server that writes what no HTTP library would.

use super::PATIENCE;
use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A server that knows no HTTP: on its n-th connection it waits for a head, plays the n-th script
/// (the last one from then on), and closes. For answers that no HTTP library would write.
pub(crate) struct RawUpstream {
    addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    _task: tokio::task::JoinHandle<()>,
}

/// What a [`RawUpstream`] does after a head has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Writes bytes.
    Write(&'static str),
    /// Waits for another head on the same connection.
    Await,
    /// Waits until the test goes on.
    Heed(&'static Notify),
    /// Holds the connection open without a word.
    Hold,
}

impl RawUpstream {
    /// Starts one on the test's own runtime.
    pub(crate) async fn start(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let script = scripts[number.min(scripts.len() - 1)].clone();
                number += 1;
                tokio::spawn(play(stream, script, Arc::clone(&noted)));
            }
        });
        Self {
            addr,
            heads,
            _task: task,
        }
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The heads that came, byte for byte, with what came in the same breath.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Display for RawUpstream {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr)
    }
}

async fn play(mut stream: TcpStream, script: Vec<Act>, heads: Arc<Mutex<Vec<String>>>) {
    let script = std::iter::once(Act::Await).chain(script);
    for act in script {
        match act {
            Act::Await => {
                let mut head = Vec::new();
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    if !matches!(stream.read_buf(&mut head).await, Ok(1..)) {
                        return;
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                heads.lock().unwrap().push(head);
            }
            Act::Write(bytes) => {
                if stream.write_all(bytes.as_bytes()).await.is_err() {
                    return;
                }
            }
            Act::Heed(notice) => notice.notified().await,
            Act::Hold => tokio::time::sleep(PATIENCE * 4).await,
        }
    }
}
