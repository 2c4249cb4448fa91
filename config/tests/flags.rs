//! Flags stand above the file, and are enough without one.

use std::path::{Path, PathBuf};

use proxima_config::checked::{AccessLog, Certificate, Feed, HostRule, NodeAddress, RingNode, Ttl};
use proxima_config::{Config, Overrides, Place, Problems, from_flags, load, parse};

const FILE: &str = r#"
[server]
region = "west"
listen = ["127.0.0.1:8080"]
[[server.certificate]]
cert = "file.pem"
key = "/etc/file.key"
[[region]]
name = "west"
aws_region = "us-west-2"
origins = ["http://west:9000"]
[[region]]
name = "east"
aws_region = "us-east-1"
origins = ["http://east:9000"]
"#;

fn read(overrides: &Overrides) -> Result<Config, Problems> {
    parse(FILE, "proxima.toml", Path::new("conf"), overrides)
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

#[test]
fn without_flags_the_file_decides() {
    let config = read(&Overrides::default()).unwrap();
    assert_eq!(config.regions.own().name, "west");
    assert_eq!(config.server.certificates[0].cert, Path::new("conf/file.pem"));
    assert_eq!(config.server.certificates[0].key, Path::new("/etc/file.key"));
    assert_eq!(config.routes.len(), 1);
    assert!(config.routes[0].path.is_catch_all());
}

#[test]
fn every_flag_replaces_its_key() {
    let overrides = Overrides {
        region: Some("east".to_owned()),
        upstream: texts(&["http://a:1", "http://b:2"]),
        listen: texts(&["127.0.0.1:1", "127.0.0.1:2"]),
        tls_listen: texts(&["127.0.0.1:3"]),
        tls_cert: Some(PathBuf::from("flag.pem")),
        tls_key: Some(PathBuf::from("flag.key")),
        memcached: texts(&["cache:11211", "[::1]:7:3", "unix:/run/m.sock"]),
        admin: Some("127.0.0.1:4".to_owned()),
        threads: Some(3),
        l1_capacity: Some("0".to_owned()),
    };
    let config = read(&overrides).unwrap();
    assert_eq!(config.regions.own().name, "east");
    let origins = config.regions.regions.iter().map(|region| region.origins.len());
    assert_eq!(origins.collect::<Vec<_>>(), [1, 2]);
    assert_eq!(config.server.listen.len(), 2);
    assert_eq!(config.server.tls_listen.len(), 1);
    let pair = Certificate {
        cert: "flag.pem".into(),
        key: "flag.key".into(),
    };
    assert_eq!(config.server.certificates, [pair]);
    let nodes = config.cache.ring.unwrap().nodes;
    let tcp = |host: &str, port| NodeAddress::Tcp {
        host: host.to_owned(),
        port,
    };
    let node = |address, weight| RingNode { address, weight };
    let unix = NodeAddress::Unix("/run/m.sock".into());
    assert_eq!(
        nodes,
        [
            node(tcp("cache", 11211), 1),
            node(tcp("::1", 7), 3),
            node(unix, 1)
        ]
    );
    assert_eq!(config.admin.unwrap().listen.port(), 4);
    assert_eq!(config.server.threads, Some(3));
    assert_eq!(config.cache.l1.capacity_bytes, 0);
}

#[test]
fn a_problem_in_a_flag_names_the_flag() {
    let rows: [(&str, Overrides); 8] = [
        (
            "--region",
            Overrides {
                region: Some("north".into()),
                ..Overrides::default()
            },
        ),
        (
            "--upstream",
            Overrides {
                upstream: texts(&["api:1"]),
                ..Overrides::default()
            },
        ),
        (
            "--listen",
            Overrides {
                listen: texts(&["8080"]),
                ..Overrides::default()
            },
        ),
        (
            "--memcached",
            Overrides {
                memcached: texts(&["a:1", "a:1"]),
                ..Overrides::default()
            },
        ),
        (
            "--admin",
            Overrides {
                admin: Some("0.0.0.0:1".into()),
                ..Overrides::default()
            },
        ),
        (
            "--threads",
            Overrides {
                threads: Some(0),
                ..Overrides::default()
            },
        ),
        (
            "--l1-capacity",
            Overrides {
                l1_capacity: Some("much".into()),
                ..Overrides::default()
            },
        ),
        (
            "--tls-cert",
            Overrides {
                tls_cert: Some("a.pem".into()),
                ..Overrides::default()
            },
        ),
    ];
    for (flag, overrides) in rows {
        let problems = read(&overrides).expect_err(flag);
        assert_eq!(problems.iter().count(), 1, "{problems}");
        assert!(
            problems.iter().all(|problem| problem.place == Place::Flag(flag)),
            "{flag}\n{problems:?}"
        );
        assert!(
            problems.to_string().starts_with(&format!("{flag}: ")),
            "{problems}"
        );
    }
}

#[test]
fn flags_alone_obey_the_origin() {
    let overrides = Overrides {
        upstream: texts(&["http://127.0.0.1:9000"]),
        listen: texts(&["127.0.0.1:0"]),
        ..Overrides::default()
    };
    let config = from_flags(&overrides).unwrap();
    assert_eq!(config.regions.own().name, "local");
    assert_eq!(config.regions.own().origins[0].authority(), "127.0.0.1:9000");
    assert_eq!(config.routes.len(), 1);
    assert!(config.routes[0].cache && config.routes[0].ttl == Ttl::Origin);
    assert_eq!(config.upstream.host, HostRule::Preserve);
    assert_eq!(config.access_log, AccessLog::Off);
    assert_eq!(config.feed, Feed::None);
    assert_eq!((config.admin, config.cache.ring), (None, None));

    let named = from_flags(&Overrides {
        region: Some("us-west".into()),
        ..overrides
    })
    .unwrap();
    assert_eq!(named.regions.own().name, "us-west");
}

#[test]
fn flags_alone_tell_what_is_missing() {
    let problems = from_flags(&Overrides::default()).unwrap_err().to_string();
    assert_eq!(problems.lines().count(), 2, "{problems}");
    assert!(
        problems.contains("--upstream: no origin is given; give `--upstream http://127.0.0.1:9000`"),
        "{problems}"
    );
    assert!(problems.contains("give `--listen 127.0.0.1:8080`"), "{problems}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let problems = load(&folder.path().join("none.toml"), &Overrides::default()).unwrap_err();
    let text = problems.to_string();
    assert!(
        text.contains("none.toml: cannot be read: ") && text.contains("-c FILE"),
        "{text}"
    );
    std::fs::write(folder.path().join("bytes.toml"), [0xff, 0xfe]).unwrap();
    assert!(load(&folder.path().join("bytes.toml"), &Overrides::default()).is_err());
}
