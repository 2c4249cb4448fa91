//! What a connection does with a stream that is not all plain TCP.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader, DuplexStream, ReadBuf, duplex};

use std::time::Duration;

use tokio::sync::oneshot;

use super::super::command::Command;
use super::super::dial::Dial;
use super::*;

/// Keeps what is written until it is flushed, as TLS may keep the end of it.
struct Keeps {
    to: DuplexStream,
    kept: BytesMut,
}

impl AsyncRead for Keeps {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.to).poll_read(cx, buf)
    }
}

impl AsyncWrite for Keeps {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.kept.put_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while !this.kept.is_empty() {
            match Pin::new(&mut this.to).poll_write(cx, &this.kept) {
                Poll::Ready(Ok(written)) => this.kept.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_stream_keeps_is_flushed() {
    let (ours, theirs) = duplex(16);
    let config = LaneConfig {
        dial: Dial::Unix("unused".into()),
        connect_timeout: Duration::from_secs(1),
        silence_max: Duration::from_secs(1),
        value_bytes_max: 0,
    };
    let stream = Keeps {
        to: ours,
        kept: BytesMut::new(),
    };
    let mut exchange = Exchange::new(Box::new(stream), 1, &config);
    let (queue, mut asked) = mpsc::channel(1);
    let (reply, _coming) = oneshot::channel();
    let request = Command::Get.encode(b"px1:7", 9).unwrap();
    let opaque = Some(9);
    let get = Asked {
        request,
        opaque,
        only_on: None,
        reply: Answer::To(reply),
    };
    queue.try_send(get).ok().unwrap();
    let mut lines = BufReader::new(theirs).lines();
    let gauge = Gauge::default();
    tokio::select! {
        ended = exchange.run(&mut asked, &gauge) => panic!("{ended}"),
        line = lines.next_line() => assert_eq!(line.unwrap().unwrap(), "mg px1:7 v f c t O9"),
    }
}
