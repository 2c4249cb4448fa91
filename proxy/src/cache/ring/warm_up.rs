//! What a node lacks since it was added or came back: from where it was before.

use std::sync::Arc;

use super::command::{Command, Condition};
use super::item::Item;
use super::node::Node;
use super::{Held, Ring, item_of};
use crate::cache::entry::Entry;
use crate::clock::UnixMillis;

/// What a node has, or had, of a key that is another's now.
pub(super) struct Before {
    node: Arc<Node>,
    pub(super) item: Item,
    pub(super) ttl_s: u32,
}

impl Ring {
    /// What a node lacks since it was added or came back, from where it was before; the node is given it.
    pub(super) async fn get_from_before(&self, key: &str, node: &Arc<Node>) -> Option<Held> {
        let Before {
            node: before,
            item,
            ttl_s,
        } = self.item_from_before(key, node).await?;
        let blob = self.entry_of(key, item.clone()).await?;
        // either may have missed its deletion while it was away
        let believed_from = self.believed_from(&before).max(self.believed_from(node));
        let too_old = |from| Entry::decode(blob.clone()).is_ok_and(|entry| entry.requested_at() < from);
        if believed_from.is_some_and(too_old) {
            return None;
        }
        give(node, key, item, ttl_s);
        self.surroundings.metrics.warmed.inc();
        Some(Held { blob, believed_from })
    }

    /// What was there before, wherever that was.
    pub(super) async fn item_from_before(&self, key: &str, node: &Arc<Node>) -> Option<Before> {
        let before = match self.before_change(key, node) {
            Some(before) => before,
            // what a stand-in was given is older than the node's return, and would not be believed of the node
            None if self.surroundings.deaf => return None,
            None => Arc::clone(self.stood_in(key, node)?),
        };
        let (reply, _) = before.ask(key.as_bytes(), Command::Get).await.ok()?;
        Some(Before {
            item: item_of(&reply)?,
            ttl_s: reply.line.ttl_s?.max(1),
            node: before,
        })
    }

    /// The node that a key belonged to before the last change of nodes, if that was another, for as long as it is looked for there.
    pub(super) fn before_change(&self, key: &str, node: &Arc<Node>) -> Option<Arc<Node>> {
        let now = UnixMillis::now();
        let previous = self
            .previous
            .load_full()
            .filter(|previous| now < previous.until)?;
        let before = previous.placement.locate(key.as_bytes())?.node;
        (!Arc::ptr_eq(before, node)).then(|| Arc::clone(before))
    }

    /// The node that held a key while `node` was away, if that was a short while ago.
    pub(super) fn stood_in(&self, key: &str, node: &Arc<Node>) -> Option<&Arc<Node>> {
        let warm_up = self.config.warm_up;
        self.placement
            .stood_in(key.as_bytes(), node, warm_up, UnixMillis::now())
    }
}

/// Gives a node what it lacks, unless it has something newer by then. Whoever looks next finds it; who looks now does not
/// wait for that.
pub(super) fn give(node: &Arc<Node>, key: &str, item: Item, ttl_s: u32) {
    let copy = Command::Set {
        value: item.value,
        flags: item.flags,
        ttl_s,
        condition: Condition::Absent,
    };
    node.tell(key.as_bytes(), copy);
}
