//! Gathered writes: several small buffers in one system call.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncWrite, ReadBuf};

/// How many bytes are copied to be written as one piece.
const MOST_COPIED: usize = 4096;

/// Writes `pieces` as `poll_write_vectored` does. Small ones are copied into one buffer: a copy costs less
/// than `writev`. Large ones are not copied, to save the memory.
pub(super) fn poll_write_gathered<S: AsyncWrite>(
    stream: Pin<&mut S>,
    cx: &mut Context<'_>,
    pieces: &[io::IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if let [only] = pieces {
        return stream.poll_write(cx, only);
    }
    let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
    if bytes > MOST_COPIED {
        return stream.poll_write_vectored(cx, pieces);
    }
    // Not initialized: to clear 4 KiB for each write would be wasted.
    let mut space = [MaybeUninit::uninit(); MOST_COPIED];
    let mut copy = ReadBuf::uninit(&mut space);
    for piece in pieces {
        copy.put_slice(piece);
    }
    stream.poll_write(cx, copy.filled())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::IoSlice;
    use std::task::Waker;

    /// Takes at most `takes` bytes of a write, and nothing where that is `None`.
    struct Sink {
        takes: Option<usize>,
        written: Vec<u8>,
        single: usize,
        vectored: usize,
    }

    impl Sink {
        fn taking(takes: Option<usize>) -> Self {
            Self {
                takes,
                written: Vec::new(),
                single: 0,
                vectored: 0,
            }
        }

        fn write(&mut self, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
            let mut cx = Context::from_waker(Waker::noop());
            poll_write_gathered(Pin::new(self), &mut cx, pieces)
        }

        fn take(&mut self, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
            let Some(takes) = self.takes else {
                return Poll::Pending;
            };
            let all = pieces.iter().flat_map(|piece| piece.iter());
            let before = self.written.len();
            self.written.extend(all.take(takes));
            Poll::Ready(Ok(self.written.len() - before))
        }
    }

    impl AsyncWrite for Sink {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.single += 1;
            self.take(&[IoSlice::new(buf)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.vectored += 1;
            self.take(bufs)
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Writes all of `content`, cut into pieces of these lengths, as hyper does: from where the last
    /// write ended.
    fn write_all(sink: &mut Sink, content: &[u8], lengths: &[usize]) {
        let mut rest = content;
        let mut pieces: Vec<_> = lengths
            .iter()
            .map(|length| IoSlice::new(rest.split_off(..*length).unwrap()))
            .collect();
        let mut pieces = &mut pieces[..];
        let mut left = content.len();
        while left > 0 {
            let Poll::Ready(Ok(wrote)) = sink.write(pieces) else {
                panic!("the sink takes everything");
            };
            assert!(wrote > 0);
            left -= wrote;
            IoSlice::advance_slices(&mut pieces, wrote);
        }
    }

    fn content(bytes: usize) -> Vec<u8> {
        (0..=250).cycle().take(bytes).collect()
    }

    #[test]
    fn small_pieces_go_in_one_write() {
        let content = content(MOST_COPIED);
        let lengths = [vec![0, 1, 0, 0, 63], vec![16; 252], vec![0]].concat();
        let mut sink = Sink::taking(Some(usize::MAX));
        write_all(&mut sink, &content, &lengths);
        assert_eq!(sink.written, content);
        assert_eq!((sink.single, sink.vectored), (1, 0));
    }

    #[test]
    fn what_is_large_is_not_copied() {
        let content = content(MOST_COPIED + 1);
        let mut sink = Sink::taking(Some(usize::MAX));
        write_all(&mut sink, &content, &[100, MOST_COPIED - 99]);
        assert_eq!((sink.single, sink.vectored), (0, 1));
        write_all(&mut sink, &content, &[content.len()]);
        assert_eq!((sink.single, sink.vectored), (1, 1));
        assert_eq!(sink.written, content.repeat(2));
    }

    #[test]
    fn what_was_not_taken_is_written_the_next_time() {
        for takes in [1, 7, 100, 4095] {
            let content = content(3 * MOST_COPIED);
            let mut sink = Sink::taking(Some(takes));
            write_all(&mut sink, &content, &[10, 0, 90, 8_000, 0, 4_188]);
            assert_eq!(sink.written, content, "{takes}");
        }
    }

    #[test]
    fn nothing_is_nothing_and_a_full_stream_is_waited_for() {
        let mut sink = Sink::taking(Some(usize::MAX));
        let empty = [IoSlice::new(&[]), IoSlice::new(&[])];
        assert!(matches!(sink.write(&[]), Poll::Ready(Ok(0))));
        assert!(matches!(sink.write(&empty), Poll::Ready(Ok(0))));
        let mut full = Sink::taking(None);
        for pieces in [vec![b"a"], vec![b"a", b"b"]] {
            let pieces: Vec<_> = pieces.iter().map(|piece| IoSlice::new(*piece)).collect();
            assert!(full.write(&pieces).is_pending());
        }
    }
}
