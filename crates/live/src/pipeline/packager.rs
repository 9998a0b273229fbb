//! Between the encoder and the stream: each access unit gets back the times of its picture, and its parameter sets.

use crate::stream::Stream;
use crate::stream::feed::Feed;
use crate::unit::{CodedPicture, Timing, VideoParams};
use lenscast_media::causes::Cause;
use lenscast_media::h264::encoder::Encoded;
use lenscast_media::h264::nal;
use lenscast_media::time::Pts90k;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many pictures an encoder may hold before it gives their access units. The times of older ones are forgotten: the
/// encoder has swallowed them.
const MAX_PENDING: usize = 64;

/// Publishes what an encoder gives, with the times and the parameter sets that belong to it.
///
/// An encoder may give the access unit of a picture much later, from another thread, or never. So the times of each picture
/// that it gets are kept here, until the access unit with the same time stamp comes.
#[derive(Debug)]
pub(super) struct Packager {
    feed: Feed,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The times of the pictures that the encoder has, the oldest first.
    pending: VecDeque<Timing>,
    params: Option<Arc<VideoParams>>,
}

impl Packager {
    pub(super) fn new(feed: Feed) -> Self {
        Self { feed, state: Mutex::default() }
    }

    /// The stream to which the access units go.
    pub(super) fn stream(&self) -> &Arc<Stream> {
        self.feed.stream()
    }

    /// Keeps the times of a picture that the encoder gets next.
    pub(super) fn expect(&self, timing: Timing) {
        let mut state = self.lock();
        if state.pending.len() == MAX_PENDING {
            state.pending.pop_front();
        }
        state.pending.push_back(timing);
    }

    /// Whether a key frame has come, so that what follows it can be decoded.
    pub(super) fn has_begun(&self) -> bool {
        self.lock().params.is_some()
    }

    /// Publishes the access unit of the picture that the encoder got with the time stamp `pts`.
    pub(super) fn put(&self, pts: Pts90k, encoded: Encoded) {
        let mut state = self.lock();
        // The encoder gives access units in the order of their time stamps. So when it has pictures of 100, 140 and 180 and gives
        // that of 140, the one of 100 was swallowed, and only 180 is still to come.
        state.pending.retain(|timing| timing.pts >= pts);
        let Some(timing) = state.pending.pop_front().filter(|timing| timing.pts == pts) else {
            return self.complain("an access unit of a picture that is unknown or too old");
        };
        let params = match params_of(state.params.as_ref(), &encoded) {
            Ok(params) => params,
            Err(why) => return self.complain(why),
        };
        state.params = Some(params.clone());
        let Encoded { annex_b, key } = encoded;
        self.feed.publish(CodedPicture { timing, key, params, annex_b });
    }

    fn complain(&self, why: &str) {
        let stream = self.stream();
        stream.stats.count_quarantined(Cause::EncoderOutput);
        if let Some(held_back) = stream.notices.due(Cause::EncoderOutput.name()) {
            tracing::warn!(camera = %stream.name(), held_back, "the encoder's output is dropped: {why}");
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
        Some(known) if known.are(sps, pps) => Ok(known.clone()),
        _ => VideoParams::new(sps, pps).map(Arc::new).map_err(|_| "parameter sets that cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::mailbox::Mailbox;
    use crate::news::News;
    use crate::stream::rules::Rules;
    use crate::unit::gaps;
    use futures_util::FutureExt as _;
    use lenscast_base::in_force::InForce;
    use lenscast_media::h264::encoder::OpenH264;
    use lenscast_media::picture::I420;
    use lenscast_media::time::Micros;
    use lenscast_protocol::CameraName;

    /// Gives the packager a key frame that is shown at `ms`, as an encoder does.
    fn show(packager: &Packager, ms: u64) {
        let pts = Pts90k(ms * 90);
        packager.expect(Timing { at: Micros(ms * 1000), pts, arrival_unix_us: 0 });
        let mut encoder = OpenH264::default();
        packager.put(pts, encoder.encode(&I420::new(64, 48), pts, true).unwrap());
    }

    #[test]
    fn a_late_unit_of_a_replaced_pipeline_leaves_no_gap_for_viewers() {
        let (name, rules) = (CameraName::default(), InForce::new(Rules::default()));
        let stream = Arc::new(Stream::new(name, Clock::start(), rules, News::default()));
        let mut viewer = stream.join_video();
        let replaced = Packager::new(stream.feed(Arc::new(Mailbox::default())));
        let (mut shown, mut packets) = (Vec::new(), Vec::new());
        let mut read = || {
            while let Some(item) = viewer.next().now_or_never() {
                shown.push(item.unit.timing.pts.0 / 90);
                packets.extend(item.unit.ts().body());
            }
        };
        show(&replaced, 0);
        read();
        let current = Packager::new(stream.feed(Arc::new(Mailbox::default())));
        show(&replaced, 40);
        show(&current, 80);
        read();
        assert_eq!(shown, [0, 80], "what the replaced one gives is thrown away");
        assert_eq!(gaps(&packets), [0u16; 0], "and nobody can tell");
    }
}
