//! `Idempotency-Key`: one object per key, however often and wherever it is sent.

use crate::support::{Database, Origin, field, problem};
use serde_json::{Value, json};

async fn post(origin: &Origin, path: &str, key: &str, name: &str) -> reqwest::Response {
    let body = json!({"name": name, "title": name});
    let mut body = body.as_object().unwrap().clone();
    body.remove(if path == "/jobs" { "name" } else { "title" });
    origin
        .request("POST", path)
        .header("idempotency-key", key)
        .json(&body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_repeated_post_makes_one_object() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    let first = post(&origin, "/profiles", "k1", "Ada").await;
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let (etag, position) = (
        field(&first, "etag").to_owned(),
        field(&first, "proxima-position").to_owned(),
    );
    let first: Value = first.json().await.unwrap();
    origin
        .send("PATCH", "/profiles/1", &json!({"name": "Changed since"}))
        .await;

    let again = post(&origin, "/profiles", "k1", "Ada").await;
    assert_eq!(again.status(), 201);
    assert_eq!(field(&again, "location"), "/profiles/1");
    assert_eq!(
        (field(&again, "etag"), field(&again, "proxima-position")),
        (&*etag, &*position)
    );
    assert_eq!(field(&again, "idempotency-replayed"), "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);

    problem(post(&origin, "/profiles", "k1", "Bob").await, 422).await;
    assert_eq!(
        post(&origin, "/jobs", "k1", "Other").await.status(),
        201,
        "keys are per collection"
    );
    for key in ["", &"k".repeat(256)] {
        problem(post(&origin, "/profiles", key, "Ada").await, 400).await;
    }
    assert_eq!(
        origin.get_json("/profiles").await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn concurrent_duplicates_over_two_origins_make_one_object() {
    let database = Database::new();
    let (a, b) = (Origin::start(&database).await, Origin::start(&database).await);
    let posts = (0..30).map(|i| post(if i % 2 == 0 { &a } else { &b }, "/profiles", "k", "Ada"));
    for answer in futures_util::future::join_all(posts).await {
        assert_eq!(answer.status(), 201);
        assert_eq!(field(&answer, "location"), "/profiles/1");
    }
    assert_eq!(
        a.get_json("/profiles").await["items"].as_array().unwrap().len(),
        1
    );
}
