//! Checked → text: the configuration in force, every default written out.

use std::path::Path;

use crate::checked::{
    AccessLog, Admin, Cache, Certificate, ClientCacheControl, Config, Feed, HostRule, Large, OnRingFailure,
    QueryRule, Ring, Route, Server, SetCookie, Ttl, Upstream,
};
use crate::geo::Region;
use crate::quantity::{format_duration, format_size};
use crate::raw::{self, DurationText, Raw, SizeText};

/// The effective configuration as TOML, secrets redacted. Without secrets [`crate::parse`] reads it back as the
/// same configuration, given an empty `base_dir`: paths are written as they are used.
pub fn to_toml(config: &Config) -> String {
    let raw = Raw {
        server: server(&config.server, config.regions.own().name.clone()),
        region: config.regions.regions.iter().map(region).collect(),
        route: config.routes.iter().map(route).collect(),
        upstream: upstream(&config.upstream),
        cache: cache(&config.cache),
        feed: feed(&config.feed),
        admin: config.admin.as_ref().map(admin),
        access_log: access_log(&config.access_log),
    };
    toml::to_string(&raw).expect("raw types are tables of texts, numbers and lists, all of which TOML has")
}

fn server(server: &Server, own: String) -> raw::Server {
    raw::Server {
        region: Some(own),
        listen: texts(&server.listen),
        tls_listen: texts(&server.tls_listen),
        threads: server.threads,
        max_connections: server.max_connections,
        max_header: size(server.max_header_bytes as u64),
        header_timeout: duration(server.header_timeout),
        keepalive_timeout: duration(server.keepalive_timeout),
        body_timeout: duration(server.body_timeout),
        shutdown_grace: duration(server.shutdown_grace),
        certificate_poll: duration(server.certificate_poll),
        explain_header: server.explain_header,
        certificate: server.certificates.iter().map(certificate).collect(),
    }
}

fn certificate(pair: &Certificate) -> raw::Certificate {
    raw::Certificate {
        cert: Some(file(&pair.cert)),
        key: Some(file(&pair.key)),
    }
}

fn admin(admin: &Admin) -> raw::Admin {
    let token = admin.token.as_ref().map(|_| "redacted".to_owned());
    raw::Admin {
        listen: admin.listen.to_string(),
        token,
    }
}

fn access_log(log: &AccessLog) -> raw::AccessLog {
    let to = match log {
        AccessLog::Off => "off".to_owned(),
        AccessLog::Stdout => "stdout".to_owned(),
        AccessLog::File(path) => file(path),
    };
    raw::AccessLog { to }
}

fn upstream(upstream: &Upstream) -> raw::Upstream {
    let host = match &upstream.host {
        HostRule::Preserve => "preserve".to_owned(),
        HostRule::Fixed(host) => host.clone(),
    };
    let health = &upstream.health;
    raw::Upstream {
        host,
        connect_timeout: duration(upstream.connect_timeout),
        read_timeout: duration(upstream.read_timeout),
        write_timeout: duration(upstream.write_timeout),
        idle_timeout: duration(upstream.idle_timeout),
        max_retries: upstream.max_retries,
        max_fetches: upstream.max_fetches,
        max_queued_fetches: upstream.max_queued_fetches,
        fetch_queue_timeout: duration(upstream.fetch_queue_timeout),
        ca: upstream.ca.as_deref().map(file),
        health: raw::Health {
            path: health.path.clone(),
            interval: duration(health.interval),
            timeout: duration(health.timeout),
            unhealthy_after: health.unhealthy_after,
            healthy_after: health.healthy_after,
        },
    }
}

fn region(region: &Region) -> raw::Region {
    let at = region.coordinates;
    raw::Region {
        name: Some(region.name.clone()),
        aws_region: None,
        coordinates: Some(texts(&[at.lat(), at.lon()])),
        bias: i64::from(region.bias.get()),
        origins: texts(&region.origins),
    }
}

fn route(route: &Route) -> raw::Route {
    let query = match &route.query {
        QueryRule::All => raw::Query::Word(raw::QueryWord::All),
        QueryRule::None => raw::Query::Word(raw::QueryWord::None),
        QueryRule::Only(names) => raw::Query::Only(names.clone()),
    };
    let ttl = match route.ttl {
        Ttl::Origin => "origin".to_owned(),
        Ttl::Fixed(lifetime) => format_duration(lifetime),
    };
    raw::Route {
        name: Some(route.name.clone()),
        path: Some(route.path.to_string()),
        cache: route.cache,
        ttl,
        negative_ttl: route.negative_ttl.map(duration),
        stale_while_revalidate: route.stale_while_revalidate.map(duration),
        stale_if_error: route.stale_if_error.map(duration),
        stale_if_unreachable: duration(route.stale_if_unreachable),
        heuristic_freshness: route.heuristic_freshness,
        set_cookie: match route.set_cookie {
            SetCookie::Explicit => raw::SetCookie::Explicit,
            SetCookie::Store => raw::SetCookie::Store,
            SetCookie::Strip => raw::SetCookie::Strip,
        },
        client_cache_control: match route.client_cache_control {
            ClientCacheControl::Obey => raw::ClientCacheControl::Obey,
            ClientCacheControl::Ignore => raw::ClientCacheControl::Ignore,
        },
        query,
        tags: texts(&route.tags),
    }
}

fn cache(cache: &Cache) -> raw::Cache {
    raw::Cache {
        max_body: size(cache.max_body_bytes),
        fill_wait: duration(cache.fill_wait),
        refresh_ahead_percent: cache.refresh_ahead_percent,
        on_ring_failure: match cache.on_ring_failure {
            OnRingFailure::Origin => raw::OnRingFailure::Origin,
            OnRingFailure::Stale => raw::OnRingFailure::Stale,
            OnRingFailure::Reject => raw::OnRingFailure::Reject,
        },
        l1: raw::L1 {
            capacity: size(cache.l1.capacity_bytes),
            hot_key_rate: cache.l1.hot_key_rate,
        },
        ring: cache.ring.as_ref().map(ring),
    }
}

fn ring(ring: &Ring) -> raw::Ring {
    raw::Ring {
        nodes: Some(texts(&ring.nodes)),
        tls: ring.tls.is_some(),
        ca: ring.tls.as_ref().and_then(|tls| tls.ca.as_deref()).map(file),
        connections: ring.connections,
        lookup_timeout: duration(ring.lookup_timeout),
        connect_timeout: duration(ring.connect_timeout),
        fail_after: ring.fail_after,
        probe_interval: duration(ring.probe_interval),
        max_item: size(ring.max_item_bytes as u64),
        large: match ring.large {
            Large::Chunk => raw::Large::Chunk,
            Large::L1 => raw::Large::L1,
        },
        compress_from: ring.compress_from_bytes.map(|bytes| size(bytes as u64)),
        lease: duration(ring.lease),
        lease_wait: duration(ring.lease_wait),
        gutter_ttl: duration(ring.gutter_ttl),
        warm_up: duration(ring.warm_up),
    }
}

fn feed(feed: &Feed) -> raw::Feed {
    match feed {
        Feed::None => raw::Feed::default(),
        Feed::Origin { path, max_silence } => raw::Feed {
            kind: raw::FeedKind::Origin,
            path: path.clone(),
            max_silence: duration(*max_silence),
        },
    }
}

fn duration(duration: std::time::Duration) -> DurationText {
    DurationText(format_duration(duration))
}

fn size(bytes: u64) -> SizeText {
    SizeText(format_size(bytes))
}

fn file(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
