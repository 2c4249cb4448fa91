use std::sync::Mutex;
use std::time::Duration;

use indicatif::TermLike;

use super::*;
use crate::output::fixture::scenario;

/// A terminal that remembers all that was written to it.
#[derive(Debug, Clone, Default)]
struct Paper(Arc<Mutex<String>>);

impl Paper {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl TermLike for Paper {
    fn width(&self) -> u16 {
        120
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("\n")
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().push_str(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn constant(name: &str) -> Arc<Scenario> {
    let duration = Duration::from_secs(60);
    Arc::new(scenario(name, Executor::ConstantVus { vus: 10, duration }))
}

fn shared() -> Arc<Scenario> {
    Arc::new(scenario(
        "shared",
        Executor::SharedIterations {
            vus: 2,
            iterations: 400,
            max_duration: Duration::from_secs(600),
        },
    ))
}

fn progress(scenario: Arc<Scenario>) -> Progress {
    Progress {
        scenario,
        vus: (3, 10),
        iterations: 100,
        dropped: 0,
        rate: None,
        elapsed: Some(Duration::from_millis(15_900)),
        ended: false,
    }
}

const STATS: LiveStats = LiveStats {
    requests_per_s: 250.4,
    p95_ms: 12.345,
    failed_per_s: 0.0,
};

#[test]
fn a_scenario_tells_how_far_it_is() {
    let plain = progress(constant("read"));
    for (progress, bar, text) in [
        (plain.clone(), 265, "3/10 VUs  15s/1m0s  100 iters"),
        (progress(shared()), 250, "3/10 VUs  15s/10m0s  100/400 iters"),
        (
            Progress {
                rate: Some(33.333),
                dropped: 7,
                ..plain.clone()
            },
            265,
            "3/10 VUs  15s/1m0s  100 iters  33.33 iters/s  7 dropped",
        ),
        (
            Progress {
                elapsed: None,
                ..plain.clone()
            },
            0,
            "starts at 0s",
        ),
        (
            Progress {
                elapsed: Some(Duration::from_secs(75)),
                ended: true,
                ..plain
            },
            1_000,
            "3/10 VUs  1m0s/1m0s  100 iters  ended",
        ),
    ] {
        assert_eq!((steps(&progress), message(&progress).as_str()), (bar, text));
    }
}

#[test]
fn the_last_second_is_told_even_if_nothing_happened_in_it() {
    assert_eq!(live(STATS), "250 requests/s  p95 12.34ms  0 failed/s");
    let idle = LiveStats {
        requests_per_s: 0.0,
        p95_ms: f64::NAN,
        failed_per_s: 0.0,
    };
    assert_eq!(live(idle), "0 requests/s  p95 -  0 failed/s");
}

#[test]
fn each_scenario_has_a_bar_and_lines_are_written_between_drawings() {
    let paper = Paper::default();
    let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
    let scenarios = [constant("read"), shared()];
    let display = Display::on(target, &scenarios);
    display.update(&scenarios.clone().map(progress), STATS);
    display.println("from the script");
    display.finish();
    let text = paper.text();
    for part in [
        "read   [=======>--------------------] 3/10 VUs",
        "shared [=======>--------------------] 3/10 VUs",
        "250 requests/s",
        "from the script",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn after_the_end_nothing_is_drawn() {
    let paper = Paper::default();
    let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
    let display = Display::on(target, &[constant("read")]);
    display.update(&[progress(constant("read"))], STATS);
    display.finish();
    let text = paper.text();
    display.update(&[progress(constant("read"))], STATS);
    display.println("this goes to standard error");
    assert_eq!(paper.text(), text);
}

#[test]
fn what_is_not_enabled_draws_nothing() {
    let display = Display::new(false, &[constant("read")]);
    assert!(!display.drawn.load(Ordering::Relaxed));
    display.update(&[progress(constant("read"))], STATS);
    display.println("this goes to standard error");
    assert!(display.all.is_hidden());
}
