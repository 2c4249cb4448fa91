//! Starting children that cannot outlive us, whatever ends us.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// What the lasting thread is asked: a command, and where to send the child.
type Order = (Command, oneshot::Sender<io::Result<Child>>);

static LASTING_THREAD: Mutex<Option<mpsc::Sender<Order>>> = Mutex::new(None);

/// Spawns `command` from a thread that lives as long as this process.
///
/// The kernel sends a parent death signal (`setpriv --pdeathsig`) when the *thread* that spawned the child
/// ends (prctl(2)): a runtime's worker or a test's thread would take the children along too early.
pub(crate) async fn spawn(command: Command) -> io::Result<Child> {
    let (reply, child) = oneshot::channel();
    let ended = || io::Error::other("the thread that starts processes has ended");
    lasting_thread()?.send((command, reply)).map_err(|_| ended())?;
    child.await.map_err(|_| ended())?
}

fn lasting_thread() -> io::Result<mpsc::Sender<Order>> {
    let mut thread = LASTING_THREAD.lock();
    if let Some(orders) = &*thread {
        return Ok(orders.clone());
    }
    let (orders, inbox) = mpsc::channel::<Order>();
    std::thread::Builder::new()
        .name("spawn".to_owned())
        .spawn(move || {
            for (mut command, reply) in inbox {
                // When nobody waits any more the child is dropped here, and must not run on.
                if let Err(Ok(mut unwanted)) = reply.send(command.spawn()) {
                    let _ = unwanted.kill();
                    let _ = unwanted.wait();
                }
            }
        })?;
    *thread = Some(orders.clone());
    Ok(orders)
}
