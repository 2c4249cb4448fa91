//! Names of origins to addresses, by hickory-resolver: resolved anew when their TTL ends; the last good answer stays when
//! DNS fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;

use super::{Origin, Upstreams};

/// A TTL below this is not believed: it would make DNS part of every request.
const TTL_MIN: Duration = Duration::from_secs(1);
/// A TTL above this is not waited for: fail-over by DNS has to be noticed.
const TTL_MAX: Duration = Duration::from_secs(300);
/// Pause after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Resolves every origin that is named, for ever.
pub(crate) async fn resolve_all(upstreams: Arc<Upstreams>) {
    let named: Vec<_> = upstreams
        .all()
        .iter()
        .filter(|origin| origin.is_named())
        .map(Arc::clone)
        .collect();
    if named.is_empty() {
        return;
    }
    let resolver = match TokioResolver::builder_tokio().and_then(hickory_resolver::ResolverBuilder::build) {
        Ok(resolver) => resolver,
        Err(error) => {
            tracing::error!(%error, "the system's DNS configuration cannot be used; named origins stay unreachable");
            return;
        }
    };
    let tasks: Vec<_> = named
        .into_iter()
        .map(|origin| {
            let resolver = resolver.clone();
            tokio::spawn(async move { keep_resolved(&origin, &resolver).await })
        })
        .collect();
    for task in tasks {
        let _ = task.await;
    }
}

async fn keep_resolved(origin: &Origin, resolver: &TokioResolver) {
    loop {
        let pause = match resolve(origin, resolver).await {
            Ok((addrs, _)) if addrs.is_empty() => RETRY_AFTER,
            Ok((addrs, valid_until)) => {
                origin.set_addrs(addrs);
                valid_until
                    .saturating_duration_since(Instant::now())
                    .clamp(TTL_MIN, TTL_MAX)
            }
            Err(error) => {
                tracing::warn!(
                    origin = origin.address.text,
                    %error,
                    "the origin's name does not resolve; its last addresses stay in use"
                );
                RETRY_AFTER
            }
        };
        tokio::time::sleep(pause).await;
    }
}

type Resolved = Result<(Vec<SocketAddr>, Instant), hickory_resolver::net::NetError>;

async fn resolve(origin: &Origin, resolver: &TokioResolver) -> Resolved {
    if origin.address.srv {
        return resolve_srv(&origin.address.host, resolver).await;
    }
    let found = resolver.lookup_ip(origin.address.host.as_str()).await?;
    let addrs = found
        .iter()
        .map(|ip| SocketAddr::new(ip, origin.address.port))
        .collect();
    Ok((addrs, found.valid_until()))
}

/// RFC 2782, of the lowest priority only; weights are left to the turn that addresses take.
async fn resolve_srv(name: &str, resolver: &TokioResolver) -> Resolved {
    let found = resolver.srv_lookup(name).await?;
    let records: Vec<_> = found
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(srv.clone()),
            _ => None,
        })
        .collect();
    let Some(lowest) = records.iter().map(|srv| srv.priority).min() else {
        return Ok((Vec::new(), Instant::now()));
    };
    let (mut addrs, mut valid_until) = (Vec::new(), found.valid_until());
    for srv in records.iter().filter(|srv| srv.priority == lowest) {
        let target = resolver.lookup_ip(srv.target.to_utf8()).await?;
        addrs.extend(target.iter().map(|ip| SocketAddr::new(ip, srv.port)));
        valid_until = valid_until.min(target.valid_until());
    }
    Ok((addrs, valid_until))
}
