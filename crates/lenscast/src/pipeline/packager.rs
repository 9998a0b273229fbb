//! From an encoder's output to what viewers get: parameter sets, time stamps, transport stream.

use crate::mailbox::Mailbox;
use crate::stream::{AccessUnit, Stream, Timing, VideoParams};
use lenscast_media::h264::encoder::Encoded;
use lenscast_media::h264::nal;
use lenscast_media::time::Pts90k;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Pictures that an encoder may keep before it gives their access units; what is older was swallowed by it.
const MAX_PENDING: usize = 64;

/// Makes access units of what an encoder gives, and publishes them.
#[derive(Debug)]
pub(super) struct Packager {
    stream: Arc<Stream>,
    mailbox: Arc<Mailbox>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Pictures that the encoder has, oldest first.
    pending: VecDeque<Timing>,
    params: Option<Arc<VideoParams>>,
    ts: Vec<u8>,
}

impl Packager {
    pub(super) fn new(stream: Arc<Stream>, mailbox: Arc<Mailbox>) -> Self {
        Self { stream, mailbox, state: Mutex::default() }
    }

    /// Where the access units go.
    pub(super) fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Notes the times of a picture that the encoder gets.
    pub(super) fn expect(&self, timing: Timing) {
        let mut state = self.lock();
        if state.pending.len() == MAX_PENDING {
            state.pending.pop_front();
        }
        state.pending.push_back(timing);
    }

    /// Whether access units can be decoded: a key frame has been seen.
    pub(super) fn has_begun(&self) -> bool {
        self.lock().params.is_some()
    }

    /// Publishes the access unit of the picture with `pts`.
    pub(super) fn put(&self, pts: Pts90k, encoded: Encoded) {
        let started = Instant::now();
        let mut state = self.lock();
        // Pictures before it will not come any more: time stamps only increase.
        state.pending.retain(|timing| timing.pts >= pts);
        let Some(timing) = state.pending.pop_front().filter(|timing| timing.pts == pts) else {
            return self.complain("an access unit of a picture that is unknown or too old");
        };
        let params = match params_of(state.params.as_ref(), &encoded) {
            Ok(params) => params,
            Err(why) => return self.complain(why),
        };
        state.params = Some(params.clone());
        let mut ts = std::mem::take(&mut state.ts);
        ts.clear();
        self.stream.muxing().ts.mux(&encoded.annex_b, pts, encoded.key, &mut ts);
        let unit = AccessUnit::new(timing, encoded.key, params, encoded.annex_b, &ts);
        state.ts = ts;
        self.stream.stats.count_unit(self.stream.clock().now(), unit.annex_b().len(), started.elapsed());
        self.stream.publish(&self.mailbox, unit);
    }

    fn complain(&self, why: &str) {
        self.stream.stats.count_quarantined("encoder_output");
        if let Some(held_back) = self.stream.notices.due("encoder_output") {
            tracing::warn!(camera = %self.stream.name(), held_back, "the encoder's output is dropped: {why}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parameter sets of an access unit: its own if it is a key frame, else those of the key frame before it.
fn params_of(known: Option<&Arc<VideoParams>>, encoded: &Encoded) -> Result<Arc<VideoParams>, &'static str> {
    if !encoded.key {
        return known.cloned().ok_or("it did not begin with a key frame");
    }
    let nal::ParameterSets { sps, pps } =
        nal::parameter_sets(&encoded.annex_b).ok_or("a key frame without parameter sets")?;
    match known {
        Some(known) if known.is(sps, pps) => Ok(known.clone()),
        _ => VideoParams::new(sps, pps).map(Arc::new).map_err(|_| "parameter sets that cannot be read"),
    }
}
