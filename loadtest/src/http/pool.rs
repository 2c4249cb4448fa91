//! Connections of a VU that wait for their next request.

use std::cell::RefCell;

use super::h1;
use super::target::Origin;

/// Idle HTTP/1 connections, the one used last at the end. Few enough to look at one after the other.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: RefCell<Vec<(Origin, Box<h1::Connection>)>>,
}

impl Pool {
    /// The connection to `origin` that was used last and is still open, with the key to give it back with.
    pub(super) fn take(&self, origin: &Origin) -> Option<(Origin, Box<h1::Connection>)> {
        let mut idle = self.idle.borrow_mut();
        loop {
            let at = idle.iter().rposition(|(known, _)| known == origin)?;
            let (origin, mut connection) = idle.remove(at);
            if connection.is_fresh() {
                return Some((origin, connection));
            }
        }
    }

    /// Keeps a connection; the one that was idle longest goes if there are more than `max` in all or to one server.
    pub(super) fn put(&self, origin: Origin, connection: Box<h1::Connection>, max: (usize, usize)) {
        let mut idle = self.idle.borrow_mut();
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

    pub(super) fn clear(&self) {
        self.idle.borrow_mut().clear();
    }
}
