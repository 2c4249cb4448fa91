//! What of a new configuration counts at once, and what only after a restart.

use std::fmt;

use proxima_config::Config;
use proxima_config::checked::{Cache, Ring};
use serde::{Deserialize, Serialize};

/// What became of a configuration that was read again; the answer to `POST /reload`. Sections are named as in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// Sections whose changes count from now on.
    pub(crate) applied: Vec<String>,
    /// Sections whose changes count once the proxy has been restarted.
    pub(crate) needs_restart: Vec<String>,
    /// Set when no section differs from what runs.
    pub(crate) unchanged: bool,
}

/// `applied: cache.ring; changed, takes effect after a restart: server, route`
impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.applied.is_empty() {
            parts.push(format!("applied: {}", self.applied.join(", ")));
        }
        if !self.needs_restart.is_empty() {
            let sections = self.needs_restart.join(", ");
            parts.push(format!("changed, takes effect after a restart: {sections}"));
        }
        if self.unchanged {
            parts.push("nothing has changed".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}

/// Compares a new configuration with the one that a proxy was started with, and its ring with the one in use.
pub(crate) fn compare(started_with: &Config, ring: Option<&Ring>, new: &Config) -> Reloaded {
    // named one by one: a section that is added has to be thought of here
    let Config {
        regions,
        server,
        admin,
        access_log,
        upstream,
        cache,
        feed,
        routes,
    } = new;
    let old = started_with;
    let without_ring = |cache: &Cache| Cache {
        ring: None,
        ..cache.clone()
    };
    let restart = [
        ("server", *server != old.server),
        ("admin", *admin != old.admin),
        ("access_log", *access_log != old.access_log),
        ("upstream", *upstream != old.upstream),
        ("cache", without_ring(cache) != without_ring(&old.cache)),
        ("feed", *feed != old.feed),
        ("route", *routes != old.routes),
        ("region", *regions != old.regions),
    ];
    let apply = [("cache.ring", cache.ring.as_ref() != ring)];
    let changed = |sections: &[(&str, bool)]| -> Vec<String> {
        let changed = sections.iter().filter(|(_, changed)| *changed);
        changed.map(|(section, _)| (*section).to_owned()).collect()
    };
    let (applied, needs_restart) = (changed(&apply), changed(&restart));
    Reloaded {
        unchanged: applied.is_empty() && needs_restart.is_empty(),
        applied,
        needs_restart,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proxima_config::Overrides;

    use super::*;

    const RUNNING: &str = "
        [server]
        region = 'here'
        listen = ['127.0.0.1:0']
        [cache.ring]
        nodes = ['10.0.0.5:11211', '10.0.0.6:11211']
        [[region]]
        name = 'here'
        coordinates = ['0', '0']
        origins = ['http://127.0.0.1:9000']
    ";

    fn config(text: &str) -> Config {
        proxima_config::parse(text, "test", Path::new(""), &Overrides::default())
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// What a change of the file comes to: sections applied, and sections that need a restart.
    fn change(new: &str) -> (Vec<String>, Vec<String>) {
        let running = config(RUNNING);
        let reloaded = compare(&running, running.cache.ring.as_ref(), &config(new));
        assert_eq!(
            reloaded.unchanged,
            reloaded.applied.is_empty() && reloaded.needs_restart.is_empty()
        );
        (reloaded.applied, reloaded.needs_restart)
    }

    #[test]
    fn what_is_the_same_in_other_words_has_not_changed() {
        let spelt_out = format!("{RUNNING}\n[cache]\nmax_body = '8192 KiB'\n");
        assert_eq!(change(RUNNING), (vec![], vec![]));
        assert_eq!(change(&spelt_out), (vec![], vec![]));
    }

    #[test]
    fn every_section_is_named_when_it_differs() {
        let with = |addition: &str| format!("{RUNNING}\n{addition}\n");
        for (new, section) in [
            (RUNNING.replace("127.0.0.1:0", "127.0.0.1:1"), "server"),
            (with("[admin]\nlisten = '127.0.0.1:1'"), "admin"),
            (with("[access_log]\nto = 'proxima.log'"), "access_log"),
            (with("[upstream]\nhost = 'api.example'"), "upstream"),
            (with("[cache]\nmax_body = '1 MiB'"), "cache"),
            (with("[feed]\nkind = 'origin'"), "feed"),
            (with("[[route]]\nname = 'a'\npath = '/a'"), "route"),
            (
                with("[[region]]\nname = 'there'\ncoordinates = ['1', '1']\norigins = []"),
                "region",
            ),
        ] {
            assert_eq!(change(&new), (vec![], vec![section.to_owned()]), "{new}");
        }
    }

    #[test]
    fn a_ring_is_applied_whatever_of_it_changes() {
        let ring = || vec!["cache.ring".to_owned()];
        let fewer = RUNNING.replace(", '10.0.0.6:11211'", "");
        let slower = RUNNING.replace("[cache.ring]", "[cache.ring]\nlookup_timeout = '50ms'");
        let none = RUNNING.replace("[cache.ring]", "").replace("nodes =", "#");
        for new in [fewer, slower, none] {
            assert_eq!(change(&new), (ring(), vec![]), "{new}");
        }
    }

    #[test]
    fn a_ring_that_was_applied_is_no_change_any_more() {
        let running = config(RUNNING);
        let new = config(&RUNNING.replace(", '10.0.0.6:11211'", ""));
        assert!(compare(&running, new.cache.ring.as_ref(), &new).unchanged);
        let back = compare(&running, new.cache.ring.as_ref(), &running);
        assert_eq!(back.applied, ["cache.ring"]);
    }

    #[test]
    fn an_outcome_is_one_line() {
        let section = |name: &str| vec![name.to_owned()];
        let both = Reloaded {
            applied: section("cache.ring"),
            needs_restart: vec!["server".to_owned(), "route".to_owned()],
            unchanged: false,
        };
        assert_eq!(
            both.to_string(),
            "applied: cache.ring; changed, takes effect after a restart: server, route"
        );
        let nothing = Reloaded {
            unchanged: true,
            ..Reloaded::default()
        };
        assert_eq!(nothing.to_string(), "nothing has changed");
    }
}
