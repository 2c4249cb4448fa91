//! That a load generator which is late, or has nobody left to send, does not hide it.

use serde_json::Value;

use crate::harness::{Run, Server, Test};

fn values(run: &Run, metric: &str) -> Vec<f64> {
    let samples = run.file("samples.json");
    let points = samples
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["type"] == "Point" && line["metric"] == metric);
    points
        .map(|point| point["data"]["value"].as_f64().unwrap())
        .collect()
}

#[test]
fn everybody_who_comes_while_a_server_stalls_is_measured() {
    let server = Server::start();
    // Whoever comes in the second second is answered at its end.
    let run = Test::new(
        "import exec from 'k6/execution';
         import http from 'k6/http';
         export const options = {
             scenarios: { a: { executor: 'constant-arrival-rate', rate: 100, duration: '3s', preAllocatedVUs: 150 } },
         };
         export default function () {
             const ms = exec.instance.currentTestRunDuration;
             http.get(`${__ENV.BASE}/slow/${ms >= 1000 && ms < 2000 ? Math.ceil(2000 - ms) : 0}`);
         }",
    );
    let run = run
        .against(&server)
        .flags("--out json=samples.json")
        .run()
        .with_code(0);
    let dropped = run.metric("dropped_iterations", "count").unwrap_or_default();
    let latencies = values(&run, "iteration_latency");
    assert_eq!(latencies.len() as f64 + dropped, 300.0);
    // 100 come while it stalls: one closed loop would have seen it once.
    for (ms, at_least) in [(1.0, 95.0), (500.0, 45.0), (900.0, 5.0)] {
        let waited = latencies.iter().filter(|latency| **latency >= ms).count();
        assert!(waited as f64 + dropped >= at_least, "{waited} waited for {ms} ms");
    }
}

#[test]
fn a_latency_counts_from_the_intended_start_and_late_starts_are_pointed_out() {
    // Sorting is one native function, which nothing else of the thread runs beside.
    let run = Test::new(
        "import exec from 'k6/execution';
         export const options = {
             scenarios: { a: { executor: 'constant-arrival-rate', rate: 100, duration: '2s', preAllocatedVUs: 150 } },
         };
         export default function () {
             if (exec.scenario.iterationInTest === 50) {
                 const numbers = Float64Array.from({ length: 1e5 }, (_, n) => (n * 7919) % 100003);
                 const began = Date.now();
                 while (Date.now() - began < 300) numbers.slice().sort();
             }
         }",
    );
    let run = run
        .flags("--threads 1 --out json=samples.json")
        .run()
        .with_code(0);
    let [durations, delays, latencies] = ["iteration_duration", "iteration_start_delay", "iteration_latency"]
        .map(|metric| values(&run, metric));
    assert_eq!(latencies.len(), 200);
    for ((duration, delay), latency) in durations.iter().zip(&delays).zip(&latencies) {
        let (least, most) = (duration + delay - 0.001, duration + delay + 5.0);
        assert!(
            (least..most).contains(latency),
            "{latency} for {duration} after {delay}"
        );
    }
    let late = delays.iter().filter(|delay| **delay >= 10.0).count();
    assert!(late >= 3, "{late}");
    assert!(
        run.stdout
            .contains("read iteration_latency, which counts from the intended start"),
        "{}",
        run.stdout
    );
}

#[test]
fn dropped_iterations_are_counted_and_pointed_out() {
    let server = Server::start();
    let run = Test::new(
        "import http from 'k6/http';
         export const options = {
             scenarios: { a: { executor: 'constant-arrival-rate', rate: 100, duration: '2s', preAllocatedVUs: 5 } },
         };
         export default function () { http.get(`${__ENV.BASE}/slow/200`); }",
    );
    let run = run.against(&server).run().with_code(0);
    let (done, dropped) = (run.count("iterations"), run.count("dropped_iterations"));
    assert_eq!(done + dropped, 200);
    assert!((5..=55).contains(&done), "{done}");
    let message = format!("! {dropped} iterations were dropped");
    assert!(run.stdout.contains(&message), "{}", run.stdout);
}
