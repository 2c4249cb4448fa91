//! Why an answer was what it was: `proxima explain`, `POST /explain` and `Proxima-Explain`.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::Duration;

use proxima_local::{Asked, Proxy, Say, Scripted, World, answer};
use serde_json::{Value, json};

use crate::OBEY;
use crate::reads::{cache_status, small, small_with, url};
use crate::tiers::ring_has;

/// An origin whose answers have these fields.
async fn says(fields: &'static [(&'static str, &'static str)]) -> Scripted {
    Scripted::start(move |_: &Asked| answer("200 OK", fields, "hello")).await
}

/// Answers a read, so that it may be stored.
async fn read(world: &World, path: &str) -> String {
    let answer = world.client().get(url(world, path)).send().await.unwrap();
    let status = cache_status(&answer);
    answer.bytes().await.unwrap();
    status
}

async fn ask(proxy: &Proxy, inquiry: &Value) -> Value {
    let explain = format!("{}/explain", proxy.admin_url());
    let answer = reqwest::Client::new().post(explain).json(inquiry).send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

/// What the first proxy says of a GET for a path with some fields.
async fn explained(world: &World, path: &str, headers: &[(&str, &str)]) -> Value {
    let inquiry = json!({"url": url(world, path), "headers": headers});
    ask(&world.regions()[0].proxy(), &inquiry).await
}

/// Decision, directive and rule.
fn decision(report: &Value) -> (&str, &str, &str) {
    let member = |name: &str| report["decision"][name].as_str().unwrap();
    (member("decision"), member("directive"), member("rule"))
}

/// Holds the sums of a report to what they claim, and returns the one of a tier.
fn sum_of(report: &Value, tier: usize) -> &Value {
    let sum = &report["tiers"][tier]["stored"]["freshness"];
    let ms = |name: &str| sum[name].as_i64().unwrap();
    assert_eq!(ms("age_ms"), ms("resident_ms") + ms("initial_age_ms"));
    assert_eq!(ms("left_ms"), ms("lifetime_ms") - ms("used_ms"));
    sum
}

#[tokio::test]
async fn a_hit_is_the_sum_of_its_freshness() {
    let origin = says(&[("cache-control", "max-age=60"), ("age", "20"), ("etag", "\"v1\"")]).await;
    let world = small(&origin).await;
    read(&world, "/profiles/7").await;
    let report = explained(&world, "/profiles/%37", &[]).await;
    assert_eq!(decision(&report), ("hit", "max-age", "RFC 9111 section 4.2.1"));
    assert_eq!(report["decision"]["tier"], "l1");
    assert_eq!(report["decision"]["status"], 200);
    assert_eq!(report["key"], "https://api.recruiting.example/profiles/7");
    assert!(report["memcached_key"].as_str().unwrap().starts_with("px1:"));
    assert_eq!(report["route"]["name"], "all");
    assert_eq!(report["tiers"][0]["state"], "stored");
    assert_eq!(report["tiers"][1]["state"], "off");
    let sum = sum_of(&report, 0);
    assert_eq!(sum["initial_age_ms"], 20_000);
    assert_eq!(
        (&sum["lifetime_from"], &sum["counts_from"]),
        (&json!("max-age"), &json!("origin"))
    );
    assert_eq!(
        origin.asked(),
        1,
        "what is stored is explained without the origin"
    );
    let met = explained(&world, "/profiles/7", &[("if-none-match", "\"v1\"")]).await;
    assert_eq!(met["decision"]["status"], 304);
}

#[tokio::test]
async fn looking_moves_nothing_between_the_tiers() {
    let origin = says(&[("cache-control", "max-age=60"), ("vary", "accept")]).await;
    let world = World::builder()
        .regions(&["us-west"])
        .external_origin(origin.url())
        .proxies_per_region(2)
        .routes(OBEY);
    let world = world.start().await.unwrap();
    read(&world, "/a").await;
    let proxies = world.region("us-west").proxies();
    ring_has(&proxies[0], 2).await;
    let inquiry = json!({"url": format!("{}/a", proxies[1].https_url()), "headers": [["accept", "*/*"]]});
    for _ in 0..2 {
        let report = ask(&proxies[1], &inquiry).await;
        assert_eq!(decision(&report).0, "hit");
        assert_eq!(report["decision"]["tier"], "l2");
        assert_eq!(report["tiers"][0]["state"], "nothing", "not even after a look");
        assert_eq!(report["tiers"][1]["state"], "stored");
        assert!(report["ring_node"].is_string());
    }
    let other = json!({"url": format!("{}/a", proxies[1].https_url()), "headers": [["accept", "a/b"]]});
    let report = ask(&proxies[1], &other).await;
    assert_eq!(report["decision"]["fwd"], "vary-miss");
    assert_eq!(
        report["tiers"][1],
        json!({"tier": "l2", "state": "other-variants", "variants_by": [{"name": "accept", "value": "a/b"}]})
    );
    let metrics = reqwest::get(format!("{}/metrics", proxies[1].admin_url()))
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains(r#"proxima_ring_operations_total{operation="get",result="hit",region="us-west"} 0"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn what_is_stale_is_validated_or_served_within_its_window() {
    let origin = Scripted::start(|asked| {
        let control = match asked.target() {
            "/window" => "max-age=1, stale-while-revalidate=60",
            _ => "max-age=1, stale-if-error=60",
        };
        answer("200 OK", &[("cache-control", control), ("etag", "\"v1\"")], "x")
    })
    .await;
    let world = small(&origin).await;
    read(&world, "/window").await;
    read(&world, "/none").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let report = explained(&world, "/window", &[]).await;
    assert_eq!(
        decision(&report),
        ("stale", "stale-while-revalidate", "RFC 5861 section 3")
    );
    let report = explained(&world, "/none", &[]).await;
    assert_eq!(
        decision(&report),
        ("validate", "max-age", "RFC 9111 section 4.2.1")
    );
    assert_eq!(report["decision"]["fwd"], "stale");
    assert_eq!(
        report["decision"]["conditions"],
        json!([r#"if-none-match: "v1""#])
    );
    let windows = &sum_of(&report, 0)["windows"];
    assert_eq!(
        (&windows[1]["name"], &windows[1]["open"], &windows[1]["from"]),
        (&json!("stale-if-error"), &json!(true), &json!("origin"))
    );
    let taken = explained(&world, "/none", &[("cache-control", "max-stale")]).await;
    assert_eq!(decision(&taken).1, "max-stale in the request");
    assert_eq!(origin.asked(), 2, "nothing was refreshed");
}

#[tokio::test]
async fn where_nothing_is_stored_the_origin_is_asked_once_and_nothing_kept() {
    let origin = Scripted::start(|asked| {
        let fields: &[_] = match asked.target() {
            "/no-store" => &[("cache-control", "no-store")],
            "/private" => &[("cache-control", "private, max-age=60")],
            "/cookie" => &[("cache-control", "max-age=60"), ("set-cookie", "id=secret")],
            "/targeted" => &[("cache-control", "no-store"), ("cdn-cache-control", "max-age=30")],
            "/heuristic" => &[("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")],
            "/vary" => &[("cache-control", "max-age=60"), ("vary", "*")],
            _ => &[("cache-control", "max-age=60")],
        };
        answer("200 OK", fields, "x")
    })
    .await;
    let world = small(&origin).await;
    for (path, because, rule) in [
        ("/no-store", "no-store", "RFC 9111 section 5.2.2.5"),
        ("/private", "private", "RFC 9111 section 5.2.2.7"),
        (
            "/cookie",
            "Set-Cookie, and no public or s-maxage (route: set_cookie)",
            "RFC 9111 section 7.3",
        ),
        (
            "/vary",
            "Vary on everything, or on what the origin is not sent as the client sent it",
            "RFC 9111 section 4.1",
        ),
    ] {
        let report = explained(&world, path, &[]).await;
        assert_eq!(decision(&report).0, "miss");
        assert_eq!(report["decision"]["fwd"], "uri-miss");
        let said = &report["origin"];
        assert_eq!(
            (&said["stored"], &said["because"], &said["rule"]),
            (&json!(false), &json!(because), &json!(rule))
        );
        assert_eq!(said["status"], 200);
        assert!(!said.to_string().contains("secret"), "cookies are somebody's");
    }
    for (path, from, rule, lifetime_ms) in [
        ("/plain", "max-age", "RFC 9111 section 4.2.1", 60_000),
        ("/targeted", "max-age", "RFC 9213 section 2.2", 30_000),
        (
            "/heuristic",
            "last-modified",
            "RFC 9111 section 4.2.2",
            86_400_000,
        ),
    ] {
        let report = explained(&world, path, &[]).await;
        let said = &report["origin"];
        assert_eq!(said["stored"], true);
        let sum = &said["freshness"];
        assert_eq!(
            (&sum["lifetime_from"], &sum["rule"], &sum["lifetime_ms"]),
            (&json!(from), &json!(rule), &json!(lifetime_ms))
        );
    }
    assert_eq!(origin.asked(), 7);
    assert_eq!(
        explained(&world, "/plain", &[]).await["decision"]["fwd"],
        "uri-miss"
    );
    assert_eq!(origin.asked(), 8, "what was tried out was not stored");
    let inquiry = json!({"url": url(&world, "/plain"), "stored_only": true});
    let report = ask(&world.regions()[0].proxy(), &inquiry).await;
    assert_eq!(
        (report.get("origin"), origin.asked()),
        (None, 8),
        "asked for what is stored only"
    );
}

#[tokio::test]
async fn the_routes_word_goes_before_the_origins() {
    let origin = says(&[("cache-control", "max-age=5")]).await;
    let routes = "[[route]]\nname = 'never'\npath = '/never'\ncache = false\n\
                  [[route]]\nname = 'deaf'\npath = '/{rest...}'\nttl = '90s'\nclient_cache_control = 'ignore'\n";
    let world = World::builder()
        .regions(&["us-west"])
        .memcached_per_region(0)
        .external_origin(origin.url())
        .routes(routes);
    let world = world.start().await.unwrap();
    read(&world, "/x").await;
    let report = explained(&world, "/x", &[("cache-control", "no-cache")]).await;
    assert_eq!(
        decision(&report),
        ("hit", "the route's ttl", "configuration: ttl of the route")
    );
    assert_eq!(
        (&report["request"]["directives"], &report["request"]["obeyed"]),
        (&json!(["no-cache"]), &json!(false))
    );
    let sum = sum_of(&report, 0);
    assert_eq!(
        (&sum["lifetime_ms"], &sum["counts_from"]),
        (&json!(90_000), &json!("receipt"))
    );
    let report = explained(&world, "/never", &[]).await;
    assert_eq!(
        decision(&report),
        (
            "bypass",
            "cache of the route",
            "configuration: cache of the route"
        )
    );
    assert_eq!(report["key"], "https://api.recruiting.example/never");
    let report = explained(&world, "/x", &[("if-match", "*")]).await;
    assert_eq!(
        decision(&report),
        ("bypass", "If-Match", "RFC 9111 section 4.3.2")
    );
    assert_eq!(origin.asked(), 1);
}

#[tokio::test]
async fn requests_that_ask_for_more_are_told_which_directive_decided() {
    let origin = says(&[("cache-control", "max-age=60")]).await;
    let world = small(&origin).await;
    let refused = explained(&world, "/x", &[("cache-control", "only-if-cached")]).await;
    assert_eq!(
        decision(&refused),
        (
            "refused",
            "only-if-cached in the request",
            "RFC 9111 section 5.2.1.7"
        )
    );
    assert_eq!((&refused["decision"]["status"], origin.asked()), (&json!(504), 0));
    read(&world, "/x").await;
    for (control, directive, rule) in [
        ("no-cache", "no-cache in the request", "RFC 9111 section 5.2.1.4"),
        ("max-age=0", "max-age in the request", "RFC 9111 section 5.2.1.1"),
        (
            "min-fresh=90",
            "min-fresh in the request",
            "RFC 9111 section 5.2.1.3",
        ),
    ] {
        let report = explained(&world, "/x", &[("cache-control", control)]).await;
        assert_eq!(decision(&report), ("miss", directive, rule));
        assert_eq!(report["decision"]["fwd"], "request");
    }
}

#[tokio::test]
async fn what_a_write_has_changed_is_below_a_floor() {
    let world = World::builder()
        .regions(&["us-west", "eu-central"])
        .start()
        .await
        .unwrap();
    let (here, there) = (
        world.region("us-west").proxy(),
        world.region("eu-central").proxy(),
    );
    let inquiry = json!({"url": format!("{}/profiles/7", here.https_url())});
    let get = world.client().get(format!("{}/profiles/7", here.https_url()));
    get.send().await.unwrap().bytes().await.unwrap();
    let before = ask(&here, &inquiry).await;
    assert_eq!(before["tiers"][0]["stored"]["validity"]["admitted"], true);
    assert_eq!(before["feed"]["current"], true);
    let patch = world.client().patch(format!("{}/profiles/7", there.https_url()));
    patch.json(&json!({"name": "New"})).send().await.unwrap();
    let mut report = ask(&here, &inquiry).await;
    while report["decision"]["directive"] != "invalidation" {
        tokio::time::sleep(Duration::from_millis(5)).await;
        report = ask(&here, &inquiry).await;
    }
    assert_eq!(decision(&report).2, "RFC 9111 section 4.4");
    let validity = &report["tiers"][0]["stored"]["validity"];
    assert_eq!(validity["admitted"], false);
    assert_eq!(validity["barred_by"], json!(["profile:7"]));
    assert!(validity["floor"].is_string() && validity["position"].is_string());
}

#[tokio::test]
async fn bad_inquiries_are_refused_with_a_remedy() {
    let origin = says(&[]).await;
    let world = small_with(&origin, "admin.token = 'secret'").await;
    let explain = format!("{}/explain", world.regions()[0].proxy().admin_url());
    let client = reqwest::Client::new();
    let post = async |token: &str, body: &'static str| {
        let request = client.post(&explain).bearer_auth(token).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap();
        (status, problem["detail"].as_str().unwrap().to_owned())
    };
    for (body, status, remedy) in [
        ("", 400, r#"{"url":"https://api.example/profiles/7"}"#),
        (r#"{"url":"/profiles/7"}"#, 400, "https://api.example/profiles/7"),
        (
            r#"{"url":"http://a/","method":"PUT"}"#,
            400,
            "explain GET or HEAD",
        ),
        (r#"{"url":"http://a/%zz"}"#, 400, "two hexadecimal digits"),
        (
            r#"{"url":"http://a/","headers":[["a b","c"]]}"#,
            400,
            "`Name: value`",
        ),
        (r#"{"uri":"http://a/"}"#, 400, "unknown field `uri`"),
    ] {
        let (code, detail) = post("secret", body).await;
        assert_eq!(code, status, "{detail}");
        assert!(detail.contains(remedy), "{remedy} is not in: {detail}");
    }
    assert_eq!(post("wrong", "{}").await.0, 401);
}

fn proxima(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proxima"))
        .args(args)
        .env_remove("PROXIMA_ADMIN_TOKEN")
        .output()
        .unwrap()
}

/// Exit code, output and diagnostics.
async fn said(args: &[&str]) -> (i32, String, String) {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let run = move || proxima(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn the_command_tells_people_and_programs() {
    let origin = says(&[("cache-control", "max-age=60"), ("vary", "accept-language")]).await;
    let world = small_with(&origin, "admin.token = 'secret'").await;
    let proxy = world.regions()[0].proxy();
    let get = world
        .client()
        .get(url(&world, "/x"))
        .header("accept-language", "de");
    get.send().await.unwrap().bytes().await.unwrap();
    let (admin, file, url) = (
        proxy.admin_url(),
        proxy.config_path().to_str().unwrap().to_owned(),
        url(&world, "/x"),
    );
    let base = ["explain", &url, "--admin", &admin, "-H", "Accept-Language: de"];
    let (code, text, errors) = said(&[&base[..], &["-c", &file]].concat()).await;
    assert_eq!((code, errors.as_str()), (0, ""), "the token is in the file");
    for line in [
        "decision   hit from l1, status 200",
        "decided by max-age",
        "rule       RFC 9111 section 4.2.1",
        "key        https://api.recruiting.example/x",
        "variant accept-language: de",
        "lifetime 60 s from max-age",
        "l2         not configured",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    let (code, text, _) = said(&[&base[..], &["--token", "secret", "--json"]].concat()).await;
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(decision(&report).0, "hit");
    let french = [
        "explain",
        &url,
        "--admin",
        &admin,
        "--token",
        "secret",
        "-H",
        "Accept-Language: fr",
    ];
    let (_, text, _) = said(&[&french[..], &["--method", "HEAD"]].concat()).await;
    assert!(
        text.starts_with("HEAD ") && text.contains("fwd=vary-miss"),
        "{text}"
    );
    assert!(text.contains("it would be stored: nothing forbids it"), "{text}");
    let (_, text, _) = said(&[&french[..], &["--stored-only"]].concat()).await;
    assert!(!text.contains("asked just now"), "{text}");
    assert_eq!(origin.asked(), 2);
}

#[tokio::test]
async fn the_command_says_what_to_do_when_it_cannot_explain() {
    let origin = says(&[]).await;
    let world = small_with(&origin, "admin.token = 'secret'").await;
    let proxy = world.regions()[0].proxy();
    let admin = proxy.admin_url();
    let file = proxy.config_path().to_str().unwrap();
    for (args, exit, remedy) in [
        (&["http://a/", "--admin", &admin][..], 1, "PROXIMA_ADMIN_TOKEN"),
        (
            &["http://a/", "--admin", &admin, "--token", "wrong"],
            1,
            "--token",
        ),
        (
            &["http://a/", "--admin", "127.0.0.1:1"],
            1,
            "--admin HOST:PORT names another",
        ),
        (&["http://a/", "--admin", "nowhere"], 1, "127.0.0.1:9090"),
        (
            &["http://a/", "--admin", &origin.url()],
            1,
            "is it the admin address of a proxima",
        ),
        (
            &["http://a/", "-c", file],
            1,
            "the line that `proxima run` printed",
        ),
        (&["http://a/", "-c", "/no/such/file.toml"], 1, "file.toml"),
        (
            &["/profiles/7", "--admin", &admin],
            1,
            "https://api.example/profiles/7",
        ),
        (&["http://a/", "-H", "accept"], 2, "Name: value"),
        (&["http://a/", "--method", "PUT"], 2, "HEAD"),
        (&[], 2, "Usage"),
    ] {
        let (code, text, errors) = said(&[&["explain"], args].concat()).await;
        assert_eq!((code, text.as_str()), (exit, ""), "{args:?}: {errors}");
        assert!(errors.contains(remedy), "{remedy} is not in: {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
}

/// The members of the field in an answer; `None` without the field.
fn members(answer: &reqwest::Response) -> Option<BTreeMap<String, String>> {
    let value = answer.headers().get("proxima-explain")?.to_str().unwrap();
    let dictionary: sfv::Dictionary = sfv::Parser::new(value).parse().unwrap();
    let text = |entry: &sfv::ListEntry| match entry {
        sfv::ListEntry::Item(item) => match &item.bare_item {
            sfv::BareItem::Token(token) => token.as_str().to_owned(),
            sfv::BareItem::String(text) => text.as_str().to_owned(),
            sfv::BareItem::Integer(number) => i64::from(*number).to_string(),
            sfv::BareItem::Boolean(is) => is.to_string(),
            other => panic!("{other:?}"),
        },
        sfv::ListEntry::InnerList(_) => panic!("no lists"),
    };
    let pairs = dictionary
        .iter()
        .map(|(name, entry)| (name.as_str().to_owned(), text(entry)));
    Some(pairs.collect())
}

/// An origin with answers of every kind, which says something of its own in our field.
async fn many_faced() -> Scripted {
    Scripted::start(|asked| {
        let ours = ("proxima-explain", "origin");
        let control = |control| ("cache-control", control);
        match asked.target() {
            "/no-store" => answer("200 OK", &[control("no-store"), ours], "x"),
            "/short" if !asked.field("if-none-match").is_empty() => {
                answer("304 Not Modified", &[control("max-age=1")], "")
            }
            "/short" => answer("200 OK", &[control("max-age=1"), ("etag", "\"a\""), ours], "x"),
            "/fails" if asked.number > 3 => answer("503 Service Unavailable", &[], ""),
            "/fails" => answer("200 OK", &[control("max-age=1, stale-if-error=60"), ours], "x"),
            "/broken" => Say::nothing(),
            _ => answer("200 OK", &[control("max-age=60"), ours], "x"),
        }
    })
    .await
}

#[tokio::test]
async fn where_it_is_allowed_an_answer_explains_itself_in_both_protocols() {
    for h2 in [true, false] {
        let origin = many_faced().await;
        let world = small_with(&origin, "server.explain_header = true").await;
        let client = if h2 { world.client() } else { world.client_h1() };
        let ask = async |path: &str, fields: &[(&str, &str)]| {
            let mut request = client.get(url(&world, path)).header("proxima-explain", "1");
            for (name, value) in fields {
                request = request.header(*name, *value);
            }
            let answer = request.send().await.unwrap();
            let told = members(&answer).unwrap();
            answer.bytes().await.unwrap();
            told
        };
        let tells = |told: &BTreeMap<String, String>, pairs: &[(&str, &str)]| {
            for (name, value) in pairs {
                assert_eq!(
                    told.get(*name).map(String::as_str),
                    Some(*value),
                    "{name} in {told:?}"
                );
            }
        };
        let told = ask("/no-store", &[]).await;
        tells(
            &told,
            &[
                ("decision", "miss"),
                ("fwd", "uri-miss"),
                ("stored", "false"),
                ("because", "no-store"),
                ("rule", "RFC 9111 section 5.2.2.5"),
            ],
        );
        let told = ask("/short", &[]).await;
        tells(
            &told,
            &[("decision", "miss"), ("stored", "true"), ("lifetime", "1")],
        );
        ask("/fails", &[]).await;
        let told = ask("/a", &[]).await;
        tells(
            &told,
            &[("decision", "miss"), ("stored", "true"), ("from", "max-age")],
        );
        let told = ask("/a", &[]).await;
        let key = "https://api.recruiting.example/a";
        tells(
            &told,
            &[
                ("decision", "hit"),
                ("tier", "l1"),
                ("key", key),
                ("route", "all"),
                ("lifetime", "60"),
                ("from", "max-age"),
                ("rule", "RFC 9111 section 4.2.1"),
            ],
        );
        let told = ask("/new", &[("cache-control", "only-if-cached")]).await;
        tells(
            &told,
            &[("decision", "refused"), ("rule", "RFC 9111 section 5.2.1.7")],
        );
        let told = ask("/a", &[("if-match", "*")]).await;
        tells(
            &told,
            &[("decision", "bypass"), ("because", "If-Match"), ("key", key)],
        );
        let told = ask("/broken", &[]).await;
        tells(&told, &[("decision", "failed"), ("fwd", "uri-miss")]);
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let told = ask("/short", &[]).await;
        tells(
            &told,
            &[("decision", "validated"), ("rule", "RFC 9111 section 4.3.4")],
        );
        let told = ask("/fails", &[]).await;
        tells(&told, &[("decision", "stale"), ("rule", "RFC 5861 section 4")]);
        for path in ["/no-store", "/a", "/short"] {
            for asked in origin.asked_for(path) {
                assert_eq!(asked.field("proxima-explain"), "", "it stays here");
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_told_who_did_not_ask_or_may_not_know() {
    let origin = many_faced().await;
    let open = small_with(&origin, "server.explain_header = true").await;
    let shut = small(&origin).await;
    for (world, fields) in [(&open, &[][..]), (&open, &["0"]), (&open, &[""]), (&shut, &["1"])] {
        for client in [world.client(), world.client_h1()] {
            for (path, method) in [
                ("/no-store", "GET"),
                ("/a", "GET"),
                ("/a", "GET"),
                ("/a", "HEAD"),
                ("/a", "POST"),
            ] {
                let mut request = client.request(method.parse().unwrap(), url(world, path));
                for value in fields {
                    request = request.header("proxima-explain", *value);
                }
                let answer = request.send().await.unwrap();
                assert!(members(&answer).is_none(), "{method} {path} {fields:?}");
            }
        }
    }
}
