//! HTTP/2 stream by stream: what a client that sees every frame is sent.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use proxima_local::{Scripted, World, answer, raw};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::reads::{small, small_with};

const LONG_AGO: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const MIB: usize = 1 << 20;

/// Opens a connection to the first proxy of a world.
async fn connect(world: &World) -> SendRequest<Bytes> {
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(world.ca().pem().as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let mut config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(world.regions()[0].proxy().https_address())
        .await
        .unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = connector
        .connect("localhost".try_into().unwrap(), socket)
        .await
        .unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client
}

fn request(method: Method, path: &str) -> Request<()> {
    let uri = format!("https://localhost{path}");
    Request::builder().method(method).uri(uri).body(()).unwrap()
}

/// Sends a request; with `end` it has no body.
async fn send(
    client: &SendRequest<Bytes>,
    request: Request<()>,
    end: bool,
) -> (ResponseFuture, SendStream<Bytes>) {
    let mut ready = client.clone().ready().await.unwrap();
    ready.send_request(request, end).unwrap()
}

async fn get(client: &SendRequest<Bytes>, path: &str) -> Response<RecvStream> {
    let (answer, _) = send(client, request(Method::GET, path), true).await;
    answer.await.unwrap()
}

/// Sends a POST whose body is one piece.
async fn post(client: &SendRequest<Bytes>, path: &str) -> ResponseFuture {
    let (answer, mut upload) = send(client, request(Method::POST, path), false).await;
    upload.send_data(Bytes::from_static(b"x"), true).unwrap();
    answer
}

/// Reads a body to its end.
async fn whole(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

#[tokio::test]
async fn the_date_of_an_answer_is_its_origins() {
    let origin = Scripted::start(|asked| match asked.what() {
        "GET /dateless" | "POST /dateless" => answer("200 OK", &[], "now"),
        _ => answer(
            "200 OK",
            &[
                ("date", LONG_AGO),
                ("cache-control", "max-age=2000000000"),
                ("etag", "\"a\""),
            ],
            "then",
        ),
    })
    .await;
    let world = small(&origin).await;
    let client = connect(&world).await;
    let of = |answer: &Response<RecvStream>, name: &str| {
        let values: Vec<_> = answer.headers().get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{name}: {:?}", answer.headers());
        values[0].to_str().unwrap().to_owned()
    };
    assert_eq!(of(&get(&client, "/dated").await, "date"), LONG_AGO, "a miss");
    let hit = get(&client, "/dated").await;
    assert!(of(&hit, "cache-status").contains("; hit"));
    assert_eq!(of(&hit, "date"), LONG_AGO, "a hit");
    assert_eq!(whole(hit.into_body()).await.unwrap(), b"then");
    let mut conditional = request(Method::GET, "/dated");
    conditional
        .headers_mut()
        .insert("if-none-match", "\"a\"".parse().unwrap());
    let (answer, _) = send(&client, conditional, true).await;
    let not_modified = answer.await.unwrap();
    assert_eq!(not_modified.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(of(&not_modified, "date"), LONG_AGO, "a 304");
    let forwarded = post(&client, "/dated").await.await.unwrap();
    assert_eq!(of(&forwarded, "date"), LONG_AGO, "a forwarded answer");
    for answer in [
        get(&client, "/dateless").await,
        post(&client, "/dateless").await.await.unwrap(),
        get(&client, "/%zz").await,
    ] {
        let date = httpdate::parse_http_date(&of(&answer, "date")).unwrap();
        assert!(
            date.elapsed().unwrap_or_default() < Duration::from_secs(60),
            "supplied"
        );
    }
}

#[tokio::test]
async fn informational_responses_of_a_forwarded_request_are_passed_on() {
    let origin = Scripted::start(|_| {
        raw(
            "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n\
             HTTP/1.1 103 Early Hints\r\nlink: </b.css>\r\n\r\n\
             HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok",
        )
    })
    .await;
    let world = small(&origin).await;
    let client = connect(&world).await;
    let mut answer = post(&client, "/").await;
    let mut links = Vec::new();
    while let Some(hint) = poll_fn(|cx| answer.poll_informational(cx)).await {
        let hint = hint.unwrap();
        assert_eq!(hint.status(), StatusCode::EARLY_HINTS);
        assert!(!hint.headers().contains_key("x-hop") && !hint.headers().contains_key("connection"));
        links.push(hint.headers()["link"].to_str().unwrap().to_owned());
    }
    assert_eq!(links, ["</a.css>", "</b.css>"]);
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(whole(answer.into_body()).await.unwrap(), b"ok");
}

#[tokio::test]
async fn an_answer_that_comes_before_the_end_of_its_upload_is_not_held_back() {
    // with no `Content-Length` to wait for, this origin answers as soon as it has the head
    let origin = Scripted::start(|asked| match asked.what() {
        "PUT /large" => answer("413 Content Too Large", &[("connection", "close")], "too large"),
        _ => answer("200 OK", &[], "fine"),
    })
    .await;
    let world = small(&origin).await;
    let client = connect(&world).await;
    let (answer, mut upload) = send(&client, request(Method::PUT, "/large"), false).await;
    upload.send_data(Bytes::from_static(b"first"), false).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(whole(answer.into_body()).await.unwrap(), b"too large");
    // by now the proxy may have no use for the rest
    let _ = upload.send_data(Bytes::from_static(b"last"), true);
    let next = post(&client, "/other").await.await.unwrap();
    assert_eq!(next.status(), StatusCode::OK, "the connection lives");
}

/// An origin that answers GET, and tells all that came on a connection that anything else was asked on, once it ends.
async fn eavesdropper() -> (String, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                while let Ok(1..) = socket.read_buf(&mut bytes).await {
                    if bytes.starts_with(b"GET ") && bytes.ends_with(b"\r\n\r\n") {
                        bytes.clear();
                        let fine = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";
                        socket.write_all(fine).await.unwrap();
                    }
                }
                if !bytes.is_empty() {
                    tell.send(bytes).unwrap();
                }
            });
        }
    });
    (url, told)
}

#[tokio::test]
async fn an_upload_that_its_client_resets_never_looks_whole_to_the_origin() {
    let (origin, mut told) = eavesdropper().await;
    let world = World::builder()
        .regions(&["us-west"])
        .memcached_per_region(0)
        .external_origin(origin);
    let world = world.routes(crate::OBEY).start().await.unwrap();
    let client = connect(&world).await;
    let (answer, mut upload) = send(&client, request(Method::PUT, "/x"), false).await;
    upload
        .send_data(Bytes::from_static(b"first piece"), false)
        .unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    upload.send_reset(Reason::CANCEL);
    assert!(answer.await.is_err());
    let came = tokio::time::timeout(Duration::from_secs(5), told.recv()).await;
    let came = String::from_utf8(came.expect("the proxy let go of the origin").unwrap()).unwrap();
    assert!(
        came.contains("first piece") && !came.ends_with("0\r\n\r\n"),
        "{came}"
    );
    let next = get(&client, "/y").await;
    assert_eq!(next.status(), StatusCode::OK, "the connection lives");
}

#[tokio::test]
async fn half_a_body_is_not_taken_for_a_whole_one() {
    let origin = Scripted::start(|_| {
        raw("HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 100\r\n\r\nhalf")
            .then(Duration::from_millis(200), "")
            .close()
    })
    .await;
    let world = small(&origin).await;
    let client = connect(&world).await;
    let broken = whole(get(&client, "/read").await.into_body()).await.unwrap_err();
    assert_eq!(broken.reason(), Some(Reason::INTERNAL_ERROR));
    let forwarded = post(&client, "/forwarded").await.await.unwrap();
    let broken = whole(forwarded.into_body()).await.unwrap_err();
    assert!(broken.is_reset(), "{broken}");
}

#[tokio::test]
async fn a_client_takes_a_large_body_at_its_own_pace_but_not_for_ever() {
    let body = "x".repeat(MIB);
    let large = body.clone();
    let origin = Scripted::start(move |_| answer("200 OK", &[("cache-control", "max-age=60")], &large)).await;
    let world = small_with(&origin, "server.body_timeout = '1s'").await;
    let client = connect(&world).await;
    assert_eq!(
        whole(get(&client, "/").await.into_body()).await.unwrap().len(),
        MIB
    );
    let hit = get(&client, "/").await;
    assert_eq!(hit.headers()["content-length"], MIB.to_string());
    let mut slow = hit.into_body();
    let mut bytes = 0;
    while let Some(data) = slow.data().await {
        let data = data.unwrap();
        bytes += data.len();
        tokio::time::sleep(Duration::from_millis(20)).await;
        slow.flow_control().release_capacity(data.len()).unwrap();
    }
    assert_eq!(bytes, MIB);
    // a connection of its own: what this client leaves unread fills the window that all its streams share
    let mut stuck = get(&connect(&world).await, "/").await.into_body();
    let cut = async {
        loop {
            match stuck.data().await {
                Some(Ok(_)) => {} // and no room is made for more
                other => return other,
            }
        }
    };
    let cut = tokio::time::timeout(Duration::from_secs(5), cut).await.unwrap();
    assert!(cut.is_some_and(|cut| cut.is_err()), "the stream was reset");
}

#[tokio::test]
async fn malformed_requests_are_refused_and_many_cost_the_connection() {
    let origin = Scripted::start(|_| answer("200 OK", &[], "")).await;
    let world = small(&origin).await;
    let client = connect(&world).await;
    let refused = async || {
        let mut malformed = request(Method::POST, "/");
        let headers: &mut HeaderMap = malformed.headers_mut();
        headers.insert("host", "other.example".parse().unwrap());
        let (answer, _) = client.clone().ready().await?.send_request(malformed, true)?;
        answer.await
    };
    assert_eq!(refused().await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(get(&client, "/").await.status(), StatusCode::OK);
    let mut more = 0;
    while refused().await.is_ok() {
        more += 1;
        assert!(more < 100, "a client may go on for ever");
    }
    assert!(more >= 16, "{more}");
    assert_eq!(origin.asked(), 1, "only what is well formed was passed on");
}
