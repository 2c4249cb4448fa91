//! Whether an upload still comes. pingora's proxy reads it; its callback tells here.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

tokio::task_local! {
    static UPLOAD: Arc<Upload>;
}

/// Progress of one upload.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pieces: AtomicU64,
    whole: AtomicBool,
}

impl Upload {
    /// Runs what forwards the upload; what it reads is counted here.
    pub(super) async fn watch<T>(self: &Arc<Self>, forwarding: impl Future<Output = T>) -> T {
        UPLOAD.scope(Arc::clone(self), forwarding).await
    }

    /// Tells that another piece of the request body has been read.
    pub(crate) fn moved(whole: bool) {
        // over HTTP/1 nobody watches: pingora has a read timeout there
        let _ = UPLOAD.try_with(|upload| {
            upload.pieces.fetch_add(1, Ordering::Relaxed);
            upload.whole.fetch_or(whole, Ordering::Relaxed);
        });
    }

    /// Waits until nothing has come for `limit`; for ever once the upload is whole.
    pub(super) async fn stalled(&self, limit: Duration) {
        loop {
            let seen = self.pieces.load(Ordering::Relaxed);
            tokio::time::sleep(limit).await;
            if self.whole.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            if self.pieces.load(Ordering::Relaxed) == seen {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_stops_is_stalled_and_one_that_ends_is_not() {
        let upload = Arc::new(Upload::default());
        let coming = upload.watch(async {
            for _ in 0..10 {
                tokio::time::sleep(LIMIT / 2).await;
                Upload::moved(false);
            }
        });
        tokio::select! {
            () = coming => {}
            () = upload.stalled(LIMIT) => panic!("it was still coming"),
        }
        upload.stalled(LIMIT).await;
        upload.watch(async { Upload::moved(true) }).await;
        assert!(
            tokio::time::timeout(LIMIT * 100, upload.stalled(LIMIT))
                .await
                .is_err()
        );
    }
}
