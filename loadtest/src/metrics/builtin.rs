//! The metrics that every test has, whether its script names them or not.

use super::registry::{Contains, Kind, MetricId};

/// Name, kind and unit of each; a metric's place in this table is its [`MetricId`].
pub const BUILTIN: [(&str, Kind, Contains); 20] = [
    ("vus", Kind::Gauge, Contains::Default),
    ("vus_max", Kind::Gauge, Contains::Default),
    ("iterations", Kind::Counter, Contains::Default),
    ("iteration_duration", Kind::Trend, Contains::Time),
    ("dropped_iterations", Kind::Counter, Contains::Default),
    ("checks", Kind::Rate, Contains::Default),
    ("group_duration", Kind::Trend, Contains::Time),
    ("http_reqs", Kind::Counter, Contains::Default),
    ("http_req_failed", Kind::Rate, Contains::Default),
    ("http_req_duration", Kind::Trend, Contains::Time),
    ("http_req_blocked", Kind::Trend, Contains::Time),
    ("http_req_connecting", Kind::Trend, Contains::Time),
    ("http_req_tls_handshaking", Kind::Trend, Contains::Time),
    ("http_req_sending", Kind::Trend, Contains::Time),
    ("http_req_waiting", Kind::Trend, Contains::Time),
    ("http_req_receiving", Kind::Trend, Contains::Time),
    ("data_sent", Kind::Counter, Contains::Data),
    ("data_received", Kind::Counter, Contains::Data),
    ("iteration_latency", Kind::Trend, Contains::Time),
    ("iteration_start_delay", Kind::Trend, Contains::Time),
];

macro_rules! ids {
    ($($name:ident = $place:literal),* $(,)?) => {
        $(#[doc = concat!("`", stringify!($name), "`, in lower case.")] pub const $name: MetricId = MetricId::at($place);)*
    };
}

ids! {
    VUS = 0,
    VUS_MAX = 1,
    ITERATIONS = 2,
    ITERATION_DURATION = 3,
    DROPPED_ITERATIONS = 4,
    CHECKS = 5,
    GROUP_DURATION = 6,
    HTTP_REQS = 7,
    HTTP_REQ_FAILED = 8,
    HTTP_REQ_DURATION = 9,
    HTTP_REQ_BLOCKED = 10,
    HTTP_REQ_CONNECTING = 11,
    HTTP_REQ_TLS_HANDSHAKING = 12,
    HTTP_REQ_SENDING = 13,
    HTTP_REQ_WAITING = 14,
    HTTP_REQ_RECEIVING = 15,
    DATA_SENT = 16,
    DATA_RECEIVED = 17,
    // Not k6's: what the arrival-rate executors owe the truth. The first runs from the intended start to the end of
    // the iteration, the second from the intended start to the actual one.
    ITERATION_LATENCY = 18,
    ITERATION_START_DELAY = 19,
}
