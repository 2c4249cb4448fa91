//! A stop lets requests in flight finish and takes no new ones.

use std::time::Duration;

use crate::reads::{small, url};
use proxima_local::{Scripted, answer};

#[tokio::test]
async fn requests_in_flight_finish_in_both_protocols_and_the_exit_is_clean() {
    let origin = Scripted::start(|asked| {
        let pause = if asked.what().contains("slow") {
            Duration::from_secs(1)
        } else {
            Duration::ZERO
        };
        answer("200 OK", &[("cache-control", "max-age=60")], "whole answer").after(pause)
    })
    .await;
    let world = small(&origin).await;
    let proxy = world.region("us-west").proxy();
    let mut in_flight = Vec::new();
    for client in [world.client(), world.client_h1()] {
        // an idle connection of each kind must not hold the stop up
        client
            .get(url(&world, "/quick"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        for request in [
            client.get(url(&world, "/slow")),
            client.post(url(&world, "/slow")).body("x"),
        ] {
            in_flight.push(tokio::spawn(async move {
                request.send().await.unwrap().text().await.unwrap()
            }));
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopped = proxy.stop().await.unwrap();
    assert!(stopped.status.success(), "{:?}", stopped.status);
    assert!(
        stopped.took > Duration::from_millis(400),
        "it waited for the slow answers"
    );
    assert!(
        stopped.took < Duration::from_secs(5),
        "and for nothing else: {:?}",
        stopped.took
    );
    for answer in in_flight {
        assert_eq!(answer.await.unwrap(), "whole answer");
    }
    assert!(
        world.client().get(url(&world, "/quick")).send().await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn requests_that_outlast_the_grace_are_cut_off() {
    let origin = Scripted::start(|_| answer("200 OK", &[], "late").after(Duration::from_secs(20))).await;
    let world = crate::reads::small_with(&origin, "server.shutdown_grace = '500ms'").await;
    let (client, url) = (world.client(), url(&world, "/"));
    let late = tokio::spawn(async move { client.get(url).send().await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopped = world.region("us-west").proxy().stop().await.unwrap();
    assert!(stopped.took < Duration::from_secs(3), "{:?}", stopped.took);
    assert!(late.await.unwrap().is_err());
}
