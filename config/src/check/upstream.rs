//! `[upstream]`.

use super::{Checker, DAY, HOUR, MILLISECOND};
use crate::checked::{Health, HostRule, Upstream};
use crate::document::KeyPath;
use crate::geo::split_host_port;
use crate::raw;

impl Checker<'_> {
    pub(super) fn upstream(&mut self, raw: &raw::Upstream) -> Option<Upstream> {
        let at = KeyPath::of("upstream");
        let host = self.host_rule(&at.key("host"), &raw.host);
        let ca = raw.ca.as_ref().map(|ca| self.file(&at.key("ca"), ca));
        let health = self.health(&raw.health);
        let mut duration = |key, text, most| self.duration(&at.key(key), text, MILLISECOND..=most);
        let connect_timeout = duration("connect_timeout", &raw.connect_timeout, HOUR);
        let read_timeout = duration("read_timeout", &raw.read_timeout, DAY);
        let write_timeout = duration("write_timeout", &raw.write_timeout, DAY);
        let idle_timeout = duration("idle_timeout", &raw.idle_timeout, DAY);
        let fetch_queue_timeout = duration("fetch_queue_timeout", &raw.fetch_queue_timeout, HOUR);
        let ca = match ca {
            Some(ca) => Some(ca?),
            None => None,
        };
        Some(Upstream {
            host: host?,
            connect_timeout: connect_timeout?,
            read_timeout: read_timeout?,
            write_timeout: write_timeout?,
            idle_timeout: idle_timeout?,
            max_retries: raw.max_retries,
            max_fetches: raw.max_fetches,
            max_queued_fetches: raw.max_queued_fetches,
            fetch_queue_timeout: fetch_queue_timeout?,
            ca,
            health: health?,
        })
    }

    fn host_rule(&mut self, at: &KeyPath, text: &str) -> Option<HostRule> {
        if text == "preserve" {
            return Some(HostRule::Preserve);
        }
        if split_host_port(text).is_ok() {
            return Some(HostRule::Fixed(text.to_owned()));
        }
        let message = format!("{text:?} is neither \"preserve\" nor a host name");
        self.report(
            at,
            message,
            "write \"preserve\" or a name such as \"api.example.com\", without a scheme",
        );
        None
    }

    fn health(&mut self, raw: &raw::Health) -> Option<Health> {
        let at = KeyPath::of("upstream.health");
        let path = raw
            .path
            .as_ref()
            .map(|path| self.request_path(&at.key("path"), path));
        let interval = self.duration(&at.key("interval"), &raw.interval, MILLISECOND * 10..=HOUR);
        let timeout = self.duration(&at.key("timeout"), &raw.timeout, MILLISECOND..=HOUR);
        let path = match path {
            Some(path) => Some(path?),
            None => None,
        };
        Some(Health {
            path,
            interval: interval?,
            timeout: timeout?,
            unhealthy_after: raw.unhealthy_after,
            healthy_after: raw.healthy_after,
        })
    }
}
