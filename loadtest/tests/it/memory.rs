//! That a longer test needs no more memory than a short one.

use std::time::{Duration, Instant};

use crate::harness::{Running, Server, Test};

/// What 6,000 more requests may take, in KiB: some air for the allocator.
const GROWTH_MAX_KIB: u64 = 8 * 1024;

/// Of a process, in KiB; `None` if it has ended.
fn resident_kib(run: &Running) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.pid())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The most that it has until `until`.
fn greatest_kib(run: &Running, until: Instant) -> u64 {
    let mut greatest = 0;
    while Instant::now() < until {
        greatest = greatest.max(resident_kib(run).expect("it runs still"));
        std::thread::sleep(Duration::from_millis(50));
    }
    greatest
}

#[test]
fn requests_checks_groups_and_exceptions_leave_nothing_behind() {
    let server = Server::start();
    let script = "
        import { check, group, sleep } from 'k6';
        import http from 'k6/http';
        import { Trend } from 'k6/metrics';
        const sizes = new Trend('sizes');
        export const options = { vus: 200, duration: '9s' };
        export default async function () {
            const response = http.get(`${__ENV.BASE}/cookies/set?a=b&n=${__ITER}`, { tags: { name: 'set' } });
            group('again', () => check(response, { 'is 200': ({ status }) => status === 200 }));
            sizes.add(response.body.length, { vu: String(__VU) });
            const both = http.batch([`${__ENV.BASE}/json?${__VU}=${__ITER}`, `${__ENV.BASE}/status/404`]);
            check(both[0].json('fruit.0.name'), { apple: (name) => name === 'apple' });
            const { status } = await http.asyncRequest('POST', `${__ENV.BASE}/echo`, 'x'.repeat(1000));
            const timer = setTimeout(() => {}, 10);
            const circle = { status, timer };
            circle.circle = circle;
            sleep(0.4);
            try { null.x; } catch (error) { circle.error = error; }
        }";
    let run = Test::new(script).against(&server).start();
    let began = Instant::now();
    let at = |seconds| began + Duration::from_secs(seconds);
    let _ = greatest_kib(&run, at(2)); // pools and the allocator settle
    let (first, second) = (greatest_kib(&run, at(5)), greatest_kib(&run, at(8)));
    let run = run.wait().with_code(0);
    assert!(run.count("http_reqs") > 2_000);
    assert!(
        second <= first + GROWTH_MAX_KIB,
        "{first} KiB at first, {second} KiB later"
    );
}
