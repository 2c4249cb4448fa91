//! What the server has to offer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::Barrier;

use super::server::{Answer, Reply, Request, State};

/// Answers to `request`, in time.
pub(super) async fn reply(state: &State, request: &Request) -> Reply {
    let path = request.path();
    let mut parts = path[1..].splitn(2, '/');
    let (first, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let number = rest.parse::<usize>();
    Reply::Answer(match (first, number) {
        ("", _) => text(200, "hello"),
        ("assets" | "style.css" | "images", _) => text(200, path),
        ("status", Ok(status)) => text(u16::try_from(status).unwrap(), rest),
        ("echo", _) => echo(request),
        ("json", _) => json_of(200, &fruit()),
        ("headers", _) => Answer {
            headers: request.query(),
            ..text(200, "see the headers")
        },
        ("bytes", Ok(length)) => Answer {
            body: vec![b'x'; length].into(),
            ..text(200, "")
        },
        ("gzip", _) => gzip(),
        ("slow", Ok(ms)) => {
            tokio::time::sleep(Duration::from_millis(ms as u64)).await;
            text(200, "at last")
        }
        ("together", Ok(count)) => {
            let all = state
                .together
                .lock()
                .entry(count)
                .or_insert_with(|| Arc::new(Barrier::new(count)))
                .clone();
            all.wait().await;
            text(200, "all are here")
        }
        ("redirect", Ok(0)) => text(200, "arrived"),
        ("redirect", Ok(hops)) => to(302, format!("/redirect/{}", hops - 1)),
        ("redirect-to", _) => redirect_to(request),
        ("cookies", _) if rest == "set" => set_cookies(request),
        ("cookies", _) => json_of(200, &cookies(request)),
        ("login", _) => login(request),
        ("account", _) => account(request),
        ("records", number) => records(state, request, number.ok()),
        ("stall", _) => return Reply::Stall,
        ("close", _) => return Reply::Close,
        ("reset", _) => return Reply::Reset,
        ("truncated", _) => return Reply::Truncated(text(200, "only half of this arrives")),
        _ => text(404, "there is no such page"),
    })
}

fn text(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn json_of(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into(),
    }
}

fn to(status: u16, location: String) -> Answer {
    let mut answer = text(status, "");
    answer.headers.push(("location".to_owned(), location));
    answer
}

/// The request, as it arrived.
fn echo(request: &Request) -> Answer {
    let mut headers: Map<String, Value> = Map::new();
    for (name, _) in &request.headers {
        headers.insert(name.clone(), request.header(name).into());
    }
    let hex: String = request.body.iter().map(|byte| format!("{byte:02x}")).collect();
    json_of(
        200,
        &json!({
            "method": request.method, "target": request.target, "proto": request.proto, "headers": headers,
            "body": String::from_utf8_lossy(&request.body), "hex": hex, "connection": request.connection,
        }),
    )
}

fn fruit() -> Value {
    json!({"fruit": [{"name": "apple", "grams": 150}, {"name": "pear", "grams": 180}], "a.b": true, "none": null})
}

/// Says that it is compressed, and is.
fn gzip() -> Answer {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"small again").unwrap();
    let mut answer = text(200, "");
    answer
        .headers
        .push(("content-encoding".to_owned(), "gzip".to_owned()));
    answer.body = encoder.finish().unwrap().into();
    answer
}

/// `?url=…&status=…`
fn redirect_to(request: &Request) -> Answer {
    let query: Map<String, Value> = request
        .query()
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let status = query
        .get("status")
        .and_then(Value::as_str)
        .map_or(302, |status| status.parse().unwrap());
    to(status, query["url"].as_str().unwrap().to_owned())
}

/// `?name=value; Path=/…`, as often as one likes.
fn set_cookies(request: &Request) -> Answer {
    let fields = request
        .query()
        .into_iter()
        .map(|(name, value)| ("set-cookie".to_owned(), format!("{name}={value}")));
    Answer {
        headers: fields.collect(),
        ..text(200, "take these")
    }
}

/// Those of the request.
fn cookies(request: &Request) -> Value {
    let field = request.header("cookie").unwrap_or_default();
    let pairs = field.split("; ").filter_map(|pair| pair.split_once('='));
    Value::Object(
        pairs
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect(),
    )
}

/// Takes the form `username=…&password=…`, and gives a session's cookie and a token.
fn login(request: &Request) -> Answer {
    let form: Vec<_> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    let user = form
        .iter()
        .find(|(name, _)| name == "username")
        .map(|(_, value)| value.as_str());
    let Some(user) = user.filter(|_| request.method == "POST") else {
        return json_of(401, &json!({"error": "who are you?"}));
    };
    let mut answer = json_of(200, &json!({"access": format!("token-of-{user}")}));
    let cookie = format!("session={user}; Path=/; HttpOnly");
    answer.headers.push(("set-cookie".to_owned(), cookie));
    answer
}

/// Only for those who are logged in, by the cookie or the token.
fn account(request: &Request) -> Answer {
    let session = cookies(request)["session"].as_str().map(str::to_owned);
    let token = request.header("authorization");
    let user = session.or_else(|| Some(token?.strip_prefix("Bearer token-of-")?.to_owned()));
    match user {
        Some(user) => json_of(200, &json!({"user": user})),
        None => json_of(403, &json!({"error": "log in first"})),
    }
}

/// Things that can be made, read, changed and deleted.
fn records(state: &State, request: &Request, id: Option<usize>) -> Answer {
    let mut records = state.records.lock();
    let body = serde_json::from_slice::<Value>(&request.body).unwrap_or(Value::Null);
    match (request.method.as_str(), id) {
        ("POST", None) => {
            let mut record = json!({"id": records.len() + 1});
            merge(&mut record, body);
            records.push(Some(record.clone()));
            json_of(201, &record)
        }
        ("GET", None) => json_of(200, &records.iter().flatten().cloned().collect()),
        (method, Some(id)) => match (records.get_mut(id.wrapping_sub(1)), method) {
            (Some(slot @ Some(_)), "DELETE") => {
                *slot = None;
                text(204, "")
            }
            (Some(Some(record)), "PATCH" | "PUT") => {
                merge(record, body);
                json_of(200, record)
            }
            (Some(Some(record)), "GET") => json_of(200, record),
            _ => json_of(404, &json!({"error": "no such record"})),
        },
        _ => text(405, "no"),
    }
}

fn merge(record: &mut Value, changes: Value) {
    if let (Value::Object(record), Value::Object(changes)) = (record, changes) {
        record.extend(changes);
    }
}
