//! A client of HTTP/1.1 that costs little: one request at a time on a connection, answers are counted and not kept.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Header fields that an answer may have.
const FIELDS_MAX: usize = 32;
/// Longest head of an answer in bytes.
const HEAD_MAX: usize = 16 << 10;

/// A connection.
pub(crate) struct Client<S> {
    stream: S,
    host: String,
    buffer: Vec<u8>,
}

impl Client<TcpStream> {
    /// Opens one without TLS.
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::new(stream, address))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Speaks over a stream to `address`.
    pub(crate) fn new(stream: S, address: SocketAddr) -> Self {
        Self {
            stream,
            host: address.to_string(),
            buffer: Vec::with_capacity(HEAD_MAX),
        }
    }

    /// Reads an object; returns the size of its body in bytes. An answer other than 200 is an error, and so is one that
    /// does not say how long it is.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<usize> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("{path}: the connection was closed instead of an answer");
            }
            if let Some((head, body)) = lengths(&self.buffer).with_context(|| path.to_owned())? {
                let left = (head + body).saturating_sub(self.buffer.len());
                self.skip(left).await.with_context(|| path.to_owned())?;
                return Ok(body);
            }
        }
    }

    async fn skip(&mut self, mut left: usize) -> anyhow::Result<()> {
        while left > 0 {
            self.buffer.clear();
            match self.stream.read_buf(&mut self.buffer).await? {
                0 => bail!("the connection was closed within an answer"),
                read => left = left.saturating_sub(read),
            }
        }
        Ok(())
    }

    /// Ends the connection, as its protocol wants it to be ended.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        Ok(self.stream.shutdown().await?)
    }
}

/// Bytes of an answer's head and body; `None` while the head is incomplete.
fn lengths(received: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut answer = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = answer.parse(received)? else {
        if received.len() >= HEAD_MAX {
            bail!("the head of the answer is longer than {HEAD_MAX} bytes");
        }
        return Ok(None);
    };
    if answer.code != Some(200) {
        bail!("the answer's status is {}", answer.code.unwrap_or_default());
    }
    let mut fields = answer.headers.iter();
    let length = fields.find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|field| std::str::from_utf8(field.value).ok()?.trim().parse().ok());
    let body = length.context("the answer does not say how long it is")?;
    Ok(Some((head, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_measured() {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\nContent-Length: 5\r\n\r\n";
        let cases = [
            (format!("{head}hello"), Some((head.len(), 5))),
            (head.to_owned(), Some((head.len(), 5))),
            (head[..head.len() - 1].to_owned(), None),
            (String::new(), None),
        ];
        for (received, expected) in cases {
            assert_eq!(lengths(received.as_bytes()).unwrap(), expected, "{received:?}");
        }
    }

    #[test]
    fn other_answers_are_errors() {
        let cases = [
            (
                "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned(),
                "the answer's status is 503",
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
                "the answer does not say how long it is",
            ),
            ("nonsense".to_owned(), "invalid HTTP version"),
            (
                format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(HEAD_MAX)),
                "the head of the answer is longer than 16384 bytes",
            ),
        ];
        for (received, expected) in cases {
            assert_eq!(lengths(received.as_bytes()).unwrap_err().to_string(), expected);
        }
    }

    #[tokio::test]
    async fn reads_one_answer_after_another() {
        let (near, mut far) = tokio::io::duplex(64);
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let server = tokio::spawn(async move {
            let body = "b".repeat(100);
            for _ in 0..2 {
                let mut request = vec![0; "GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n".len()];
                far.read_exact(&mut request).await.unwrap();
                let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{body}");
                far.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let mut client = Client::new(near, address);
        assert_eq!(client.get("/a").await.unwrap(), 100);
        assert_eq!(client.get("/a").await.unwrap(), 100);
        server.await.unwrap();
        let error = client.get("/a").await.unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}
