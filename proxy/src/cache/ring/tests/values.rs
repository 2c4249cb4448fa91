//! What is stored comes back as it was, or not at all.

use super::liar::{Liar, opaque, says};
use super::*;

#[tokio::test]
async fn values_that_look_like_commands_are_values() {
    let server = server().await;
    let ring = ring_of(&[&server]).await;
    let values = [
        "\r\n",
        "get x\r\n",
        "flush_all\r\n",
        "\r\nflush_all\r\n",
        "VA 3 O1\r\nabc\r\n",
        "EN\r\n",
        "\0",
    ];
    for (hash, value) in (0..).zip(values) {
        assert_eq!(put(&ring, hash, value).await, Put::Stored);
    }
    for (hash, value) in (0..).zip(values) {
        assert_eq!(held(&ring, hash).await.unwrap(), value);
    }
    assert_eq!(stat(&server, "cmd_flush").await, 0);
    assert_eq!(stat(&server, "curr_items").await, values.len() as u64);
}

#[tokio::test]
async fn an_item_over_the_limit_is_refused_and_the_connection_goes_on() {
    let server = server_with(&["-I", "1m"]).await;
    let mut config = config(&[&server.address()]);
    config.max_item_bytes = 1 << 20; // more than fits, with what memcached adds
    config.connections = 1;
    let one = ring(&config).await;
    put(&one, 1, "small").await;
    let connections = stat(&server, "total_connections").await;
    assert_eq!(put(&one, 1, noise(1 << 20, 1)).await, Put::Refused);
    assert_eq!(held(&one, 1).await, None, "the earlier copy has gone with it");
    assert_eq!(put(&one, 1, "small").await, Put::Stored);
    assert_eq!(held(&one, 1).await.unwrap(), "small");
    // each count of them makes one more
    assert_eq!(stat(&server, "total_connections").await, connections + 1);

    let default_limit = ring_of(&[&server]).await;
    let large = noise(1 << 20, 2);
    assert_eq!(put(&default_limit, 1, large.clone()).await, Put::Stored);
    assert_eq!(held(&default_limit, 1).await.unwrap(), large);
}

#[tokio::test]
async fn large_entries_go_in_pieces_and_are_whole_or_nothing() {
    let (one, other) = (server().await, server().await);
    let ring = ring_of(&[&one, &other]).await;
    let (first, second) = (noise(4_500_000, 1), noise(4_500_000, 2));
    assert_eq!(put(&ring, 1, first).await, Put::Stored);
    assert_eq!(put(&ring, 1, second.clone()).await, Put::Stored);
    assert_eq!(
        held(&ring, 1).await.unwrap(),
        second,
        "pieces of two stores are not mixed"
    );
    let metrics = &ring.surroundings.metrics;
    assert_eq!((metrics.split.get(), metrics.joined.get()), (2, 1));

    let key = node_key_text(1);
    let index = ring.placement.locate(key.as_bytes()).unwrap();
    let (reply, _) = index.node.ask(key.as_bytes(), Command::Get).await.unwrap();
    let pieces = Index::read(&item_of(&reply).unwrap(), 1 << 24)
        .unwrap()
        .keys(&key);
    let piece = ring.placement.locate(pieces[3].as_bytes()).unwrap();
    let set = Command::Set {
        value: noise(1_000_000, 3),
        flags: 0,
        ttl_s: 60,
        condition: Condition::Always,
    };
    piece.node.ask(pieces[3].as_bytes(), set).await.unwrap();
    assert_eq!(held(&ring, 1).await, None, "a piece is another's");
    piece
        .node
        .ask(pieces[3].as_bytes(), Command::Delete { version: None })
        .await
        .unwrap();
    assert_eq!(held(&ring, 1).await, None, "a piece is missing");
}

#[tokio::test]
async fn compressed_entries_are_read_by_who_does_not_compress() {
    let server = server().await;
    let plain = ring_of(&[&server]).await;
    let mut config = config(&[&server.address()]);
    config.compress_from_bytes = Some(1024);
    let compressing = ring(&config).await;
    let text = Bytes::from("a job offer in Santiago, ".repeat(100_000));
    for (hash, entry) in [
        (1, text.slice(..10_000)),
        (2, text),
        (3, noise(50_000, 3)),
        (4, "tiny".into()),
    ] {
        put(&compressing, hash, entry.clone()).await;
        assert_eq!(held(&plain, hash).await.unwrap(), entry);
    }
    assert!(compressing.surroundings.metrics.saved_bytes.get() > 2_000_000);
    assert_eq!(
        compressing.surroundings.metrics.split.get(),
        0,
        "it fits once it is compressed"
    );
}

#[tokio::test]
async fn a_value_larger_than_is_read_here_is_passed_over() {
    let server = server().await;
    let mut small = config(&[&server.address()]);
    (small.max_item_bytes, small.connections) = (1024, 1);
    let little = Surroundings {
        entry_bytes_max: 1024,
        ..surroundings()
    };
    let small = Ring::new(&small, little).await.unwrap();
    let large = ring_of(&[&server]).await;
    put(&large, 1, noise(500_000, 1)).await;
    put(&large, 2, "small").await;
    let keys = [node_key_text(2), node_key_text(1), node_key_text(2)];
    let found = small.get_many(&keys).await;
    assert_eq!(found, [Some("small".into()), None, Some("small".into())]);
    assert!(small.placement.nodes[0].lanes()[0].is_open());
}

#[tokio::test]
async fn ten_thousand_look_ups_get_their_own_answers() {
    const KEYS: u128 = 1000;
    let (one, other) = (server().await, server().await);
    let ring = Arc::new(ring_of(&[&one, &other]).await);
    let value = |hash: KeyHash| format!("{hash}.").repeat(1 + hash as usize % 50);
    for hash in 0..KEYS {
        put(&ring, hash, value(hash)).await;
    }
    let tasks: Vec<_> = (0..500)
        .map(|task: u128| {
            let ring = Arc::clone(&ring);
            tokio::spawn(async move {
                for step in 0..20 {
                    let hash = (task * 7 + step * 31) % KEYS;
                    assert_eq!(held(&ring, hash).await.unwrap(), value(hash));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let hits: u64 = ring
        .report("here", UnixMillis::now())
        .nodes
        .iter()
        .map(|node| node.hits)
        .sum();
    assert_eq!(hits, 10_000);
}

#[tokio::test]
async fn many_keys_of_a_node_are_asked_for_in_one_write() {
    let liar = Liar::start(|lines| {
        let misses = lines.iter().map(|line| format!("EN O{}\r\n", opaque(line)));
        says(misses.collect::<String>())
    })
    .await;
    let ring = ring(&config(&[liar.address()])).await;
    let keys: Vec<_> = (0..100).map(node_key_text).collect();
    assert_eq!(ring.get_many(&keys).await, vec![None; 100]);
    assert_eq!(liar.reads(), 1);
}
