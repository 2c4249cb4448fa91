//! Connections of a VU, between requests and shared by them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Mutex;

use super::failure::Failure;
use super::target::Origin;
use super::{http1, http2};

/// The connections of one VU. There are few: they are looked at one after the other.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Idle ones, the one used last at the end.
    http1: RefCell<Vec<(Origin, Box<http1::Connection>)>>,
    http2: RefCell<Vec<Shared>>,
    /// Servers that a TLS connection is being made to.
    dials: RefCell<Vec<(Origin, Rc<Dial>)>>,
    next_id: Cell<u64>,
}

#[derive(Debug)]
struct Shared {
    id: u64,
    origin: Origin,
    connection: http2::Connection,
}

/// Until the first connection is there, nobody knows whether one will do for all.
#[derive(Debug, Default)]
pub(super) struct Dial {
    /// Held while it is made.
    pub(super) first: Mutex<()>,
    /// What came of it, unless it can be shared or was given up.
    pub(super) outcome: RefCell<Option<DialOutcome>>,
}

/// What a dial tells those who waited for it.
#[derive(Debug, Clone)]
pub(super) enum DialOutcome {
    /// HTTP/1: each request needs its own.
    Http1,
    /// It would not have gone better for them.
    Failed(Failure),
}

impl Pool {
    /// The connection to `origin` that was used last and is still open, with the key to give it back with.
    pub(super) fn take(&self, origin: &Origin) -> Option<(Origin, Box<http1::Connection>)> {
        let mut idle = self.http1.borrow_mut();
        loop {
            let at = idle.iter().rposition(|(known, _)| known == origin)?;
            let (origin, mut connection) = idle.remove(at);
            if connection.is_fresh() {
                return Some((origin, connection));
            }
        }
    }

    /// Keeps a connection; the one that was idle longest goes if there are more than `max` in all or to one server.
    pub(super) fn put(&self, origin: Origin, connection: Box<http1::Connection>, max: (usize, usize)) {
        let mut idle = self.http1.borrow_mut();
        let same = idle.iter().filter(|(known, _)| *known == origin).count();
        let surplus = if same >= max.1 {
            idle.iter().position(|(known, _)| *known == origin)
        } else if idle.len() >= max.0 {
            Some(0)
        } else {
            None
        };
        if let Some(surplus) = surplus {
            idle.remove(surplus);
        }
        idle.push((origin, connection));
    }

    /// The connection that all requests to `origin` share, and what to [`Self::discard`] it by.
    pub(super) fn share(&self, origin: &Origin) -> Option<(u64, http2::Connection)> {
        let shared = self.http2.borrow();
        let found = shared.iter().find(|shared| shared.origin == *origin)?;
        Some((found.id, found.connection.clone()))
    }

    /// Has requests to `origin` share a connection; the oldest one goes if there are more than `max`.
    pub(super) fn offer(&self, origin: Origin, connection: http2::Connection, max: usize) -> u64 {
        let mut shared = self.http2.borrow_mut();
        if shared.len() >= max {
            shared.remove(0);
        }
        let id = self.next_id.replace(self.next_id.get() + 1);
        shared.push(Shared {
            id,
            origin,
            connection,
        });
        id
    }

    /// Offers a shared connection to nobody any more; exchanges under way go on.
    pub(super) fn discard(&self, id: u64) {
        self.http2.borrow_mut().retain(|shared| shared.id != id);
    }

    /// The dial to `origin` that is under way, or a new one. It is forgotten when nobody has it.
    pub(super) fn dial(&self, origin: &Origin) -> Rc<Dial> {
        let mut dials = self.dials.borrow_mut();
        dials.retain(|(_, dial)| Rc::strong_count(dial) > 1);
        if let Some((_, dial)) = dials.iter().find(|(known, _)| known == origin) {
            return dial.clone();
        }
        let dial = Rc::<Dial>::default();
        dials.push((origin.clone(), dial.clone()));
        dial
    }

    pub(super) fn clear(&self) {
        self.http1.borrow_mut().clear();
        self.http2.borrow_mut().clear();
    }
}
