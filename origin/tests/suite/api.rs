//! The API's promises, one request at a time.

use crate::support::{Database, Origin, field, problem};
use serde_json::{Value, json};

#[tokio::test]
async fn an_object_lives_and_dies() {
    let database = Database::new();
    let origin = Origin::start_with(&database, &["--max-age", "45"]).await;

    let made = origin
        .send("POST", "/profiles", &json!({"name": "Ada", "skills": ["Rust"]}))
        .await;
    assert_eq!(made.status(), 201);
    assert_eq!(field(&made, "location"), "/profiles/1");
    assert_eq!(field(&made, "proxima-position"), "0:1");
    assert_eq!(field(&made, "surrogate-key"), "profile:1 profiles");
    assert_eq!(field(&made, "proxima-origin"), "test-1");
    assert_eq!(field(&made, "etag"), "\"1\"");
    let made: Value = made.json().await.unwrap();

    let read = origin.get("/profiles/1").await;
    assert_eq!(read.status(), 200);
    assert_eq!(field(&read, "cache-control"), "public, max-age=45");
    assert_eq!(field(&read, "surrogate-key"), "profile:1");
    assert_eq!(field(&read, "proxima-position"), "0:1");
    assert_eq!(field(&read, "etag"), "\"1\"");
    assert!(read.headers().contains_key("last-modified"));
    assert_eq!(read.json::<Value>().await.unwrap(), made);

    let head = origin.request("HEAD", "/profiles/1").send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(field(&head, "content-length"), made.to_string().len().to_string());

    let put = origin
        .send(
            "PUT",
            "/profiles/1",
            &json!({"name": "Ada L.", "location": "London"}),
        )
        .await;
    assert_eq!(put.status(), 200);
    assert_eq!(field(&put, "proxima-position"), "0:2");
    let patched = origin
        .send(
            "PATCH",
            "/profiles/1",
            &json!({"location": null, "headline": "First"}),
        )
        .await;
    assert_eq!(patched.status(), 200);
    let patched: Value = patched.json().await.unwrap();
    assert_eq!(
        (&patched["name"], &patched["location"]),
        (&json!("Ada L."), &json!(""))
    );
    assert_eq!(
        (&patched["headline"], &patched["version"]),
        (&json!("First"), &json!(3))
    );
    assert_eq!(patched["created_at"], made["created_at"]);

    let gone = origin.request("DELETE", "/profiles/1").send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(field(&gone, "surrogate-key"), "profile:1 profiles");
    let missing = origin.get("/profiles/1").await;
    assert_eq!(field(&missing, "surrogate-key"), "profile:1");
    assert_eq!(field(&missing, "proxima-position"), "0:4");
    problem(missing, 404).await;

    let again = origin.send("PUT", "/profiles/1", &json!({"name": "Ada"})).await;
    assert_eq!(again.status(), 201);
    assert_eq!(field(&again, "etag"), "\"5\"", "a version is never used twice");
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    origin.make_profile("Ada").await;
    let mut profile = origin.get_json("/profiles/1").await;
    profile["headline"] = json!("Analyst");
    assert_eq!(origin.send("PUT", "/profiles/1", &profile).await.status(), 200);
    profile["id"] = json!(2);
    let body = problem(origin.send("PUT", "/profiles/1", &profile).await, 422).await;
    assert_eq!(body["errors"][0]["field"], "id");
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    origin.make_profile("Ada").await;
    let cases: [(&str, &str, Value, u16, &str); 18] = [
        ("POST", "/profiles", json!({}), 422, "name"),
        (
            "POST",
            "/profiles",
            json!({"name": "A", "shoe_size": 42}),
            400,
            "shoe_size",
        ),
        ("POST", "/profiles", json!({"name": 7}), 400, "name"),
        (
            "POST",
            "/profiles",
            json!({"name": "A", "skills": ["a", ""]}),
            422,
            "skills[1]",
        ),
        (
            "POST",
            "/profiles",
            json!({"name": "A", "employment": [{"title": 1}]}),
            400,
            "employment[0].title",
        ),
        ("POST", "/profiles", json!({"name": "A", "id": 7}), 422, "id"),
        (
            "POST",
            "/jobs",
            json!({"title": "T", "salary_min": -1}),
            400,
            "salary_min",
        ),
        (
            "POST",
            "/jobs",
            json!({"title": "T", "salary_min": 2, "salary_max": 1}),
            422,
            "salary_max",
        ),
        (
            "POST",
            "/jobs",
            json!({"title": "T", "employment_type": "forever"}),
            400,
            "employment_type",
        ),
        (
            "PUT",
            "/profiles/9007199254740991",
            json!({"name": "A"}),
            422,
            "id",
        ),
        ("PATCH", "/profiles/1", json!({"name": null}), 422, "name"),
        ("GET", "/profiles?limit=0", Value::Null, 400, "limit"),
        ("GET", "/profiles?limit=101", Value::Null, 400, "limit"),
        ("GET", "/profiles?limit=1&limit=2", Value::Null, 400, "limit"),
        ("GET", "/jobs?min_salary=much", Value::Null, 400, "min_salary"),
        ("GET", "/jobs?cursor=7", Value::Null, 400, "cursor"),
        ("GET", "/jobs?skill=", Value::Null, 400, "skill"),
        (
            "GET",
            "/profiles/1?fields=name,shoe_size",
            Value::Null,
            400,
            "fields",
        ),
    ];
    for (method, path, body, status, at_fault) in cases {
        let answer = problem(origin.send(method, path, &body).await, status).await;
        assert_eq!(
            answer["errors"][0]["field"], at_fault,
            "{method} {path} {body}: {answer}"
        );
    }
}

#[tokio::test]
async fn every_error_is_a_problem() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    for path in [
        "/",
        "/profiles/",
        "/profiles/0",
        "/profiles/01",
        "/profiles/x",
        "/profiles/1",
        "/nothing",
        "/profiles/1/resume",
        "/profiles/%ff",
        "/jobs/99999999999999999999",
    ] {
        problem(origin.get(path).await, 404).await;
    }
    for (method, path, allowed) in [
        ("DELETE", "/profiles", "GET,HEAD,POST"),
        ("POST", "/jobs/1", "GET,HEAD,PUT,PATCH,DELETE"),
        ("DELETE", "/profiles/1/resume", "GET,HEAD,PUT"),
        ("PUT", "/_proxima/feed", "GET,HEAD"),
        ("BREW", "/healthz", "GET,HEAD"),
    ] {
        let response = origin.request(method, path).send().await.unwrap();
        assert_eq!(field(&response, "allow"), allowed, "{method} {path}");
        problem(response, 405).await;
    }
    let post = |kind: &'static str, body: Vec<u8>| {
        origin
            .request("POST", "/jobs")
            .header("content-type", kind)
            .body(body)
            .send()
    };
    problem(post("text/plain", b"{}".to_vec()).await.unwrap(), 415).await;
    problem(
        post("application/merge-patch+json", b"{}".to_vec())
            .await
            .unwrap(),
        415,
    )
    .await;
    problem(
        origin.request("POST", "/jobs").body("{}").send().await.unwrap(),
        415,
    )
    .await;
    problem(post("application/json", b"{".to_vec()).await.unwrap(), 400).await;
    problem(post("application/json", b"\xff".to_vec()).await.unwrap(), 400).await;
    problem(post("application/json", b"[]".to_vec()).await.unwrap(), 400).await;
    problem(post("application/json", vec![b'['; 100_000]).await.unwrap(), 400).await;
    problem(
        post("application/json", vec![b' '; (1 << 20) + 1]).await.unwrap(),
        413,
    )
    .await;
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(
        (0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 << 10])),
    ));
    let chunked = origin
        .request("POST", "/jobs")
        .header("content-type", "application/json")
        .body(chunked);
    problem(chunked.send().await.unwrap(), 413).await;
}

#[tokio::test]
async fn preconditions() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    origin.make_profile("Ada").await;
    let body = json!({"name": "Ada"});
    let with = async |method: &str, path: &str, name: &str, value: &str| {
        let request = origin.request(method, path).header(name, value);
        let request = if method == "GET" || method == "DELETE" {
            request
        } else {
            request.json(&body)
        };
        request.send().await.unwrap()
    };
    let unchanged = with("GET", "/profiles/1", "if-none-match", "\"1\"").await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(field(&unchanged, "etag"), "\"1\"");
    assert_eq!(field(&unchanged, "surrogate-key"), "profile:1");
    assert_eq!(field(&unchanged, "proxima-position"), "0:1");
    assert!(unchanged.headers().contains_key("cache-control"));
    assert_eq!(
        with("GET", "/profiles/1", "if-none-match", "\"2\"")
            .await
            .status(),
        200
    );
    let modified = field(&origin.get("/profiles/1").await, "last-modified").to_owned();
    assert_eq!(
        with("GET", "/profiles/1", "if-modified-since", &modified)
            .await
            .status(),
        304
    );

    for method in ["PUT", "PATCH", "DELETE"] {
        problem(with(method, "/profiles/1", "if-match", "\"7\"").await, 412).await;
    }
    problem(with("PUT", "/profiles/1", "if-none-match", "*").await, 412).await;
    problem(with("PUT", "/profiles/2", "if-match", "*").await, 412).await;
    problem(with("PUT", "/profiles/1", "if-match", "7").await, 400).await;
    assert_eq!(
        with("PUT", "/profiles/2", "if-none-match", "*").await.status(),
        201
    );
    assert_eq!(
        with("PUT", "/profiles/1", "if-match", "\"1\"").await.status(),
        200
    );
    problem(with("PATCH", "/profiles/1", "if-match", "\"1\"").await, 412).await;
    assert_eq!(
        with("DELETE", "/profiles/1", "if-match", "\"3\"").await.status(),
        204
    );
    problem(with("DELETE", "/profiles/1", "if-match", "\"3\"").await, 404).await;
}

#[tokio::test]
async fn of_racing_conditional_writes_one_wins() {
    let database = Database::new();
    let (a, b) = (Origin::start(&database).await, Origin::start(&database).await);
    a.make_profile("Ada").await;
    let writes = (0..20).map(|i| {
        let origin = if i % 2 == 0 { &a } else { &b };
        let body = json!({"name": format!("Ada {i}")});
        origin
            .request("PUT", "/profiles/1")
            .header("if-match", "\"1\"")
            .json(&body)
            .send()
    });
    let answers = futures_util::future::join_all(writes).await;
    let won = answers
        .iter()
        .filter(|a| a.as_ref().unwrap().status() == 200)
        .count();
    let lost = answers
        .iter()
        .filter(|a| a.as_ref().unwrap().status() == 412)
        .count();
    assert_eq!((won, lost), (1, 19));
}

#[tokio::test]
async fn sparse_fields() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    origin.make_profile("Ada").await;
    assert_eq!(
        origin.get_json("/profiles/1?fields=id,name").await,
        json!({"id": 1, "name": "Ada"})
    );
    assert_eq!(
        origin.get_json("/profiles/1?fields=skills&cb=9").await,
        json!({"skills": []})
    );
    assert_eq!(origin.get_json("/profiles/1?fields=resume").await, json!({}));
}

#[tokio::test]
async fn patches_by_either_media_type() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    origin
        .send(
            "POST",
            "/jobs",
            &json!({"title": "T", "salary_max": 5, "skills": ["a"]}),
        )
        .await;
    for (i, kind) in ["application/json", "Application/Merge-Patch+JSON; charset=utf-8"]
        .iter()
        .enumerate()
    {
        let patch = json!({"salary_max": null, "skills": [format!("s{i}")]}).to_string();
        let request = origin
            .request("PATCH", "/jobs/1")
            .header("content-type", *kind)
            .body(patch);
        let job: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(
            (&job["salary_max"], &job["skills"]),
            (&Value::Null, &json!([format!("s{i}")]))
        );
    }
    assert_eq!(origin.get_json("/jobs?skill=S1").await["items"][0]["id"], 1);
    assert_eq!(origin.get_json("/jobs?skill=s0").await["items"], json!([]));
    problem(origin.send("PATCH", "/jobs/2", &json!({})).await, 404).await;
    problem(origin.send("PATCH", "/jobs/1", &json!([])).await, 400).await;
}

#[tokio::test]
async fn unique_fields() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    let ada = json!({"name": "Ada", "email": "ada@example.com"});
    assert_eq!(origin.send("POST", "/profiles", &ada).await.status(), 201);
    let twin = json!({"name": "Twin", "email": "ADA@example.com"});
    let body = problem(origin.send("POST", "/profiles", &twin).await, 409).await;
    assert_eq!(body["errors"][0]["field"], "email");
    problem(origin.send("PUT", "/profiles/9", &twin).await, 409).await;
    assert_eq!(
        origin.send("PUT", "/profiles/1", &ada).await.status(),
        200,
        "one's own is no conflict"
    );
}

#[tokio::test]
async fn health() {
    let database = Database::new();
    let origin = Origin::start(&database).await;
    for path in ["/healthz", "/readyz"] {
        let response = origin.get(path).await;
        assert_eq!(
            (response.status().as_u16(), field(&response, "cache-control")),
            (200, "no-store")
        );
    }
}
