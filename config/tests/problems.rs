//! What is wrong with a file is said at its place and with its remedy.

use std::path::Path;

use proxima_config::{Config, Overrides, Place, Problem, Problems, parse, render};

/// A file that loads; rows put their faults into it.
const SOUND: &str = r#"
[server]
region = "home"
listen = ["127.0.0.1:8080"]
[[region]]
name = "home"
coordinates = ["50.11", "8.68"]
origins = ["http://127.0.0.1:9000"]
"#;

fn read(text: &str) -> Result<Config, Problems> {
    parse(text, "proxima.toml", Path::new(""), &Overrides::default())
}

fn problems_of(text: &str) -> Vec<Problem> {
    read(text).expect_err(text).iter().cloned().collect()
}

/// Each row is added to [`SOUND`] and gives exactly one problem: key, part of the message, part of the remedy.
#[rustfmt::skip] // one row, one line
const ADDED: &[(&str, &str, &str, &str)] = &[
    // unknown keys and types
    ("[cahce]", "cahce", "unknown key", "did you mean `cache`?"),
    ("[cache]\nxyzzy = 1", "cache.xyzzy", "unknown key", "known here: max_body, fill_wait, refresh_ahead_percent, on_ring_failure, l1, ring"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\nttll = \"1s\"", "route[0].ttll", "unknown key", "did you mean `ttl`?"),
    ("[cache]\nmax_body = 8", "cache.max_body", "expected text in quotes, found 8", "max_body = \"8 MiB\""),
    ("[upstream]\nmax_retries = \"2\"", "upstream.max_retries", "expected a whole number", "max_retries = 2"),
    ("[upstream]\nmax_retries = 1.5", "upstream.max_retries", "expected a whole number, found 1.5", "max_retries = 2"),
    ("[cache]\nfill_wait = 1979-05-27", "cache.fill_wait", "found a date", "fill_wait = \"5s\""),
    ("[cache]\nl1 = 3", "cache.l1", "expected a table", "write it as a table headed `[cache.l1]`"),
    ("[feed]\nkind = \"orign\"", "feed.kind", "expected \"none\" or \"origin\"", "kind = \"origin\""),
    // numbers
    ("[upstream]\nmax_retries = -1", "upstream.max_retries", "-1 is outside 0..=16", "from 0 to 16"),
    ("[upstream]\nmax_fetches = 0", "upstream.max_fetches", "0 is outside 1..=65536", "from 1 to 65536"),
    ("[upstream]\nmax_queued_fetches = 1000001", "upstream.max_queued_fetches", "1000001 is outside 0..=1000000", "from 0 to 1000000"),
    ("[upstream.health]\nhealthy_after = 0", "upstream.health.healthy_after", "0 is outside 1..=1000", "from 1 to 1000"),
    // durations and sizes
    ("[upstream]\nread_timeout = \"30\"", "upstream.read_timeout", "does not end with one of ms, s", "read_timeout = \"60s\""),
    ("[upstream]\nread_timeout = \"-1s\"", "upstream.read_timeout", "whole number", "read_timeout = \"60s\""),
    ("[upstream]\nread_timeout = \"0s\"", "upstream.read_timeout", "\"0s\" is outside 1ms to 1d", "from \"1ms\" to \"1d\""),
    ("[upstream]\nread_timeout = \"9d\"", "upstream.read_timeout", "outside 1ms to 1d", "from \"1ms\" to \"1d\""),
    ("[upstream]\nfetch_queue_timeout = \"2h\"", "upstream.fetch_queue_timeout", "outside 1ms to 1h", "from \"1ms\" to \"1h\""),
    ("[cache.l1]\ncapacity = \"1 gig\"", "cache.l1.capacity", "is not a size", "capacity = \"64 MiB\""),
    ("[cache]\nmax_body = \"0\"", "cache.max_body", "outside 1 to", "write a size"),
    // admin and access log
    ("[admin]\nlisten = \"0.0.0.0:9090\"", "admin.listen", "asks for no token", "PROXIMA_ADMIN_TOKEN"),
    ("[admin]\ntoken = \"${PROXIMA_NO_SUCH}\"", "admin.token", "PROXIMA_NO_SUCH is not set", "set PROXIMA_NO_SUCH"),
    ("[admin]\ntoken = \"${OPEN\"", "admin.token", "without its `}`", "${NAME}"),
    ("[admin]\ntoken = \"\"", "admin.token", "is empty", "openssl rand"),
    ("[admin]\nlisten = \"127.0.0.1:8080\"", "admin.listen", "same address as `server.listen[0]`", "its own port"),
    ("[access_log]\nto = \"${LOG}\"", "access_log.to", "only read in secrets", "write the value itself"),
    ("[access_log]\nto = \"stdot\"", "access_log.to", "neither \"off\" nor \"stdout\"", "./access.log"),
    // upstream
    ("[upstream]\nhost = \"http://a\"", "upstream.host", "nor a host name", "without a scheme"),
    ("[upstream.health]\npath = \"readyz\"", "upstream.health.path", "is not a path", "write it from the root"),
    // routes
    ("[[route]]\npath = \"/a\"", "route[0].name", "missing", "add for instance `name = \"profiles\"`"),
    ("[[route]]\nname = \"a\"", "route[0].path", "missing", "path = \"/profiles/{id}\""),
    ("[[route]]\nname = \"A b\"\npath = \"/a\"", "route[0].name", "is not a name", "a-z, 0-9, _ and -"),
    ("[[route]]\nname = \"default\"\npath = \"/a\"", "route[0].name", "covers all other paths", "name it otherwise"),
    ("[[route]]\nname = \"a\"\npath = \"a\"", "route[0].path", "does not start with `/`", "/profiles/{id}"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\nttl = \"0s\"", "route[0].ttl", "caches nothing", "cache = false"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\nttl = \"99999d\"", "route[0].ttl", "is outside", "365d"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\nquery = []", "route[0].query", "names no parameter", "query = \"none\""),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\nquery = [\"a\", 2]", "route[0].query[1]", "found 2", "write it in quotes"),
    ("[admin]\ntoken = 12345", "admin.token", "found something else", "PROXIMA_ADMIN_TOKEN"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\nquery = 1", "route[0].query", "expected \"all\" or \"none\" or a list", "query = \"all\""),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\nquery = [\"x\", \"x\"]", "route[0].query[1]", "same parameter", "once"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\ntags = [\"x y\"]", "route[0].tags[0]", "cannot be part of a tag", "profile:{id}"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\ntags = [\"x:{id}\"]", "route[0].tags[0]", "`id`, which the path lacks", "route's path"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\n[[route]]\nname = \"a\"\npath = \"/b\"", "route[1].name", "same name as `route[0].name`", "its own name"),
    ("[[route]]\nname = \"a\"\npath = \"/a\"\n[[route]]\nname = \"b\"\npath = \"/a\"", "route[1].path", "never reached: `route[0].path`", "move it above"),
    ("[[route]]\nname = \"a\"\npath = \"/{r...}\"\n[[route]]\nname = \"b\"\npath = \"/b\"", "route[1].path", "never reached", "move it above"),
    // regions
    ("[[region]]\nname = \"home\"\naws_region = \"us-east-1\"", "region[1].name", "same name as `region[0].name`", "its own name"),
    ("[[region]]\nname = \"b\"", "region[1]", "where the region is", "aws_region"),
    ("[[region]]\nname = \"b\"\naws_region = \"us-west-9\"", "region[1].aws_region", "not a public AWS region", "did you mean \"us-west-"),
    ("[[region]]\nname = \"b\"\naws_region = \"us-east-1\"\ncoordinates = [\"1\", \"2\"]", "region[1].coordinates", "said twice", "remove"),
    ("[[region]]\nname = \"b\"\ncoordinates = [\"91\", \"2\"]", "region[1].coordinates", "latitude 91", "45.84"),
    ("[[region]]\nname = \"b\"\ncoordinates = [\"inf\", \"2\"]", "region[1].coordinates", "decimal numbers", "45.84"),
    ("[[region]]\nname = \"b\"\ncoordinates = [\"1\", 2]", "region[1].coordinates[1]", "expected text in quotes", "write it in quotes: \"2\""),
    ("[[region]]\nname = \"b\"\ncoordinates = [\"1\"]", "region[1].coordinates", "has 1 items instead of 2", "45.84"),
    ("[[region]]\nname = \"b\"\naws_region = \"us-east-1\"\nbias = 100", "region[1].bias", "100 is outside -99..=99", "from -99 to 99"),
    ("[[region]]\nname = \"b\"\naws_region = \"us-east-1\"\norigins = [\"api:1\"]", "region[1].origins[0]", "does not start with http://", "http://api.internal:9000"),
    ("[[region]]\nname = \"b\"\naws_region = \"us-east-1\"\norigins = [\"http://a\", \"http://A:80\"]", "region[1].origins[1]", "same origin", "once"),
    // ring and feed
    ("[cache.ring]", "cache.ring.nodes", "missing", "nodes = [\"10.0.0.5:11211\""),
    ("[cache.ring]\nnodes = []", "cache.ring.nodes", "no node", "remove `[cache.ring]`"),
    ("[cache.ring]\nnodes = [\"a:1\", \"b:2\", \"a:1\"]", "cache.ring.nodes[2]", "same node as `cache.ring.nodes[0]`", "once"),
    ("[cache.ring]\nnodes = [\"a:x\"]", "cache.ring.nodes[0]", "is not a node", "10.0.0.5:11211"),
    ("[cache.ring]\nnodes = [\"a:1:0\"]", "cache.ring.nodes[0]", "weight that is not a whole number from 1 to 1000", "where it is not 1"),
    ("[cache.ring]\nnodes = [\"a:1\", \"b:1:80\"]", "cache.ring.nodes[0]", "weight of 1 beside 81 in all gets it no keys", "at least 2"),
    ("[cache.ring]\nnodes = [\"a:1\", \"A:1:2\"]", "cache.ring.nodes[1]", "same node as `cache.ring.nodes[0]`", "once"),
    ("[cache.ring]\nnodes = [\"unix:/a\", \"unix:/a:2\"]", "cache.ring.nodes[1]", "same node as `cache.ring.nodes[0]`", "once"),
    ("[cache.ring]\nnodes = [\"a:1\"]\nca = \"ca.pem\"", "cache.ring.ca", "without TLS", "tls = true"),
    ("[cache.ring]\nnodes = [\"a:1\", \"unix:/b\"]\ntls = true", "cache.ring.nodes[1]", "Unix socket", "remove `tls = true`"),
    ("[cache.ring]\nnodes = [\"a:1\"]\ntls = true\nca = \"\"", "cache.ring.ca", "is not a path", "path of a file"),
    ("[cache.ring]\nnodes = [\"a:1\"]\nconnections = 65", "cache.ring.connections", "65 is outside 1..=64", "from 1 to 64"),
    ("[cache.ring]\nnodes = [\"a:1\"]\nmax_connections = 64", "cache.ring.max_connections", "unknown key", "connections"),
    ("[cache.ring]\nnodes = [\"a:1\"]\nlarge = \"l2\"", "cache.ring.large", "\"chunk\" or \"l1\"", "large = \"chunk\""),
    ("[cache.ring]\nnodes = [\"a:1\"]\ncompress_from = \"255\"", "cache.ring.compress_from", "outside 256 to 1 GiB", "write a size"),
    ("[cache.ring]\nnodes = [\"a:1\"]\nlease = \"0s\"", "cache.ring.lease", "outside 1s to 1h", "from \"1s\""),
    ("[cache.ring]\nnodes = [\"a:1\"]\nlease_wait = \"2h\"", "cache.ring.lease_wait", "outside 0s to 1h", "from \"0s\""),
    ("[cache.ring]\nnodes = [\"a:1\"]\ngutter_ttl = \"0s\"", "cache.ring.gutter_ttl", "outside 1s to 1h", "from \"1s\""),
    ("[cache.ring]\nnodes = [\"a:1\"]\nwarm_up = \"2d\"", "cache.ring.warm_up", "outside 0s to 1d", "from \"0s\""),
    ("[cache]\nrefresh_ahead_percent = 51", "cache.refresh_ahead_percent", "51 is outside 0..=50", "from 0 to 50"),
    ("[cache]\non_ring_failure = \"fail\"", "cache.on_ring_failure", "expected \"origin\" or \"stale\" or \"reject\"", "on_ring_failure = "),
    ("[cache.l1]\nhot_key_rate = 1000001", "cache.l1.hot_key_rate", "outside 0..=1000000", "from 0 to 1000000"),
    ("[feed]\nkind = \"origin\"\npath = \"feed?x\"", "feed.path", "is not a path", "from the root"),
];

#[test]
fn one_fault_gives_one_problem_with_its_key_and_remedy() {
    assert!(read(SOUND).is_ok());
    for (fault, key, message, remedy) in ADDED {
        let problems = problems_of(&format!("{SOUND}{fault}\n"));
        assert_eq!(problems.len(), 1, "{fault}\n{problems:#?}");
        let problem = &problems[0];
        assert_eq!(problem.key, *key, "{fault}");
        assert!(problem.message.contains(message), "{fault}\n{problem:#?}");
        assert!(problem.remedy.contains(remedy), "{fault}\n{problem:#?}");
        assert!(
            matches!(problem.place, Place::Text { line, .. } if line > 8),
            "{fault}\n{problem:#?}"
        );
    }
}

/// Each row replaces a part of [`SOUND`].
#[rustfmt::skip] // one row, one line
const REPLACED: &[(&str, &str, &str, &str, &str)] = &[
    ("region = \"home\"\n", "", "server.region", "is not said", "--region home"),
    ("region = \"home\"", "region = \"hme\"", "server.region", "no `[[region]]` is named \"hme\"", "did you mean \"home\"?"),
    ("region = \"home\"", "region = 7", "server.region", "found 7", "region = \"us-west\""),
    ("listen = [\"127.0.0.1:8080\"]", "", "server.listen", "nothing to listen on", "--listen 127.0.0.1:8080"),
    ("listen = [\"127.0.0.1:8080\"]", "listen = [1]", "server.listen[0]", "found 1", "write it in quotes: \"1\""),
    ("127.0.0.1:8080", "localhost:8080", "server.listen[0]", "not an address", "a number, not a name"),
    ("8080\"", "8080\", \"127.0.0.1:8080\"", "server.listen[1]", "same address", "its own port"),
    ("listen = ", "tls_listen = ", "server.tls_listen", "TLS needs a certificate", "[[server.certificate]]"),
    ("listen = ", "threads = 0\nlisten = ", "server.threads", "0 is outside 1..=1024", "from 1 to 1024"),
    ("listen = ", "max_connections = 99999999999999999999\nlisten = ", "server.max_connections", "out of range", "20000"),
    ("listen = ", "max_header = \"1 GiB\"\nlisten = ", "server.max_header", "outside 1 KiB to 1 MiB", "write a size"),
    ("origins = [\"http://127.0.0.1:9000\"]", "", "region", "no region has an origin", "--upstream"),
    ("name = \"home\"", "", "region[0].name", "missing", "name = \"us-west\""),
];

#[test]
fn a_sound_file_with_one_part_replaced() {
    for (part, with, key, message, remedy) in REPLACED {
        let text = SOUND.replacen(part, with, 1);
        let problems = problems_of(&text);
        let told = problems.iter().find(|problem| problem.key == *key);
        let problem = told.unwrap_or_else(|| panic!("{with}\n{problems:#?}"));
        assert!(problem.message.contains(message), "{with}\n{problem:#?}");
        assert!(problem.remedy.contains(remedy), "{with}\n{problem:#?}");
    }
}

const MANY: &str = r#"[server]
region = "home"
listen = ["127.0.0.1:8080", "nowhere"]
threads = 0
[cahce.l1]
capacity = "1 GiB"
[[region]]
name = "home"
coordinates = ["95", "8.68"]
origins = ["127.0.0.1:9000"]
[[route]]
name = "profiles"
path = "/profiles/{id}"
ttl = "60"
tags = ["profile:{name}"]
cache = "yes"
"#;

#[test]
fn all_faults_are_told_at_once_with_their_lines() {
    let told = problems_of(MANY).into_iter().map(|problem| match problem.place {
        Place::Text { line, column, .. } => (line, column, problem.key),
        other => panic!("{other:?}"),
    });
    let want = [
        (3, 29, "server.listen[1]"),
        (4, 11, "server.threads"),
        (5, 2, "cahce"),
        (9, 15, "region[0].coordinates"),
        (10, 12, "region[0].origins[0]"),
        (14, 7, "route[0].ttl"),
        (15, 9, "route[0].tags[0]"),
        (16, 9, "route[0].cache"),
    ];
    assert_eq!(
        told.collect::<Vec<_>>(),
        want.map(|(line, column, key)| (line, column, key.to_owned()))
    );
}

#[test]
fn plain_text_has_one_line_per_problem() {
    let text = read(MANY).unwrap_err().to_string();
    assert_eq!(text.lines().count(), 8);
    let first = "proxima.toml:3:29: server.listen[1]: \"nowhere\" is not an address with a port; write for";
    assert!(text.starts_with(first), "{text}");
}

#[test]
fn pictures_show_file_line_and_remedy_and_colour_only_when_asked() {
    let problems = read(MANY).unwrap_err();
    let plain = render(&problems, false);
    for part in [
        "proxima.toml:14:7",
        "ttl = \"60\"",
        "help: write a whole number and a unit",
        "8 problems in proxima.toml",
    ] {
        assert!(plain.contains(part), "{part}\n{plain}");
    }
    assert!(!plain.contains('\u{1b}'));
    assert!(render(&problems, true).contains('\u{1b}'));
}

#[test]
fn broken_toml_is_told_together_with_the_rest() {
    let problems = problems_of(&format!(
        "{SOUND}[cache]\nmax_body = \n[upstream]\nmax_retries = -1\n"
    ));
    let told: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert!(told.contains(&"upstream.max_retries"), "{problems:#?}");
    assert!(
        matches!(problems[0].place, Place::Text { line: 10, .. }),
        "{problems:#?}"
    );
}

#[test]
fn the_own_region_may_stand_above_the_tables() {
    let above = SOUND.replace("region = \"home\"\n", "");
    assert_eq!(
        read(&format!("region = \"home\"\n{above}")).unwrap(),
        read(SOUND).unwrap()
    );

    let misspelt = problems_of(&format!("\nregion = \"hme\"\n{above}"));
    assert_eq!(misspelt.len(), 1, "{misspelt:#?}");
    assert!(
        matches!(
            misspelt[0].place,
            Place::Text {
                line: 2,
                column: 10,
                ..
            }
        ),
        "{misspelt:#?}"
    );

    let twice = problems_of(&format!("region = \"home\"\n{SOUND}"));
    assert_eq!(twice.len(), 1, "{twice:#?}");
    assert_eq!(twice[0].message, "`server.region` says it too");
}
