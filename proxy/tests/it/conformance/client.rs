//! Clients that hide nothing: interim responses, repeated fields, trailers and broken bodies are seen as they come.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Request, Version};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(super) type Fields = Vec<(String, String)>;

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case, in the order in which they came.
    pub(super) fields: Fields,
    pub(super) body: Vec<u8>,
    pub(super) interim: Vec<(u16, Fields)>,
    pub(super) trailers: Fields,
    /// Why the body ended before its end.
    pub(super) broken: Option<String>,
    /// Bytes that belong to no answer.
    pub(super) surplus: usize,
}

impl Answer {
    pub(super) fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self
            .fields
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.as_str())
    }

    /// All lines of a field, as one value.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let lines: Vec<_> = self.lines(name).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request as it is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) authority: String,
    pub(super) target: String,
    pub(super) fields: Fields,
    pub(super) body: Option<String>,
}

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// How clients connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1 on the plain listener.
    H1,
    /// HTTP/1.1 in TLS.
    H1Tls,
    H2,
}

/// Connects to proxies whose certificates `ca_pem` has signed.
#[derive(Clone)]
pub(super) struct Connector {
    h1: TlsConnector,
    h2: TlsConnector,
}

impl Connector {
    pub(super) fn new(ca_pem: &str) -> Self {
        let tls = |protocol: &[u8]| {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
                .unwrap();
            let mut config = ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Self {
            h1: tls(b"http/1.1"),
            h2: tls(b"h2"),
        }
    }

    /// A connection for one request.
    pub(super) async fn ask(
        &self,
        protocol: Protocol,
        plain: SocketAddr,
        tls: SocketAddr,
        ask: &Ask,
    ) -> Result<Answer, String> {
        let exchange = async {
            match protocol {
                Protocol::H1 => h1(Box::new(connect(plain).await?), ask).await,
                Protocol::H1Tls => h1(Box::new(self.tls(&self.h1, tls).await?), ask).await,
                Protocol::H2 => h2(self.tls(&self.h2, tls).await?, ask).await,
            }
        };
        tokio::time::timeout(super::ANSWER_TIMEOUT, exchange)
            .await
            .unwrap_or_else(|_| Err("no answer in time".into()))
    }

    async fn tls(
        &self,
        connector: &TlsConnector,
        to: SocketAddr,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
        let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
        let socket = connect(to).await?;
        connector
            .connect(name, socket)
            .await
            .map_err(|error| format!("TLS: {error}"))
    }
}

async fn connect(to: SocketAddr) -> Result<TcpStream, String> {
    let socket = TcpStream::connect(to)
        .await
        .map_err(|error| format!("connect: {error}"))?;
    socket.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(socket)
}

async fn h1(mut wire: Box<dyn Wire>, ask: &Ask) -> Result<Answer, String> {
    let mut text = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\n",
        ask.method, ask.target, ask.authority
    );
    for (name, value) in &ask.fields {
        text += &format!("{name}: {value}\r\n");
    }
    if let Some(body) = &ask.body {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text += "\r\n";
    text += ask.body.as_deref().unwrap_or_default();
    wire.write_all(text.as_bytes())
        .await
        .map_err(|error| format!("send: {error}"))?;
    let mut input = Input {
        wire,
        pending: BytesMut::new(),
    };
    let mut answer = Answer::default();
    loop {
        let (status, fields) = input.head().await?;
        if (100..200).contains(&status) {
            answer.interim.push((status, fields));
            continue;
        }
        (answer.status, answer.fields) = (status, fields);
        break;
    }
    if ask.method != "HEAD" && !matches!(answer.status, 204 | 304) {
        answer.broken = input.body(&mut answer).await.err();
    }
    answer.surplus = input.pending.len();
    Ok(answer)
}

struct Input {
    wire: Box<dyn Wire>,
    pending: BytesMut,
}

impl Input {
    async fn more(&mut self) -> Result<(), String> {
        match self.wire.read_buf(&mut self.pending).await {
            Ok(0) => Err("the connection was closed".into()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn head(&mut self) -> Result<(u16, Fields), String> {
        loop {
            let mut lines = [httparse::EMPTY_HEADER; 100];
            let mut head = httparse::Response::new(&mut lines);
            let parsed = head
                .parse(&self.pending)
                .map_err(|error| format!("the head: {error}"))?;
            if let httparse::Status::Complete(length) = parsed {
                let status = head.code.unwrap_or_default();
                let fields = owned(head.headers);
                let _ = self.pending.split_to(length);
                return Ok((status, fields));
            }
            self.more().await?;
        }
    }

    async fn body(&mut self, answer: &mut Answer) -> Result<(), String> {
        let chunked = answer.field("transfer-encoding").is_some();
        let length = answer.field("content-length");
        if chunked {
            while let Some(chunk) = self.chunk().await? {
                answer.body.extend_from_slice(&chunk);
            }
            answer.trailers = self.trailers().await?;
            return Ok(());
        }
        let Some(length) = length else {
            while self.more().await.is_ok() {}
            answer.body = self.pending.split().to_vec();
            return Ok(());
        };
        let length: usize = length
            .parse()
            .map_err(|_| format!("Content-Length is {length}"))?;
        while self.pending.len() < length {
            if let Err(error) = self.more().await {
                answer.body = self.pending.split().to_vec();
                return Err(error);
            }
        }
        answer.body = self.pending.split_to(length).to_vec();
        Ok(())
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.pending.windows(2).position(|two| two == b"\r\n") {
                let line = self.pending.split_to(end + 2);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.more().await?;
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        let size = self.line().await?;
        let size = usize::from_str_radix(&size, 16).map_err(|_| format!("a chunk of size `{size}`"))?;
        if size == 0 {
            return Ok(None);
        }
        while self.pending.len() < size + 2 {
            self.more().await?;
        }
        let chunk = self.pending.split_to(size).freeze();
        if self.pending.split_to(2) != "\r\n" {
            return Err("a chunk does not end with its size".into());
        }
        Ok(Some(chunk))
    }

    async fn trailers(&mut self) -> Result<Fields, String> {
        let mut trailers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else {
                return if line.is_empty() {
                    Ok(trailers)
                } else {
                    Err(format!("trailer `{line}`"))
                };
            };
            trailers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}

fn owned(lines: &[httparse::Header<'_>]) -> Fields {
    let line = |line: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(line.value).into_owned();
        (line.name.to_ascii_lowercase(), value)
    };
    lines.iter().map(line).collect()
}

async fn h2(wire: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, ask: &Ask) -> Result<Answer, String> {
    let error = |error: h2::Error| error.to_string();
    let (send, connection) = h2::client::handshake(wire).await.map_err(error)?;
    let connection = tokio::spawn(connection);
    let answer = h2_exchange(send, ask).await;
    connection.abort();
    answer
}

async fn h2_exchange(send: h2::client::SendRequest<Bytes>, ask: &Ask) -> Result<Answer, String> {
    let error = |error: h2::Error| error.to_string();
    let mut send = send.ready().await.map_err(error)?;
    let mut request = Request::builder()
        .version(Version::HTTP_2)
        .method(ask.method.as_str())
        .uri(format!("https://{}{}", ask.authority, ask.target));
    for (name, value) in &ask.fields {
        request = request.header(name.to_ascii_lowercase(), value);
    }
    if let Some(body) = &ask.body {
        request = request.header("content-length", body.len());
    }
    let request = request.body(()).map_err(|error| error.to_string())?;
    let (response, mut upload) = send.send_request(request, ask.body.is_none()).map_err(error)?;
    if let Some(body) = &ask.body {
        upload.send_data(Bytes::from(body.clone()), true).map_err(error)?;
    }
    let mut answer = Answer::default();
    let response = h2_final(response, &mut answer.interim).await?;
    answer.status = response.status().as_u16();
    answer.fields = fields(response.headers());
    let mut body = response.into_body();
    while let Some(chunk) = body.data().await {
        match chunk {
            Ok(chunk) => {
                let _ = body.flow_control().release_capacity(chunk.len());
                answer.body.extend_from_slice(&chunk);
            }
            Err(error) => {
                answer.broken = Some(error.to_string());
                return Ok(answer);
            }
        }
    }
    let trailers = body.trailers().await.map_err(error)?;
    answer.trailers = trailers.as_ref().map(fields).unwrap_or_default();
    Ok(answer)
}

/// Waits for the final response, and notes those that come before.
async fn h2_final(
    mut response: h2::client::ResponseFuture,
    interim: &mut Vec<(u16, Fields)>,
) -> Result<http::Response<h2::RecvStream>, String> {
    std::future::poll_fn(|context| {
        while let std::task::Poll::Ready(Some(early)) = response.poll_informational(context) {
            match early {
                Ok(early) => interim.push((early.status().as_u16(), fields(early.headers()))),
                Err(error) => return std::task::Poll::Ready(Err(error.to_string())),
            }
        }
        std::pin::Pin::new(&mut response)
            .poll(context)
            .map_err(|error| error.to_string())
    })
    .await
}

fn fields(map: &http::HeaderMap) -> Fields {
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    };
    map.iter().map(field).collect()
}
