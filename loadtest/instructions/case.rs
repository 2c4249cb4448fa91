//! What is measured.

use crate::access_log::Logged;

/// A kind of request whose cost has a budget.
#[derive(Debug, PartialEq)]
pub(crate) struct Case {
    /// Its name in the budget and on the command line.
    pub(crate) name: &'static str,
    /// The cache that the server is set up with.
    pub(crate) setup: Setup,
    /// How the client speaks to it.
    pub(crate) protocol: Protocol,
    /// What it asks for.
    pub(crate) asks: Asks,
    /// What the server must log of each request, or the case has not been measured.
    pub(crate) logged: Logged<'static>,
}

/// The cache that a server is set up with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Setup {
    /// The first tier alone.
    Memory,
    /// A ring of one memcached node alone.
    Ring,
}

/// How a client speaks to the server, always on one connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Protocol {
    /// HTTP/1.1, one request after another.
    Http1,
    /// HTTP/2 over TLS.
    Http2 {
        /// Requests in flight.
        streams: u32,
    },
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Asks {
    /// The same object each time.
    Stored,
    /// The same object each time, unless it is still what the client has.
    IfChanged,
    /// An object that nobody has asked for before.
    New,
}

impl Setup {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Memory, Self::Ring];
}

const HIT: Logged<'static> = Logged {
    protocol: "HTTP/1.1",
    status: 200,
    cache: "hit",
    tier: Some("l1"),
};
const HIT_HTTP2: Logged<'static> = Logged {
    protocol: "HTTP/2",
    ..HIT
};

/// All cases, as the table shows them.
pub(crate) static CASES: [Case; 6] = [
    Case {
        name: "h1-hit",
        setup: Setup::Memory,
        protocol: Protocol::Http1,
        asks: Asks::Stored,
        logged: HIT,
    },
    Case {
        name: "h2-hit",
        setup: Setup::Memory,
        protocol: Protocol::Http2 { streams: 1 },
        asks: Asks::Stored,
        logged: HIT_HTTP2,
    },
    Case {
        name: "h2-hit-10-streams",
        setup: Setup::Memory,
        protocol: Protocol::Http2 { streams: 10 },
        asks: Asks::Stored,
        logged: HIT_HTTP2,
    },
    Case {
        name: "h1-304",
        setup: Setup::Memory,
        protocol: Protocol::Http1,
        asks: Asks::IfChanged,
        logged: Logged { status: 304, ..HIT },
    },
    Case {
        name: "h1-miss",
        setup: Setup::Memory,
        protocol: Protocol::Http1,
        asks: Asks::New,
        logged: Logged {
            cache: "uri-miss",
            tier: None,
            ..HIT
        },
    },
    Case {
        name: "h1-hit-ring",
        setup: Setup::Ring,
        protocol: Protocol::Http1,
        asks: Asks::Stored,
        logged: Logged {
            tier: Some("l2"),
            ..HIT
        },
    },
];

impl Case {
    /// The one of that name.
    ///
    /// # Errors
    /// The names that there are.
    pub(crate) fn parse(name: &str) -> Result<&'static Self, String> {
        let names = || CASES.each_ref().map(|case| case.name).join(", ");
        let found = CASES.iter().find(|case| case.name == name);
        found.ok_or_else(|| format!("there are {}", names()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_found_by_its_own_name_only() {
        for case in &CASES {
            assert_eq!(Case::parse(case.name), Ok(case));
        }
        let refused = Case::parse("h3-hit").unwrap_err();
        assert!(refused.starts_with("there are h1-hit, h2-hit, "), "{refused}");
    }
}
