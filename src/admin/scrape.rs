//! What is counted, as OpenMetrics text.

use super::Stage;
use crate::audit::Audit;
use crate::metrics::{
    APPROVALS, ASKED, AUDIT_FAILING, AUDIT_LOST, AUDIT_REFUSED, AUDIT_WAITING, BOUNDS, BUILD,
    CODES, CONNECTIONS_OPEN, CONNECTIONS_REFUSED, DECISIONS, DEVICES, Distribution, Family,
    MetricKind, Metrics, POLICY, POLICY_LOADED, POLICY_OUTDATED, POLICY_RELOADS, POLICY_ROUTES,
    REQUESTS, SERVING, STARTED, STORE_ERRORS, STORE_LATENCY, THROTTLED, UPSTREAM_CONNECTIONS,
    UPSTREAM_LATENCY, VERIFICATIONS, WHOAMI, WHOAMI_LATENCY,
};
use crate::transport::ConnectionLimit;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// OpenMetrics 1.0, "Protocol Negotiation".
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the numbers come from.
#[derive(Clone, Debug)]
pub(super) struct ScrapeSources {
    pub(super) metrics: Arc<Metrics>,
    pub(super) audit: Audit,
    pub(super) connections: Arc<ConnectionLimit>,
    pub(super) upstream_open: Arc<AtomicUsize>,
    pub(super) upstream_pinned: Arc<AtomicUsize>,
    pub(super) stage: Arc<AtomicU8>,
}

/// Reads the counters when asked.
#[derive(Debug)]
pub(super) struct Scrape {
    metrics: Arc<Metrics>,
    registry: Registry,
}

impl Scrape {
    pub(super) fn new(sources: ScrapeSources) -> Self {
        let metrics = sources.metrics.clone();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(sources));
        Self { metrics, registry }
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(super) fn encode(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

impl Collector for ScrapeSources {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Exposition(encoder);
        self.encode_traffic(&mut out)?;
        self.encode_audit(&mut out)?;
        self.encode_policy(&mut out)?;
        // A number of its own: no other memory is read by what it says.
        let is_serving = self.stage.load(Ordering::Relaxed) == Stage::Serving as u8;
        out.gauge(&SERVING, is_serving.into())?;
        out.info(&BUILD, env!("CARGO_PKG_VERSION"))?;
        out.gauge(&STARTED, self.metrics.started_at.as_secs())
    }
}

impl ScrapeSources {
    fn encode_traffic(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let metrics = &self.metrics;
        out.counters(&REQUESTS, metrics.requests())?;
        let decisions = metrics.decisions();
        let decisions = decisions
            .iter()
            .map(|(id, outcome, count)| ([id.as_str(), outcome], *count));
        out.counters(&DECISIONS, decisions)?;
        out.counters(&VERIFICATIONS, metrics.verifications())?;
        out.counters(&ASKED, metrics.questions())?;
        out.counters(&CODES, metrics.codes())?;
        out.counters(&APPROVALS, metrics.approvals())?;
        out.counters(&DEVICES, metrics.devices())?;
        out.counters(&THROTTLED, metrics.throttled())?;
        out.histogram(&UPSTREAM_LATENCY, &metrics.upstream_latency())?;
        let count = |gauge: &AtomicUsize| gauge.load(Ordering::Relaxed) as u64;
        let states = [
            (["open"], count(&self.upstream_open)),
            (["idle"], metrics.idle_upstream_connections()),
            (["pinned"], count(&self.upstream_pinned)),
        ];
        out.gauges(&UPSTREAM_CONNECTIONS, states)?;
        out.histogram(&STORE_LATENCY, &metrics.store_latency())?;
        out.counters(&STORE_ERRORS, metrics.store_errors())?;
        out.counters(&WHOAMI, metrics.whoami_questions())?;
        out.histogram(&WHOAMI_LATENCY, &metrics.whoami_latency())?;
        out.gauge(&CONNECTIONS_OPEN, self.connections.open() as u64)?;
        out.counter(&CONNECTIONS_REFUSED, self.connections.refused())
    }

    fn encode_audit(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let audit = self.audit.health();
        out.gauge(&AUDIT_WAITING, audit.waiting as u64)?;
        out.counter(&AUDIT_LOST, audit.lost)?;
        out.counter(&AUDIT_REFUSED, audit.refused)?;
        out.gauge(&AUDIT_FAILING, audit.is_failing.into())
    }

    fn encode_policy(&self, out: &mut Exposition<'_>) -> fmt::Result {
        let policy = self.metrics.policy_state();
        out.info(&POLICY, &policy.fingerprint)?;
        out.gauge(&POLICY_ROUTES, policy.routes as u64)?;
        out.gauge(&POLICY_LOADED, policy.loaded_at.as_secs())?;
        let reloads = [
            (["succeeded"], policy.reloaded),
            (["failed"], policy.refused),
        ];
        out.counters(&POLICY_RELOADS, reloads)?;
        out.gauge(&POLICY_OUTDATED, policy.is_outdated.into())
    }
}

/// Writes families with the samples that are there.
struct Exposition<'e>(DescriptorEncoder<'e>);

impl Exposition<'_> {
    fn counters<'v, const LABELS: usize>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = ([&'v str; LABELS], u64)>,
    ) -> fmt::Result {
        self.samples(family, samples, |mut metric, count| {
            metric.encode_counter::<NoLabelSet, _, u64>(&count, None)
        })
    }

    fn gauges<'v, const LABELS: usize>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = ([&'v str; LABELS], u64)>,
    ) -> fmt::Result {
        self.samples(family, samples, |mut metric, count| {
            metric.encode_gauge(&count)
        })
    }

    fn samples<'v, const LABELS: usize>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = ([&'v str; LABELS], u64)>,
        write: impl Fn(MetricEncoder<'_>, u64) -> fmt::Result,
    ) -> fmt::Result {
        let mut metric = self.begin(family)?;
        for (values, count) in samples {
            let labels: Vec<_> = family.labels.iter().copied().zip(values).collect();
            write(metric.encode_family(&labels)?, count)?;
        }
        Ok(())
    }

    fn counter(&mut self, family: &Family, count: u64) -> fmt::Result {
        let mut metric = self.begin(family)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&count, None)
    }

    fn gauge(&mut self, family: &Family, value: u64) -> fmt::Result {
        self.begin(family)?.encode_gauge(&value)
    }

    fn info(&mut self, family: &Family, value: &str) -> fmt::Result {
        let labels: Vec<_> = family.labels.iter().map(|label| (*label, value)).collect();
        self.begin(family)?.encode_info(&labels)
    }

    fn histogram(&mut self, family: &Family, latency: &Distribution) -> fmt::Result {
        let bounds = BOUNDS.iter().map(std::time::Duration::as_secs_f64);
        // OpenMetrics 1.0, "Histogram": a bucket `+Inf` must be there.
        let bounds = bounds.chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(latency.buckets).collect();
        let (sum, count) = (latency.sum.as_secs_f64(), latency.count());
        self.begin(family)?
            .encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn begin<'s>(&'s mut self, family: &'s Family) -> Result<MetricEncoder<'s>, fmt::Error> {
        let kind = match family.kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
            MetricKind::Histogram => MetricType::Histogram,
            MetricKind::Info => MetricType::Info,
        };
        // The encoder does not add the full stop that a registry does.
        let help = format!("{}.", family.help);
        self.0.encode_descriptor(family.name, &help, None, kind)
    }
}
