//! Listings over seeded data: pages, filters, and what seeding promises.

use crate::support::{Database, Origin, field};
use serde_json::Value;

/// Follows `next` to the end; checks that `Link` says the same.
async fn walk(origin: &Origin, path: &str) -> Vec<Value> {
    let mut path = path.to_owned();
    let mut items = Vec::new();
    loop {
        let response = origin.get(&path).await;
        assert_eq!(response.status(), 200, "{path}");
        let link = response
            .headers()
            .get("link")
            .map(|link| link.to_str().unwrap().to_owned());
        let page: Value = response.json().await.unwrap();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else {
            assert_eq!((link, &page["next_cursor"]), (None, &Value::Null));
            return items;
        };
        assert_eq!(link.unwrap(), format!("<{next}>; rel=\"next\""));
        assert!(next.contains(page["next_cursor"].as_str().unwrap()));
        next.clone_into(&mut path);
    }
}

fn ids(items: &[Value]) -> Vec<i64> {
    items.iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn pages_show_every_object_once() {
    let database = Database::new();
    database.seed(205, 40, 1).await;
    let origin = Origin::start(&database).await;
    let everyone: Vec<i64> = (1..=205).collect();
    for path in [
        "/profiles",
        "/profiles?limit=1",
        "/profiles?limit=41",
        "/profiles?limit=100",
    ] {
        assert_eq!(ids(&walk(&origin, path).await), everyone, "{path}");
    }
    let list = origin.get("/jobs").await;
    assert_eq!(field(&list, "surrogate-key"), "jobs");
    assert_eq!(field(&list, "proxima-position"), "0:245");
    let etag = field(&list, "etag").to_owned();
    let unchanged = origin
        .request("GET", "/jobs")
        .header("if-none-match", etag)
        .send()
        .await
        .unwrap();
    assert_eq!(unchanged.status(), 304);
}

#[tokio::test]
async fn filters_agree_with_the_data() {
    let database = Database::new();
    database.seed(150, 150, 2).await;
    let origin = Origin::start(&database).await;
    let (profiles, jobs) = (
        walk(&origin, "/profiles?limit=100").await,
        walk(&origin, "/jobs?limit=100").await,
    );
    let has = |item: &Value, skill: &str| item["skills"].as_array().unwrap().iter().any(|s| s == skill);
    let at = |item: &Value, place: &str| item["location"].as_str().unwrap().starts_with(place);
    type Wanted<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: [(&str, &[Value], Wanted); 6] = [
        ("/profiles?skill=SQL", &profiles, Box::new(|p| has(p, "sql"))),
        (
            "/profiles?location=berlin",
            &profiles,
            Box::new(|p| at(p, "Berlin")),
        ),
        (
            "/profiles?skill=sql&location=Berlin%2C%20Germany",
            &profiles,
            Box::new(|p| has(p, "sql") && at(p, "Berlin")),
        ),
        (
            "/jobs?min_salary=150000",
            &jobs,
            Box::new(|j| j["salary_max"].as_i64() >= Some(150_000)),
        ),
        (
            "/jobs?skill=threat+modelling",
            &jobs,
            Box::new(|j| has(j, "threat modelling")),
        ),
        ("/jobs?location=%25", &jobs, Box::new(|_| false)),
    ];
    for (path, all, wanted) in cases {
        let expected: Vec<i64> = ids(all)
            .into_iter()
            .zip(all)
            .filter(|(_, o)| wanted(o))
            .map(|(id, _)| id)
            .collect();
        let small_pages = format!("{path}&limit=2");
        assert_eq!(ids(&walk(&origin, &small_pages).await), expected, "{path}");
    }
}

#[tokio::test]
async fn seeding_is_deterministic_and_happens_once() {
    let (one, two) = (Database::new(), Database::new());
    assert_eq!(one.seed(700, 50, 9).await, "added 700 profiles and 50 jobs\n");
    two.seed(700, 50, 9).await;
    let again = "already seeded with --profiles 700 --jobs 50 --seed 9: nothing added\n";
    assert_eq!(one.seed(700, 50, 9).await, again);
    assert_eq!(one.seed(5, 5, 1).await, again);
    let (a, b) = (Origin::start(&one).await, Origin::start(&two).await);
    for path in ["/profiles?limit=100", "/jobs?limit=100"] {
        assert_eq!(walk(&a, path).await, walk(&b, path).await);
    }
}
