//! Waiting for a moment, exactly: tokio's timers are a millisecond apart, which is longer than a cached read takes.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A timer of the kernel's own.
pub struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// One that is not set; it fails where the system has no timer left. To be made within a runtime.
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for descriptors that somebody else may close; this one is owned"
    )]
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        Ok(Self(AsyncFd::new(timer)?))
    }

    /// Ready at `moment`, or at once if that is past; it fails where the system's timer does.
    pub async fn at(&self, moment: Instant) -> io::Result<()> {
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let once = Itimerspec {
            it_interval: timespec(Duration::ZERO),
            it_value: timespec(left),
        };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            let rung = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?));
            if let Ok(rung) = rung {
                return rung.map(drop);
            }
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_rings_at_its_moment_and_not_before() {
        let alarm = Alarm::new().unwrap();
        for us in [0, 300, 2_500] {
            let moment = Instant::now() + Duration::from_micros(us);
            alarm.at(moment).await.unwrap();
            assert!(Instant::now() >= moment, "{us} µs");
        }
    }
}
