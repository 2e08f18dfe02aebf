//! The names of the metrics, with their types and labels. docs/operations.md explains each; a test sees to it.

/// What a metric is (OpenMetrics 1.0, "Metric Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows; the name of its samples ends in `_total`.
    Counter,
    /// A number at this moment.
    Gauge,
    /// How many were in each bucket.
    Histogram,
    /// Labels alone; the name of its sample ends in `_info`.
    Info,
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name, without the ending that its type adds.
    pub name: &'static str,
    /// Its type.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it tells, without a full stop.
    pub help: &'static str,
}

macro_rules! families {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(crate) const $constant: Family = Family {
            name: $name,
            kind: MetricKind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// All metrics.
        pub const FAMILIES: &[Family] = &[$($constant),*];
    };
}

families! {
    REQUESTS: Counter "stepgate_requests" ["outcome", "reason"]
        "Requests, once their answer is decided";
    ASKED: Counter "stepgate_forward_auth_questions" ["form", "outcome"]
        "Questions of proxies that forward by themselves";
    DECISIONS: Counter "stepgate_decisions" ["route", "outcome"]
        "Decisions about guarded requests, for each route that matched";
    VERIFICATIONS: Counter "stepgate_verifications" ["factor", "result"]
        "Answers to challenges";
    CODES: Counter "stepgate_codes" ["result"]
        "Codes by e-mail that were asked for";
    APPROVALS: Counter "stepgate_approvals" ["result"]
        "Steps of requests for approval by a second person";
    DEVICES: Counter "stepgate_device_requests" ["result"]
        "Steps of requests of programs for a proof of their owner";
    THROTTLED: Counter "stepgate_throttled" ["factor"]
        "Answers and codes that were refused by a limit on attempts";
    UPSTREAM_LATENCY: Histogram "stepgate_upstream_latency_seconds" []
        "From a request to the head of the application's answer";
    UPSTREAM_CONNECTIONS: Gauge "stepgate_upstream_connections" ["state"]
        "Connections to the application";
    STORE_LATENCY: Histogram "stepgate_store_latency_seconds" []
        "How long operations of the store took, failed ones as well";
    STORE_ERRORS: Counter "stepgate_store_errors" ["kind"]
        "Operations of the store that failed";
    WHOAMI: Counter "stepgate_whoami_questions" ["result"]
        "Questions to the application whose a request is, by what came of them";
    WHOAMI_LATENCY: Histogram "stepgate_whoami_latency_seconds" []
        "From a question to the whole answer, with the wait for its turn";
    CONNECTIONS_OPEN: Gauge "stepgate_client_connections" []
        "Open connections of clients";
    CONNECTIONS_REFUSED: Counter "stepgate_client_connections_refused" []
        "Connections of clients that were refused by a limit";
    AUDIT_WAITING: Gauge "stepgate_audit_queue_events" []
        "Audit events that wait to be written";
    AUDIT_LOST: Counter "stepgate_audit_lost" []
        "Audit events that found no room in the queue";
    AUDIT_REFUSED: Counter "stepgate_audit_refused" []
        "Times that something was refused since it could not be recorded";
    AUDIT_FAILING: Gauge "stepgate_audit_failing" []
        "1 while the audit log cannot be written";
    POLICY: Info "stepgate_policy" ["fingerprint"]
        "The policies in force";
    POLICY_ROUTES: Gauge "stepgate_policy_routes" []
        "Routes of the policies in force";
    POLICY_LOADED: Gauge "stepgate_policy_loaded_timestamp_seconds" []
        "When the policies in force were loaded";
    POLICY_RELOADS: Counter "stepgate_policy_reloads" ["outcome"]
        "Reloads of the policies";
    POLICY_OUTDATED: Gauge "stepgate_policy_outdated" []
        "1 while older policies are in force, since the last ones were refused";
    SERVING: Gauge "stepgate_serving" []
        "1 while requests are taken: neither starting nor draining";
    BUILD: Info "stepgate_build" ["version"]
        "The version that runs";
    STARTED: Gauge "stepgate_start_timestamp_seconds" []
        "When the sidecar started";
}
