//! The right to give a stream its video.

use super::Stream;
use crate::demand::Demand;
use crate::unit::{AccessUnit, CodedPicture};
use std::sync::Arc;
use std::time::Instant;

/// The right to give a stream its video, until another feed begins or the camera leaves.
///
/// A stream does not care who feeds it: a camera's pipeline here, or a connection to the machine that has the camera. Clones are
/// the same feed.
#[derive(Clone, Debug)]
pub struct Feed {
    stream: Arc<Stream>,
    /// The number of the feed within its stream, from 1. The newest one is the feed; older ones are thrown away.
    number: u64,
}

impl Stream {
    /// Begins another feed of the stream's video, in place of the one before. From now on, `demand` is told what is wanted. The feed
    /// is to begin with a key frame, without being asked for one.
    #[must_use]
    pub fn feed(self: &Arc<Self>, demand: Arc<dyn Demand>) -> Feed {
        let mut state = self.lock();
        demand.set_watched(self.wanted(&state));
        state.feeds += 1;
        let number = state.feeds;
        if let Some((_, before)) = state.feed.replace((number, demand)) {
            before.end();
        }
        // Nobody needs to ask for the key frame with which it begins.
        state.key_pending = true;
        Feed { stream: self.clone(), number }
    }

    /// Ends the stream's video, until another feed begins.
    pub fn end_feed(&self) {
        if let Some((_, demand)) = self.lock().feed.take() {
            demand.end();
        }
    }
}

impl Feed {
    /// The stream that is fed.
    #[must_use]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Adds a picture to what is live, and wakes the viewers. The picture is thrown away when this feed has ended, or when nobody
    /// could decode it, since no key frame came before it.
    pub fn publish(&self, picture: CodedPicture) {
        let stream = &self.stream;
        let mut state = stream.lock();
        if state.feed.as_ref().is_none_or(|(current, _)| *current != self.number) {
            return;
        }
        // Only from here on is it sure that the picture is shown, so only now it is muxed. If the counters of the transport stream
        // moved for a picture that is then thrown away, every viewer would take that for a loss: with ten packets in it, the
        // counter of the video would jump from 3 to 14.
        let started = Instant::now();
        let (key, bytes) = (picture.key, picture.annex_b.len());
        let super::State { gop, muxer, key_pending, .. } = &mut *state;
        *key_pending &= !key;
        if gop.push(key, |sequence| AccessUnit::new(sequence, picture, muxer)).is_none() {
            return;
        }
        drop(state);
        stream.stats.count_unit(stream.clock.now(), bytes, started.elapsed());
        stream.video.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::news::News;
    use crate::stream::rules::{EncodeMode, Rules};
    use crate::unit::gaps;
    use futures_util::FutureExt as _;
    use lenscast_base::in_force::InForce;
    use lenscast_protocol::CameraName;
    use proptest::prelude::*;
    use std::sync::Mutex;

    /// What an edge of a cluster is told by a stream, in order. It has no camera, no mailbox and no pipeline.
    #[derive(Debug, Default)]
    struct Edge(Mutex<Vec<&'static str>>);

    impl Edge {
        fn note(&self, what: &'static str) {
            self.0.lock().unwrap().push(what);
        }

        /// What was told since this was asked last.
        fn told(&self) -> Vec<&'static str> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl Demand for Edge {
        fn set_watched(&self, watched: bool) {
            self.note(if watched { "watched" } else { "unwatched" });
        }

        fn request_key(&self) {
            self.note("key");
        }

        fn end(&self) {
            self.note("end");
        }
    }

    fn stream(rules: Rules) -> Arc<Stream> {
        let rules = InForce::new(rules);
        Arc::new(Stream::new(CameraName::default(), Clock::start(), rules, News::default()))
    }

    #[test]
    fn whoever_feeds_a_stream_is_told_what_is_wanted_and_no_more() {
        let (stream, edge) = (stream(Rules::default()), Arc::new(Edge::default()));
        let feed = stream.feed(edge.clone());
        assert_eq!(edge.told(), ["unwatched"]);
        let first = stream.join_video();
        assert_eq!(edge.told(), ["watched"], "it begins with a key frame anyway");
        feed.publish(CodedPicture::for_test(true));
        // Its time is the server's start: too long ago for who comes now, once the server has run for a while.
        std::thread::sleep(super::super::JOINABLE_GOP_AGE);
        let joiners: Vec<_> = (0..10).map(|_| stream.join_video()).collect();
        let told = edge.told();
        assert_eq!(told.iter().filter(|told| **told == "key").count(), 1, "one for all ten: {told:?}");
        feed.publish(CodedPicture::for_test(true));
        let late = stream.join_video();
        assert_eq!(edge.told(), ["watched", "key"], "and one for who comes after that");
        drop((joiners, late));
        assert_eq!(edge.told(), [""; 0], "somebody still watches");
        drop(first);
        assert_eq!(edge.told(), ["unwatched"]);
    }

    #[test]
    fn what_is_encoded_always_is_watched_always() {
        let (stream, edge) =
            (stream(Rules { encode: EncodeMode::Always, ..Rules::default() }), Arc::new(Edge::default()));
        let _feed = stream.feed(edge.clone());
        drop(stream.join_video());
        assert_eq!(edge.told(), ["watched", "watched"]);
    }

    #[test]
    fn a_feed_that_was_replaced_shows_nothing_any_more() {
        let (stream, edges) = (stream(Rules::default()), [Arc::new(Edge::default()), Arc::default()]);
        let mut viewer = stream.join_video();
        let replaced = stream.feed(edges[0].clone());
        let current = stream.feed(edges[1].clone());
        assert_eq!((edges[0].told(), edges[1].told()), (vec!["watched", "end"], vec!["watched"]));
        replaced.publish(CodedPicture::for_test(true));
        assert!(viewer.next().now_or_never().is_none());
        current.publish(CodedPicture::for_test(true));
        assert_eq!(viewer.next().now_or_never().unwrap().unit.sequence, 0);
        stream.end_feed();
        assert_eq!(edges[1].told(), ["end"]);
        current.publish(CodedPicture::for_test(true));
        assert!(viewer.next().now_or_never().is_none(), "the camera left");
    }

    /// What may happen to a stream.
    #[derive(Clone, Copy, Debug)]
    enum Action {
        Begin,
        End,
        /// One of the feeds that there ever were gives a picture, however late.
        Publish {
            feed: prop::sample::Index,
            key: bool,
        },
    }

    fn action() -> impl Strategy<Value = Action> {
        let publish = (any::<prop::sample::Index>(), any::<bool>());
        prop_oneof![
            1 => Just(Action::Begin),
            1 => Just(Action::End),
            8 => publish.prop_map(|(feed, key)| Action::Publish { feed, key }),
        ]
    }

    proptest! {
        #[test]
        fn whoever_publishes_late_a_viewer_that_reads_all_sees_no_gap(
            actions in prop::collection::vec(action(), 1..100),
        ) {
            let stream = stream(Rules::default());
            let mut viewer = stream.join_video();
            let mut feeds = vec![stream.feed(Arc::new(Edge::default()))];
            let (mut packets, mut seen) = (Vec::new(), 0);
            for action in actions {
                match action {
                    Action::Begin => feeds.push(stream.feed(Arc::new(Edge::default()))),
                    Action::End => stream.end_feed(),
                    Action::Publish { feed, key } => {
                        feeds[feed.index(feeds.len())].publish(CodedPicture::for_test(key));
                    }
                }
                while let Some(item) = viewer.next().now_or_never() {
                    prop_assert_eq!((item.unit.sequence, item.lost), (seen, 0));
                    prop_assert!(seen > 0 || item.unit.key);
                    seen += 1;
                    packets.extend(item.unit.ts().body());
                }
            }
            prop_assert_eq!(gaps(&packets), Vec::<u16>::new());
        }
    }
}
