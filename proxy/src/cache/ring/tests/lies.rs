//! Whatever a node says, nobody gets bytes that are somebody else's, and nobody waits longer than the deadline.

use std::sync::atomic::Ordering;

use super::liar::{Liar, Lie, opaque, says};
use super::*;

/// Deadline of a look-up here.
const LOOKUP: Duration = Duration::from_millis(150);

/// A ring of a liar and a server that is well.
async fn ring_with(liar: &str, server: &Server) -> Ring {
    let mut config = config(&[liar, &server.address()]);
    config.lookup_timeout = LOOKUP;
    config.connect_timeout = LOOKUP;
    config.fail_after = u32::MAX; // each look-up is to ask the liar
    ring(&config).await
}

fn is_connected(ring: &Ring) -> bool {
    ring.placement.nodes[0]
        .lanes()
        .iter()
        .any(super::super::lane::Lane::is_open)
}

/// Asks the liar twice, and the other node as often.
async fn nothing_is_believed(what: &str, script: impl Fn(u32) -> Lie + Send + Sync + 'static) {
    let server = server().await;
    let liar = Liar::start(move |lines| script(opaque(lines[0]))).await;
    let ring = ring_with(liar.address(), &server).await;
    let good = keys_of(&ring, &server.address()).next().unwrap();
    put(&ring, good, "good").await;
    for hash in keys_of(&ring, liar.address()).take(2) {
        let started = Instant::now();
        let got = ring.get(hash).await;
        assert!(got.is_err(), "{what}: {got:?}");
        assert!(started.elapsed() < LOOKUP * 6, "{what}: {:?}", started.elapsed());
        until(what, async || !is_connected(&ring)).await;
        assert_eq!(held(&ring, good).await.unwrap(), "good", "{what}");
    }
    let node = &ring.placement.nodes[0];
    assert_eq!(node.tally.failures.load(Ordering::Relaxed), 2, "{what}");
    assert!(node.lanes().iter().all(|lane| lane.pending() == 0), "{what}");
}

#[tokio::test]
async fn what_is_no_reply_ends_the_connection() {
    for reply in [
        "what?\r\n",
        "CLIENT_ERROR bad command line format\r\n",
        "ERROR\r\n",
        "VALUE px1:7 0 3\r\nabc\r\nEND\r\n",
        "VA 99999999999 c1\r\n",
        "\r\n",
    ] {
        nothing_is_believed(reply, move |_| says(reply)).await;
    }
    nothing_is_believed("an endless line", |_| says(vec![b'x'; 1 << 20])).await;
}

#[tokio::test]
async fn a_reply_to_something_else_ends_the_connection() {
    nothing_is_believed("another number", |opaque| {
        says(format!("VA 3 c1 f0 t60 O{}\r\nabc\r\n", opaque + 1))
    })
    .await;
    nothing_is_believed("no number", |_| says("VA 3 c1 f0 t60\r\nabc\r\n")).await;
    nothing_is_believed("the answer to mn", |_| says("MN\r\n")).await;
}

#[tokio::test]
async fn a_value_of_another_length_ends_the_connection() {
    nothing_is_believed("shorter", |opaque| {
        says(format!("VA 5 c1 f0 t60 O{opaque}\r\nabc\r\nEN O9\r\n"))
    })
    .await;
    nothing_is_believed("longer", |opaque| {
        says(format!("VA 3 c1 f0 t60 O{opaque}\r\nabcdef\r\n"))
    })
    .await;
    nothing_is_believed("much shorter", |opaque| {
        says(format!("VA 100000 c1 f0 t60 O{opaque}\r\nabc\r\n"))
    })
    .await;
}

#[tokio::test]
async fn half_a_reply_is_none() {
    for text in [
        "VA 5",
        "VA 5 c1 f0 t60 O{}\r\n",
        "VA 5 c1 f0 t60 O{}\r\nabc",
        "VA 5 c1 f0 t60 O{}\r\nabcde\r",
        "",
    ] {
        let half = move |opaque: u32| text.replace("{}", &opaque.to_string()).into_bytes();
        nothing_is_believed(text, move |opaque| Lie::SaysAndCloses(half(opaque))).await;
        nothing_is_believed(text, move |opaque| Lie::Says(half(opaque))).await;
    }
}

#[tokio::test]
async fn replies_in_another_order_end_the_connection() {
    let liar = Liar::start(|lines| {
        let replies = lines.iter().rev().map(|line| {
            let key = line.split(' ').nth(1).unwrap();
            format!("VA {} c1 f0 t60 O{}\r\n{key}\r\n", key.len(), opaque(line))
        });
        says(replies.collect::<String>())
    })
    .await;
    let server = server().await;
    let ring = ring_with(liar.address(), &server).await;
    let keys: Vec<_> = keys_of(&ring, liar.address())
        .take(3)
        .map(node_key_text)
        .collect();
    assert_eq!(ring.get_many(&keys).await, [None, None, None]);
    until("it is left", async || !is_connected(&ring)).await;
}

#[tokio::test]
async fn a_node_that_closes_or_never_reads_costs_its_deadline_at_most() {
    let server = server().await;
    let closing = Liar::start(|_| Lie::SaysAndCloses(Vec::new())).await;
    // connections to it are made by the kernel, and nobody ever reads from them
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let deaf_address = deaf.local_addr().unwrap().to_string();
    for address in [closing.address(), &deaf_address] {
        let ring = ring_with(address, &server).await;
        let hash = keys_of(&ring, address).next().unwrap();
        let started = Instant::now();
        assert!(ring.get(hash).await.is_err());
        let large = noise(8_000_000, 1);
        assert_ne!(ring.put(hash, &large, LONG, None).await.ok(), Some(Put::Stored));
        assert!(started.elapsed() < LOOKUP * 12, "{:?}", started.elapsed());
        until("it is left", async || !is_connected(&ring)).await;
    }
}

#[tokio::test]
async fn an_error_of_the_server_costs_nobody_the_connection() {
    let liar = Liar::start(|lines| {
        let reply = |line: &&str| match line.starts_with("mg") {
            true => "SERVER_ERROR out of memory storing object\r\n".to_owned(),
            false => format!("HD O{}\r\n", opaque(line)),
        };
        says(lines.iter().map(reply).collect::<String>())
    })
    .await;
    let server = server().await;
    let ring = ring_with(liar.address(), &server).await;
    let hash = keys_of(&ring, liar.address()).next().unwrap();
    let node = &ring.placement.nodes[0];
    let delete = || Command::Delete { version: None };
    let (before, on) = node.ask(b"a", delete()).await.unwrap();
    assert_eq!(before.line.code, Code::Meta(ReturnCode::Hd));
    assert!(matches!(ring.turn(hash).await, Ok(Turn::Unknown)));
    assert_eq!(held(&ring, hash).await, None);
    node.ask_on(on, b"a", delete()).await.unwrap();
    assert_eq!(node.tally.failures.load(Ordering::Relaxed), 0);
}
