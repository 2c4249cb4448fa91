//! Every fault that tests of the proxy need can be done to every kind of process, and undone.

use std::time::Duration;

use proxima_local::World;

use crate::support::{get, log};

const ONE: &str = "us-west";

#[tokio::test]
async fn a_proxy_comes_back_on_its_ports() {
    let world = World::builder()
        .regions(&[ONE])
        .seed(10, 10)
        .start()
        .await
        .unwrap();
    let proxy = world.region(ONE).proxy();
    let before = (proxy.https_url(), proxy.pid());
    proxy.kill().await.unwrap();
    assert!(!proxy.is_running());
    assert!(proxy.stop().await.unwrap_err().to_string().contains("has ended"));
    proxy.restart().await.unwrap();
    assert_ne!(proxy.pid(), before.1);
    assert_eq!(get(&world, &proxy, "/profiles/1").await.0, 200);

    proxy
        .write_config("[[route]]\nname = 'profiles'\nttl = '2m'")
        .unwrap();
    proxy.restart().await.unwrap();
    assert_eq!(proxy.https_url(), before.0);
    get(&world, &proxy, "/profiles/1").await;
    let (_, cache) = get(&world, &proxy, "/profiles/1").await;
    assert!(cache.contains("; hit; ttl=1"), "{cache}");

    let stopped = proxy.stop().await.unwrap();
    assert!(stopped.status.success(), "{stopped:?}\n{}", log(&proxy));
}

#[tokio::test]
async fn a_second_proxy_shares_the_ring() {
    let world = World::builder()
        .regions(&[ONE])
        .seed(10, 10)
        .start()
        .await
        .unwrap();
    let first = world.region(ONE).proxy();
    assert_eq!(
        get(&world, &first, "/profiles/1").await.1,
        "Proxima-us-west; fwd=uri-miss; stored"
    );
    let second = world.add_proxy(ONE).await.unwrap();
    let (_, cache) = get(&world, &second, "/profiles/1").await;
    assert!(cache.ends_with("; detail=l2"), "{cache}");
    assert_eq!(world.region(ONE).proxies().len(), 2);
}

#[tokio::test]
async fn a_memcached_node_comes_back_empty_on_its_port() {
    let world = World::builder()
        .regions(&[ONE])
        .memcached_per_region(1)
        .seed(10, 10)
        .start()
        .await
        .unwrap();
    let node = &world.region(ONE).ring()[0];
    let address = node.address();
    assert_eq!(
        get(&world, &world.region(ONE).proxy(), "/profiles/1").await.0,
        200
    );
    node.kill().await.unwrap();
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
    node.restart().await.unwrap();
    assert!(tokio::net::TcpStream::connect(&address).await.is_ok());
    let second = world.add_proxy(ONE).await.unwrap();
    assert_eq!(
        get(&world, &second, "/profiles/1").await.1,
        "Proxima-us-west; fwd=uri-miss; stored"
    );
}

#[tokio::test]
async fn an_origin_is_frozen_thawed_and_restarted() {
    let world = World::builder()
        .regions(&[ONE])
        .seed(10, 10)
        .start()
        .await
        .unwrap();
    let origin = world.region(ONE).origin();
    let url = origin.url().to_owned() + "/readyz";
    let client = world
        .client_builder()
        .unwrap()
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    origin.pause().await.unwrap();
    assert!(origin.is_running());
    assert!(client.get(&url).send().await.unwrap_err().is_timeout());
    origin.resume().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    origin.restart().await.unwrap();
    assert_eq!(world.client().get(&url).send().await.unwrap().status(), 200);
}
