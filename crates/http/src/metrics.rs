//! `GET /metrics` in the OpenMetrics text format (which Prometheus reads), `/healthz` and `/readyz`.

use super::api::openapi::{About, Tag};
use super::events::Events;
use super::serving::Serving;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lenscast_cameras::Cameras;
use lenscast_gate::Gate;
use lenscast_live::Stream;
use lenscast_protocol::control::Telemetry;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The operation's part of the description of the API.
#[must_use]
pub fn about() -> About {
    let text = "Counters and histograms in the OpenMetrics text format, which Prometheus reads.";
    About::new("getMetrics", Tag::Server, "Numbers for Prometheus", text)
        .answer_as(200, "application/openmetrics-text", "The numbers.")
        .refuses(StatusCode::INTERNAL_SERVER_ERROR, "They cannot be written.")
}

/// The part of the API's description that tells about [`healthz`].
#[must_use]
pub fn about_healthz() -> About {
    About::new("getHealth", Tag::Server, "Whether the process answers", "For supervisors.").answer_as(
        200,
        "text/plain",
        "It does.",
    )
}

/// The part of the API's description that tells about [`readyz`].
#[must_use]
pub fn about_readyz() -> About {
    About::new("getReadiness", Tag::Server, "Whether it takes connections", "For load balancers.")
        .answer_as(200, "text/plain", "It does.")
        .refuses(StatusCode::SERVICE_UNAVAILABLE, "It shuts down.")
}

/// `GET /metrics`.
pub async fn handler(
    State(cameras): State<Cameras>,
    State(gate): State<Gate>,
    State(serving): State<Serving>,
    State(events): State<Events>,
) -> Response {
    let mut registry = Registry::with_prefix("lenscast");
    registry.register_collector(Box::new(Scrape { cameras, gate, serving, events }));
    let mut out = String::new();
    match text::encode(&mut out, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], out).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// `GET /healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: it takes cameras and viewers, which it does not while it shuts down.
pub async fn readyz(State(serving): State<Serving>) -> Response {
    if serving.shutdown().is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    "ok\n".into_response()
}

/// Reads the counters where they are kept, when they are asked for.
#[derive(Debug)]
struct Scrape {
    cameras: Cameras,
    gate: Gate,
    serving: Serving,
    events: Events,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Self { cameras, gate, serving, events } = self;
        let streams = cameras.streams().list();
        let mut out = Families { encoder: &mut encoder, streams: &streams };
        out.one(
            "uptime_seconds",
            "Time since the server started",
            cameras.clock().now().to_duration().as_secs_f64(),
        )?;
        out.one("watching", "All who watch, by WebSocket or HTTP", gate.watching() as f64)?;
        let (connections, bytes) = gate.publishing();
        out.one(
            "camera_connections",
            "Connections of cameras, from the handshake to their end (max_cameras)",
            connections as f64,
        )?;
        out.one(
            "camera_message_bytes",
            "Bytes of the cameras' messages that are kept (max_camera_bytes)",
            bytes as f64,
        )?;
        let pipelines = cameras.pipelines();
        out.one(
            "pipelines",
            "Threads that make video, with those that hang or are at a last frame",
            pipelines.count() as f64,
        )?;
        out.one(
            "video_memory_bytes",
            "Memory that these have reserved (max_video_memory)",
            pipelines.memory() as f64,
        )?;
        out.one("listeners", "All who hear the events of /api/events", events.listeners() as f64)?;
        out.one("tasks", "Connections that are open", serving.tasks().len() as f64)?;
        out.by_cause(
            "cameras_refused",
            "Cameras that were refused before they could send anything, by cause",
            serving.refused_cameras().counts(),
        )?;
        let (connections, newcomers) = serving.crowd().counts();
        out.one("connections", "Connections by TCP that are open", connections as f64)?;
        out.one("newcomers", "Those of them that neither watch nor publish", newcomers as f64)?;
        let help = "Connections that were refused or ended because of a limit, by cause";
        out.by_cause("connections_ended", help, serving.ended().counts())?;
        if let Some(certificates) = serving.certificates() {
            out.one(
                "certificate_not_after_seconds",
                "Until when the certificate is good, since the Unix epoch",
                certificates.info().not_after as f64,
            )?;
            let help = "TLS handshakes that failed, by cause";
            out.by_cause("tls_failures", help, serving.handshakes().counts())?;
        }

        out.gauge("camera_connected", "1 while the camera is connected", |stream| {
            f64::from(u8::from(stream.session().is_some()))
        })?;
        out.gauge("viewers", "Connections to /ws/viewer", |stream| stream.viewers() as f64)?;
        out.gauge("encoding", "1 while video is encoded", |stream| f64::from(u8::from(stream.encoding())))?;
        out.gauge(
            "frame_rate",
            "Good frames per second, over the last three seconds or five frames",
            |stream| stream.stats.fps(stream.clock().now()),
        )?;

        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        out.counter("frames", "Good frames", |stream| load(&stream.stats.frames_in))?;
        out.counter("bytes", "Bytes of all messages, good or not", |stream| load(&stream.stats.bytes_in))?;
        out.counter(
            "dropped",
            "Good frames that were not encoded, since a newer one came first",
            |stream| load(&stream.stats.dropped),
        )?;
        out.counter(
            "skipped",
            "Access units that viewers skipped because they read too slowly",
            Stream::skipped,
        )?;
        out.counter(
            "stalled",
            "Viewers that were closed because they took nothing for too long",
            Stream::stalled,
        )?;
        out.counter("pipeline_restarts", "Frames that made the pipeline panic", |stream| {
            load(&stream.stats.pipeline_restarts)
        })?;
        out.counter("pipelines_abandoned", "Pipelines that were given up because they hung", |stream| {
            load(&stream.stats.pipelines_abandoned)
        })?;
        out.counter("encoder_restarts", "ffmpeg children that died and were replaced", |stream| {
            load(&stream.stats.encoder_restarts)
        })?;
        let help = "Frames that were refused, or could not be shown as video, by cause";
        out.by_label("quarantined", help, "cause", |stream| stream.stats.quarantined())?;
        let help = "Good frames with a fault that was mended, by kind";
        out.by_label("mended", help, "kind", |stream| stream.stats.mended())?;

        out.device("device_rssi_dbm", "WiFi signal at the camera's device", |told| told.rssi.map(f64::from))?;
        out.device("device_free_heap_bytes", "Free bytes of the heap of the camera's device", |told| {
            Some(f64::from(told.free_heap))
        })?;
        out.device("device_uptime_seconds", "Time since the camera's device started", |told| {
            Some(told.uptime_ms as f64 / 1000.0)
        })?;
        out.device(
            "device_dropped",
            "Frames that the camera's device dropped since it started: a newer one came, or the connection broke",
            |told| Some(told.dropped as f64),
        )?;

        out.histogram("decode_seconds", "Time to decode a JPEG", |stream| &stream.stats.decode)?;
        out.histogram("encode_seconds", "Time to encode and mux a picture", |stream| &stream.stats.encode)?;
        out.histogram(
            "delivery_seconds",
            "From a frame's arrival until it was handed to a viewer's socket",
            |stream| &stream.stats.delivery,
        )
    }
}

/// Writes metrics, one line a camera.
struct Families<'a, 'b> {
    encoder: &'a mut DescriptorEncoder<'b>,
    streams: &'a [Arc<Stream>],
}

impl Families<'_, '_> {
    fn one(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn each(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        write: impl Fn(&Stream, MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, kind)?;
        for stream in self.streams {
            write(stream, metric.encode_family(&[("camera", stream.name().as_str())])?)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Fn(&Stream) -> f64) -> fmt::Result {
        self.each(name, help, MetricType::Gauge, |stream, mut metric| metric.encode_gauge(&value(stream)))
    }

    /// A gauge of the devices that tell it.
    fn device(&mut self, name: &str, help: &str, value: impl Fn(&Telemetry) -> Option<f64>) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for stream in self.streams {
            let telemetry = stream.device().and_then(|told| told.telemetry);
            if let Some(value) = telemetry.and_then(|(telemetry, _)| value(&telemetry)) {
                metric.encode_family(&[("camera", stream.name().as_str())])?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Fn(&Stream) -> u64) -> fmt::Result {
        self.each(name, help, MetricType::Counter, |stream, mut metric| {
            metric.encode_counter(&value(stream), NO_EXEMPLAR)
        })
    }

    fn histogram(&mut self, name: &str, help: &str, of: impl Fn(&Stream) -> &Histogram) -> fmt::Result {
        self.each(name, help, MetricType::Histogram, |stream, metric| of(stream).encode(metric))
    }

    /// A counter of the whole server, one line a cause.
    fn by_cause(
        &mut self,
        name: &str,
        help: &str,
        counts: impl Iterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (cause, count) in counts {
            metric.encode_family(&[("cause", cause)])?.encode_counter(&count, NO_EXEMPLAR)?;
        }
        Ok(())
    }

    /// Counters of each camera that differ by a label.
    fn by_label(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        counts: impl Fn(&Stream) -> BTreeMap<&'static str, u64>,
    ) -> fmt::Result {
        let mut metric = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for stream in self.streams {
            for (value, count) in counts(stream) {
                let labels = [("camera", stream.name().as_str()), (label, value)];
                metric.encode_family(&labels)?.encode_counter(&count, NO_EXEMPLAR)?;
            }
        }
        Ok(())
    }
}

/// We have no exemplars; the type wants labels all the same.
const NO_EXEMPLAR: Option<&Exemplar<[(&str, &str); 0], u64>> = None;
