//! Bytes on a socket, as no well-behaved client would send them.

use super::soon;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection on which every byte is ours.
pub(crate) struct RawConnection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl RawConnection {
    /// Connects.
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let stream = soon("a connection", TcpStream::connect(addr))
            .await
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// Writes; a peer that has closed by now is no failure, what it answered is what counts.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = soon("room to write", self.stream.write_all(bytes.as_ref())).await;
        self
    }

    /// Ends our direction and leaves the other one open.
    pub(crate) async fn finish(&mut self) -> &mut Self {
        let _ = self.stream.shutdown().await;
        self
    }

    /// Reads up to and with `end`; less if the peer closes before.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        loop {
            let found = self
                .unread
                .windows(end.len())
                .position(|window| window == end.as_bytes());
            let taken = match found {
                Some(at) => at + end.len(),
                None if self.read_more().await == 0 => self.unread.len(),
                None => continue,
            };
            let bytes: Vec<u8> = self.unread.drain(..taken).collect();
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }

    /// Reads the head of an answer, its blank line included.
    pub(crate) async fn read_head(&mut self) -> String {
        self.read_until("\r\n\r\n").await
    }

    /// Reads so many bytes; `None` if the peer closes before.
    pub(crate) async fn read_exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unread.len() < count {
            if self.read_more().await == 0 {
                return None;
            }
        }
        Some(self.unread.drain(..count).collect())
    }

    /// Reads until the peer closes.
    pub(crate) async fn read_to_end(&mut self) -> Vec<u8> {
        while self.read_more().await > 0 {}
        std::mem::take(&mut self.unread)
    }

    async fn read_more(&mut self) -> usize {
        let read = soon("an answer", self.stream.read_buf(&mut self.unread)).await;
        // A reset is an end as well, if a rude one.
        read.unwrap_or(0)
    }
}

/// Sends `bytes` and tells all that comes back until the peer closes.
pub(crate) async fn send(addr: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut connection = RawConnection::open(addr).await;
    connection.write(bytes).await;
    String::from_utf8_lossy(&connection.read_to_end().await).into_owned()
}

/// Sends `bytes` and tells the status of the first answer; 0 if the peer closed without one.
pub(crate) async fn status(addr: SocketAddr, bytes: impl AsRef<[u8]>) -> u16 {
    let mut connection = RawConnection::open(addr).await;
    connection.write(bytes).await;
    let head = connection.read_head().await;
    let word = head.split(' ').nth(1).unwrap_or_default();
    word.parse().unwrap_or(0)
}
