use std::pin::pin;

use futures_util::poll;

use super::*;

const PATIENCE: Duration = Duration::from_secs(2);

fn gate(max_fetches: usize, max_queued: usize) -> Arc<Gate> {
    Arc::new(Gate {
        places: Arc::new(Semaphore::new(max_fetches)),
        max_fetches,
        max_queued,
        patience: PATIENCE,
        waiting: AtomicUsize::new(0),
        mean_held: Mutex::default(),
    })
}

#[test]
fn a_refused_client_is_told_when_those_before_it_are_done() {
    let table = [
        // waiting, mean ms, at once, seconds
        (0, 0, 1, 1), // nothing is known yet
        (0, 10, 512, 1),
        (9, 500, 1, 5),
        (9, 501, 1, 6), // rounded up
        (1023, 2000, 512, 4),
        (1024, 2000, 512, 5), // 1025 turns of 2 s, 512 at a time
        (1_000_000, 30_000, 1, 60),
    ];
    for (waiting, mean_ms, at_once, seconds) in table {
        let mean = Duration::from_millis(mean_ms);
        assert_eq!(
            retry_after_s(waiting, mean, at_once),
            seconds,
            "{waiting} wait for {at_once} at a time that take {mean:?}"
        );
    }
}

#[test]
fn the_mean_follows_what_happens() {
    let (quick, slow) = (Duration::from_millis(10), Duration::from_secs(1));
    let mean = (0..100).fold(quick, |mean, _| averaged(mean, slow));
    assert!(
        mean > slow.mul_f64(0.99) && mean <= slow + Duration::from_nanos(100),
        "{mean:?}"
    );
    assert!(
        averaged(quick, slow) < slow / 10,
        "one slow answer is not a trend"
    );
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_go_in_the_order_they_came() {
    let gate = gate(1, 3);
    let held = gate.enter().await.unwrap();
    let (mut first, mut second) = (pin!(gate.enter()), pin!(gate.enter()));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    assert_eq!((gate.in_flight(), gate.waiting()), (1, 2));
    drop(held);
    assert!(poll!(pin!(gate.enter())).is_pending(), "nobody overtakes");
    assert!(poll!(&mut second).is_pending());
    let held = first.await.unwrap();
    drop(held);
    assert!(second.await.is_ok());
    assert_eq!((gate.in_flight(), gate.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_queue_a_read_is_refused_at_once() {
    let gate = gate(1, 1);
    let _held = gate.enter().await.unwrap();
    let mut waits = Box::pin(gate.enter());
    assert!(poll!(&mut waits).is_pending());
    let started = Instant::now();
    assert_eq!(gate.enter().await.unwrap_err().reason, Refusal::QueueFull);
    assert_eq!(started.elapsed(), Duration::ZERO);
    drop(waits);
    assert_eq!(gate.waiting(), 0);
    assert!(
        poll!(pin!(gate.enter())).is_pending(),
        "one that leaves makes room for another"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_nobody_waits() {
    let gate = gate(1, 0);
    let held = gate.enter().await.unwrap();
    assert_eq!(gate.enter().await.unwrap_err().reason, Refusal::QueueFull);
    drop(held);
    assert!(gate.enter().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_is_allowed() {
    let gate = gate(1, 1);
    let held = gate.enter().await.unwrap();
    let started = Instant::now();
    assert_eq!(gate.enter().await.unwrap_err().reason, Refusal::Timeout);
    assert_eq!(started.elapsed(), PATIENCE);
    assert_eq!(gate.waiting(), 0);
    drop(held);
    assert!(gate.enter().await.is_ok(), "no place is lost");
}

#[tokio::test(start_paused = true)]
async fn the_time_to_wait_comes_from_how_long_places_were_held() {
    let gate = gate(1, 0);
    let held = gate.enter().await.unwrap();
    assert_eq!(
        gate.enter().await.unwrap_err().retry_after_s,
        1,
        "nothing is known yet"
    );
    tokio::time::advance(Duration::from_secs(7)).await;
    drop(held);
    let _held = gate.enter().await.unwrap();
    assert_eq!(gate.enter().await.unwrap_err().retry_after_s, 7);
}
