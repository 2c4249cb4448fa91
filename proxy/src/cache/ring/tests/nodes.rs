//! Nodes that are slow, away, back, or new.

use super::*;

/// A key's remaining lifetime on a node, in seconds; `None` where it is not.
async fn ttl_on(ring: &Ring, index: usize, hash: KeyHash) -> Option<u32> {
    let node = &ring.placement.nodes[index];
    let key = node_key_text(hash);
    let (reply, _) = node.ask(key.as_bytes(), Command::Get).await.ok()?;
    item_of(&reply)?;
    reply.line.ttl_s
}

#[tokio::test]
async fn every_operation_has_a_deadline() {
    let server = server().await;
    let mut config = config(&[&server.address()]);
    config.lookup_timeout = Duration::from_millis(40);
    config.connect_timeout = Duration::from_millis(80);
    config.fail_after = u32::MAX;
    let ring = ring(&config).await;
    until("the first connection", async || ring.get(1).await.is_ok()).await;
    server.pause().await.unwrap();
    let entry = Bytes::from_static(b"new");
    for _ in 0..3 {
        let started = Instant::now();
        assert!(ring.get(1).await.is_err());
        assert!(ring.turn(1).await.is_err());
        assert!(ring.delete(1).await.is_err());
        assert!(ring.put(1, &entry, LONG, None).await.is_err());
        // three look-ups and a store, at most a few times their deadlines on a busy machine
        assert!(
            started.elapsed() < Duration::from_secs(1),
            "{:?}",
            started.elapsed()
        );
    }
    server.resume().unwrap();
    until("it answers again", async || ring.get(1).await.is_ok()).await;
    assert_eq!(put(&ring, 2, "new").await, Put::Stored);
    assert_eq!(held(&ring, 2).await.unwrap(), "new");
}

#[tokio::test]
async fn the_next_node_stands_in_for_one_that_is_away_and_hands_over_when_it_is_back() {
    let (away, next) = (server().await, server().await);
    let ring = Arc::new(ring_of(&[&away, &next]).await);
    let hash = keys_of(&ring, &away.address()).next().unwrap();
    assert_eq!(put(&ring, hash, "first").await, Put::Stored);
    away.kill().await.unwrap();
    let mut errors = 0;
    while ring.placement.nodes[0].circuit.is_in() {
        errors += u32::from(ring.get(hash).await.is_err());
    }
    assert_eq!(errors, 3, "fail_after");
    assert_eq!(ring.node_of(hash), Some(next.address().as_str()));
    assert_eq!(held(&ring, hash).await, None);
    assert_eq!(put(&ring, hash, "stand-in").await, Put::Stored);
    let ttl = ttl_on(&ring, 1, hash).await.unwrap();
    assert!((1..=5).contains(&ttl), "gutter_ttl: {ttl}");
    assert_eq!(held(&ring, hash).await.unwrap(), "stand-in");

    let prober = tokio::spawn({
        let ring = Arc::clone(&ring);
        async move { ring.probe().await }
    });
    assert!(!ring.is_out(), "one is left");
    away.restart().await.unwrap();
    until("the node is back", async || {
        ring.placement.nodes[0].circuit.is_in()
    })
    .await;
    assert_eq!(ring.node_of(hash), Some(away.address().as_str()));
    assert_eq!(
        held(&ring, hash).await.unwrap(),
        "stand-in",
        "it is looked for where it was"
    );
    until("the node is given it", async || {
        ttl_on(&ring, 0, hash).await.is_some()
    })
    .await;
    let ttl = ttl_on(&ring, 0, hash).await.unwrap();
    assert!(ttl <= 5, "a copy lives no longer than the original: {ttl}");
    prober.abort();
}

#[tokio::test]
async fn a_node_that_is_added_is_given_what_is_asked_for() {
    let (old, new) = (server().await, server().await);
    let before = ring_of(&[&old]).await;
    for hash in 0..40 {
        put(&before, hash, hash.to_string()).await;
    }
    let after = before
        .changed(&config(&[&old.address(), &new.address()]))
        .await
        .unwrap();
    let moved: Vec<_> = keys_of(&after, &new.address())
        .take_while(|hash| *hash < 40)
        .collect();
    assert!(moved.len() > 5, "{moved:?}");
    for hash in &moved {
        assert_eq!(ttl_on(&after, 1, *hash).await, None);
        assert_eq!(held(&after, *hash).await.unwrap(), hash.to_string());
        until("the new node is given it", async || {
            ttl_on(&after, 1, *hash).await.is_some()
        })
        .await;
    }
    assert_eq!(after.surroundings.metrics.warmed.get(), moved.len() as u64);
    // connections of the node that stayed did so too
    assert!(Arc::ptr_eq(&before.placement.nodes[0], &after.placement.nodes[0]));
}

#[tokio::test]
async fn what_is_removed_is_not_found_where_it_was_before() {
    let (old, new) = (server().await, server().await);
    let before = ring_of(&[&old]).await;
    for hash in 0..20 {
        put(&before, hash, "old").await;
    }
    let after = before
        .changed(&config(&[&old.address(), &new.address()]))
        .await
        .unwrap();
    for hash in 0..20 {
        after.delete(hash).await.unwrap();
        assert_eq!(
            held(&after, hash).await,
            None,
            "{hash} on {:?}",
            after.node_of(hash)
        );
    }
    assert_eq!(stat(&old, "curr_items").await, 0);
}

#[tokio::test]
async fn without_a_feed_a_node_is_believed_only_from_its_return() {
    let server = server().await;
    let deaf = Surroundings {
        deaf: true,
        ..surroundings()
    };
    let ring = Ring::new(&config(&[&server.address()]), deaf).await.unwrap();
    put(&ring, 1, "new").await;
    assert_eq!(ring.get(1).await.unwrap().unwrap().believed_from, None);
    let node = &ring.placement.nodes[0];
    node.circuit.open();
    assert!(ring.is_out() && ring.node_of(1).is_none());
    assert_eq!(held(&ring, 1).await, None);
    let before = UnixMillis::now();
    node.probe().await;
    let found = ring.get(1).await.unwrap().unwrap();
    assert!(found.believed_from.is_some_and(|from| from >= before));
}
