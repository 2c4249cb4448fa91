//! HTTP/1 on the wire, as clients of all kinds send it.

use std::time::{Duration, Instant};

use proxima_local::{Scripted, World, answer, raw};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::reads::{small, small_with};

async fn plain() -> (World, Scripted) {
    let origin = Scripted::start(|asked| {
        answer(
            "200 OK",
            &[("cache-control", "max-age=60")],
            &format!("[{}]", asked.what()),
        )
    })
    .await;
    (small(&origin).await, origin)
}

/// Sends bytes and reads until the proxy closes or falls silent.
async fn talk(world: &World, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(world.regions()[0].proxy().http_address())
        .await
        .unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    while let Ok(Ok(1..)) =
        tokio::time::timeout(Duration::from_millis(500), socket.read_buf(&mut answer)).await
    {}
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (world, _origin) = plain().await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let said = talk(
        &world,
        [get("/1"), get("/2"), get("/1"), get("/2")].concat().as_bytes(),
    )
    .await;
    let bodies: Vec<_> = said
        .match_indices("[GET /")
        .map(|(at, _)| &said[at..at + 8])
        .collect();
    assert_eq!(bodies, ["[GET /1]", "[GET /2]", "[GET /1]", "[GET /2]"]);
    assert_eq!(said.matches("; hit; ").count(), 2, "{said}");
}

#[tokio::test]
async fn a_read_after_a_write_on_one_connection() {
    let (world, _origin) = plain().await;
    let mut socket = TcpStream::connect(world.regions()[0].proxy().http_address())
        .await
        .unwrap();
    for (request, expected) in [
        ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "fwd=uri-miss"),
        (
            "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            "fwd=method",
        ),
        ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "fwd=uri-miss"),
        ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "hit"),
    ] {
        // without positions, what was fetched within the millisecond of a write counts as before it
        tokio::time::sleep(Duration::from_millis(5)).await;
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        while !said.ends_with(b"]") {
            assert_ne!(
                socket.read_buf(&mut said).await.unwrap(),
                0,
                "{request}: the connection was closed"
            );
        }
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(expected), "{request}: {said}");
    }
}

#[tokio::test]
async fn http_1_0_clients_get_bodies_that_end() {
    let origin = Scripted::start(|_| {
        raw("HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    })
    .await;
    let world = small(&origin).await;
    let said = talk(&world, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
    assert!(
        said.ends_with("\r\n\r\nhello") && !said.contains("chunked"),
        "{said}"
    );
    assert!(said.contains("connection: close"));
    let said = talk(&world, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(
        said.contains("content-length: 5") && said.contains("; hit; "),
        "stored whole: {said}"
    );
}

#[tokio::test]
async fn ambiguous_requests_are_refused_and_the_connection_closed() {
    let (world, origin) = plain().await;
    for (request, status) in [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            400,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            400,
        ),
        ("POST / HTTP/1.1\r\nHost: a/b\r\nContent-Length: 0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("POST /%zz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("\x16\x03\x01 not HTTP at all\r\n\r\n", 400),
    ] {
        let follow = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        let said = talk(&world, format!("{request}{follow}").as_bytes()).await;
        assert!(
            said.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:?}: {said}"
        );
        assert!(
            !said.contains("smuggled"),
            "{request:?} let another request through: {said}"
        );
    }
    assert_eq!(origin.asked(), 0, "no origin saw any of it");
}

#[tokio::test]
async fn heads_that_are_too_large_or_too_slow_are_cut() {
    let origin = Scripted::start(|_| answer("200 OK", &[], "")).await;
    let config = "server.header_timeout = '500ms'\nserver.max_header = '8 KiB'";
    let world = small_with(&origin, config).await;
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(9000));
    assert!(talk(&world, large.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let endless = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(20_000));
    assert!(
        talk(&world, endless.as_bytes())
            .await
            .starts_with("HTTP/1.1 431 ")
    );
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(8192));
    let said = talk(&world, long.as_bytes()).await;
    assert!(
        said.starts_with("HTTP/1.1 414 ") || said.starts_with("HTTP/1.1 431 "),
        "{said}"
    );
    let mut slow = TcpStream::connect(world.regions()[0].proxy().http_address())
        .await
        .unwrap();
    let started = Instant::now();
    for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
        if slow.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        if started.elapsed() > Duration::from_millis(900) {
            break;
        }
    }
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(2), slow.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(
        String::from_utf8_lossy(&said).starts_with("HTTP/1.1 408 "),
        "one byte at a time is too slow"
    );
}

#[tokio::test]
async fn informational_and_bodyless_answers() {
    let origin = Scripted::start(|asked| match asked.what() {
        "GET /hints" => raw(
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncache-control: max-age=9\r\n\
             content-length: 2\r\n\r\nok",
        ),
        _ => raw("HTTP/1.1 204 No Content\r\ncache-control: max-age=9\r\n\r\n"),
    })
    .await;
    let world = small(&origin).await;
    let hint = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    for before in [hint, ""] {
        let said = talk(&world, b"GET /hints HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = said.strip_prefix(before).unwrap_or_default();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nok"),
            "{said}"
        );
        let said = talk(&world, b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(
            said.starts_with("HTTP/1.1 204 No Content") && said.ends_with("\r\n\r\n"),
            "{said}"
        );
        assert!(
            !said.contains("content-length") && !said.contains("chunked"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_slow_body_reaches_the_client_as_it_comes() {
    let origin = Scripted::start(|_| {
        let first =
            "HTTP/1.1 200 OK\r\ncache-control: max-age=9\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        raw(first).then(Duration::from_secs(2), "6\r\nsecond\r\n0\r\n\r\n")
    })
    .await;
    let world = small(&origin).await;
    let started = Instant::now();
    let mut answer = world
        .client()
        .get(crate::reads::url(&world, "/"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "first");
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "the first piece did not wait for the second"
    );
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "second");
}
