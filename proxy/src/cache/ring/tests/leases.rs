//! Leases, as memcached keeps them and as the ring relies on them.

use super::*;

const KEY: KeyHash = 7;

fn mine(turn: Turn) -> Lease {
    match turn {
        Turn::Mine(lease) => lease,
        other => panic!("{}", name(&other)),
    }
}

fn taken(turn: Turn) -> (Mark, Option<Bytes>) {
    match turn {
        Turn::Taken(mark, held) => (mark, held.map(|held| held.blob)),
        other => panic!("{}", name(&other)),
    }
}

fn standing(turn: Turn) -> (lease::Standing, Bytes) {
    match turn {
        Turn::Stands(standing, held) => (standing, held.blob),
        other => panic!("{}", name(&other)),
    }
}

fn name(turn: &Turn) -> &'static str {
    match turn {
        Turn::Mine(_) => "mine",
        Turn::Taken(..) => "taken",
        Turn::Stands(..) => "stands",
        Turn::Unknown => "unknown",
    }
}

async fn fill(ring: &Ring, lease: &Lease, entry: &'static str) -> Put {
    ring.put(KEY, &entry.into(), LONG, Some(lease)).await.unwrap()
}

/// The right to replace the entry that is there.
async fn renewed(ring: &Ring) -> Turn {
    let (standing, _) = standing(ring.turn(KEY).await.unwrap());
    ring.renew(standing).await.unwrap()
}

#[tokio::test]
async fn the_first_to_miss_a_key_fills_it_and_the_others_wait() {
    let server = server().await;
    let (one, other) = (ring_of(&[&server]).await, ring_of(&[&server]).await);
    let lease = mine(one.turn(KEY).await.unwrap());
    assert!(lease.is_for(KEY) && !lease.is_for(KEY + 1));
    for _ in 0..2 {
        assert_eq!(taken(other.turn(KEY).await.unwrap()).1, None);
    }
    assert_eq!(held(&other, KEY).await, None, "a mark is no entry");
    assert_eq!(fill(&one, &lease, "new").await, Put::Stored);
    assert_eq!(standing(other.turn(KEY).await.unwrap()).1, "new");
    assert_eq!(held(&other, KEY).await.unwrap(), "new");
}

#[tokio::test]
async fn a_mark_goes_by_its_own_time() {
    let server = server().await;
    let mut config = config(&[&server.address()]);
    config.lease = Duration::from_secs(1);
    let (one, other) = (ring(&config).await, ring(&config).await);
    let late = mine(one.turn(KEY).await.unwrap());
    taken(other.turn(KEY).await.unwrap());
    until("the mark stays", async || {
        matches!(other.turn(KEY).await, Ok(Turn::Mine(_)))
    })
    .await;
    assert_eq!(fill(&one, &late, "late").await, Put::Superseded);
}

#[tokio::test]
async fn a_fill_that_somebody_else_overtook_changes_nothing() {
    let server = server().await;
    let (one, other) = (ring_of(&[&server]).await, ring_of(&[&server]).await);
    let lease = mine(one.turn(KEY).await.unwrap());
    assert_eq!(put(&other, KEY, "newer").await, Put::Stored);
    assert_eq!(fill(&one, &lease, "older").await, Put::Superseded);
    assert_eq!(held(&other, KEY).await.unwrap(), "newer");

    let lease = mine(renewed(&one).await);
    other.delete(KEY).await.unwrap();
    assert_eq!(fill(&one, &lease, "older").await, Put::Superseded);
    assert_eq!(held(&other, KEY).await, None, "what was removed stays so");
}

#[tokio::test]
async fn a_lease_does_not_outlive_its_server() {
    let server = server().await;
    let (one, other) = (ring_of(&[&server]).await, ring_of(&[&server]).await);
    let lease = mine(one.turn(KEY).await.unwrap());
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    // the server counts anew: this lease has the number of the one that was lost
    let anew = until_mine(&other).await;
    assert_eq!(anew.version, lease.version);
    assert_eq!(fill(&one, &lease, "older").await, Put::Superseded);
    assert_eq!(held(&other, KEY).await, None);
    assert!(one.release(lease).await.is_err(), "the mark is another's");
    taken(one.turn(KEY).await.unwrap());
    assert_eq!(fill(&other, &anew, "newer").await, Put::Stored);
}

/// The lease, once connections that broke have been made again.
async fn until_mine(ring: &Ring) -> Lease {
    let started = Instant::now();
    loop {
        match ring.turn(KEY).await {
            Ok(turn) => return mine(turn),
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_lease_that_is_given_up_goes_to_the_next_who_asks() {
    let server = server().await;
    let (one, other) = (ring_of(&[&server]).await, ring_of(&[&server]).await);
    let lease = mine(one.turn(KEY).await.unwrap());
    one.release(lease).await.unwrap();
    mine(other.turn(KEY).await.unwrap());
}

#[tokio::test]
async fn an_entry_can_be_read_while_it_is_replaced_and_stands_when_it_is_not() {
    let server = server().await;
    let (one, other) = (ring_of(&[&server]).await, ring_of(&[&server]).await);
    put(&one, KEY, "first").await;
    let lease = mine(renewed(&one).await);
    assert_eq!(taken(other.turn(KEY).await.unwrap()).1.unwrap(), "first");
    assert_eq!(held(&other, KEY).await.unwrap(), "first");
    one.release(lease).await.unwrap();
    assert_eq!(standing(other.turn(KEY).await.unwrap()).1, "first");
    let lease = mine(renewed(&other).await);
    assert_eq!(fill(&other, &lease, "second").await, Put::Stored);
    assert_eq!(held(&one, KEY).await.unwrap(), "second");
}

#[tokio::test]
async fn of_two_who_replace_a_holder_one_does() {
    let server = server().await;
    let (gone, one, other) = (
        ring_of(&[&server]).await,
        ring_of(&[&server]).await,
        ring_of(&[&server]).await,
    );
    for stands in [false, true] {
        let late = if stands {
            put(&gone, KEY, "first").await;
            mine(renewed(&gone).await)
        } else {
            mine(gone.turn(KEY).await.unwrap())
        };
        let (mark, _) = taken(one.turn(KEY).await.unwrap());
        let (other_mark, _) = taken(other.turn(KEY).await.unwrap());
        let (won, other_won) = tokio::join!(one.replace_holder(&mark), other.replace_holder(&other_mark));
        assert_ne!(won.unwrap(), other_won.unwrap(), "exactly one, {stands}");
        assert_eq!(fill(&gone, &late, "late").await, Put::Superseded);
        assert_eq!(held(&one, KEY).await.is_some(), stands);
    }
}

#[tokio::test]
async fn who_replaces_a_holder_puts_nothing_older_back() {
    let server = server().await;
    let (one, other) = (ring_of(&[&server]).await, ring_of(&[&server]).await);
    put(&one, KEY, "older").await;
    let (read, _) = standing(one.turn(KEY).await.unwrap());
    put(&other, KEY, "newer").await;
    mine(renewed(&other).await);
    let (mark, _) = taken(one.renew(read).await.unwrap());
    one.replace_holder(&mark).await.unwrap();
    assert_ne!(held(&one, KEY).await.as_deref(), Some(&b"older"[..]));
}

#[tokio::test]
async fn a_lease_ends_with_a_fill_that_the_ring_refuses() {
    let server = server().await;
    let mut config = config(&[&server.address()]);
    config.large = Large::L1;
    let (one, other) = (ring(&config).await, ring(&config).await);
    let lease = mine(one.turn(KEY).await.unwrap());
    let large = noise(2_000_000, 1);
    assert_eq!(
        one.put(KEY, &large, LONG, Some(&lease)).await.unwrap(),
        Put::Refused
    );
    mine(other.turn(KEY).await.unwrap());
}

#[tokio::test]
async fn what_cannot_be_read_is_replaced_by_who_finds_it() {
    let server = server().await;
    let ring = ring_of(&[&server]).await;
    let key = node_key_text(KEY);
    for item in [
        Item {
            flags: 99,
            value: "?".into(),
        },
        Item {
            flags: INDEX,
            value: "?".into(),
        },
        Item::plain(Bytes::new()),
    ] {
        let set = Command::Set {
            value: item.value,
            flags: item.flags,
            ttl_s: 60,
            condition: Condition::Always,
        };
        ring.placement.nodes[0].ask(key.as_bytes(), set).await.unwrap();
        let lease = mine(ring.turn(KEY).await.unwrap());
        assert_eq!(fill(&ring, &lease, "good").await, Put::Stored);
        assert_eq!(held(&ring, KEY).await.unwrap(), "good");
    }
}
