//! All streams by name, and who gets a name that two cameras want.

use crate::clock::Clock;
use crate::news::News;
use crate::stream::Stream;
use crate::stream::presence::Worth;
use crate::stream::publisher::Publisher;
use crate::stream::rules::Rules;
use crate::stream::session::{Camera, Session};
use lenscast_base::in_force::InForce;
use lenscast_base::notices::{Notices, Source};
use lenscast_media::time::{Micros, Pts90k};
use lenscast_protocol::CameraName;
use lenscast_protocol::name::MAX_NAME_BYTES;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// All streams, by name. A stream begins when somebody asks for its name, whether to publish or to watch.
///
/// A stream lives as long as somebody holds it: its camera's connection, or a viewer. Beyond that, it is remembered when its
/// camera sent a good picture, or for ten minutes when all that it sent was refused, so that its owner hears why. At most
/// [`Rules::max_absent`] are remembered so; then those that were only refused go first, and of each kind the one that has been
/// gone for the longest. So somebody who connects under one name after the other costs no more than these.
#[derive(Debug)]
pub struct Streams {
    rules: InForce<Rules>,
    clock: Clock,
    news: News,
    notices: Notices,
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    by_name: BTreeMap<CameraName, Known>,
    /// How many names there were after it was looked for those that are of no more use.
    swept: usize,
}

/// A stream that somebody holds, or that is remembered.
#[derive(Debug)]
struct Known {
    stream: Weak<Stream>,
    /// The stream, while it is to be remembered though nobody may hold it.
    kept: Option<Arc<Stream>>,
}

impl Names {
    /// The streams that there are.
    fn streams(&self) -> impl Iterator<Item = Arc<Stream>> {
        self.by_name.values().filter_map(|known| known.stream.upgrade())
    }

    /// Forgets the names that nobody holds and that are not worth it, and those that are too many.
    fn sweep(&mut self, now: Micros, most: usize) {
        let mut absent = Vec::new();
        for known in self.by_name.values_mut() {
            match known.kept.as_ref().map(|stream| stream.worth(now)) {
                Some(Worth::Nothing) => known.kept = None,
                Some(worth @ (Worth::Refused { .. } | Worth::Sent { .. })) => absent.push((worth, known)),
                Some(Worth::Connected) | None => {}
            }
        }
        if absent.len() > most {
            let too_many = absent.len() - most;
            absent.sort_unstable_by_key(|(worth, _)| *worth);
            absent.into_iter().take(too_many).for_each(|(_, known)| known.kept = None);
        }
        self.by_name.retain(|_, known| known.stream.strong_count() > 0);
        self.swept = self.by_name.len();
    }
}

impl Streams {
    /// No streams yet. `news` is told whenever a camera comes, goes or is forgotten.
    #[must_use]
    pub fn new(rules: InForce<Rules>, clock: Clock, news: News) -> Self {
        Self { rules, clock, news, notices: Notices::default(), names: Mutex::default() }
    }

    /// What was logged lately about all cameras. Names cost a stranger nothing, so lines are counted by where cameras come
    /// from.
    #[must_use]
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// The stream of the name `name`, whether or not its camera is there. It begins now if there was none.
    #[must_use]
    pub fn get(&self, name: &CameraName) -> Arc<Stream> {
        let mut names = self.lock();
        if let Some(stream) = names.by_name.get(name).and_then(|known| known.stream.upgrade()) {
            return stream;
        }
        // Names that somebody only asked for would add up. Looking through all for each new one would take longer with every name,
        // so that is done when there are twice as many as the last time.
        if names.by_name.len() > 2 * names.swept + 64 {
            self.sweep(&mut names);
        }
        let (rules, news) = (self.rules.clone(), self.news.clone());
        let mut stream = Stream::new(name.clone(), self.clock.clone(), rules, news);
        stream.notices = self.notices.of(Source::Nobody);
        let stream = Arc::new(stream);
        names.by_name.insert(name.clone(), Known { stream: Arc::downgrade(&stream), kept: None });
        stream
    }

    /// All streams whose camera is connected or remembered, or that somebody waits for, in the order of their names.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Stream>> {
        let mut names = self.lock();
        self.sweep(&mut names);
        names.streams().collect()
    }

    /// The stream of the name `name`, if its camera is connected or remembered, or somebody waits for it.
    #[must_use]
    pub fn find(&self, name: &CameraName) -> Option<Arc<Stream>> {
        let mut names = self.lock();
        let known = names.by_name.get_mut(name)?;
        known.kept.take_if(|stream| stream.worth(self.clock.now()) == Worth::Nothing);
        known.stream.upgrade()
    }

    /// Forgets a camera that is not connected. The stream stays for those who wait for it.
    ///
    /// # Errors
    /// [`Connected`] when the camera is connected; nothing is forgotten then.
    pub fn forget(&self, name: &CameraName) -> Result<(), Connected> {
        // While this is locked nobody finds the stream to attach to it.
        let mut names = self.lock();
        if let Some(known) = names.by_name.get_mut(name) {
            if let Some(stream) = known.stream.upgrade() {
                if stream.session().is_some() {
                    return Err(Connected);
                }
                stream.forget();
            }
            known.kept = None;
        }
        drop(names);
        self.news.tell();
        Ok(())
    }

    /// The names of the cameras that are remembered and not connected.
    #[must_use]
    pub fn absent(&self) -> Vec<CameraName> {
        let mut names = self.lock();
        self.sweep(&mut names);
        let absent = |known: &&Known| known.kept.as_ref().is_some_and(|stream| stream.session().is_none());
        let of = |known: &Known| known.kept.as_ref().map(|stream| stream.name().clone());
        names.by_name.values().filter(absent).filter_map(of).collect()
    }

    /// Makes `camera` the publisher of a stream, which is remembered from now on.
    fn attach(&self, stream: &Arc<Stream>, camera: Camera) -> Result<Publisher, Arc<Session>> {
        let publisher = stream.attach(camera)?;
        let mut names = self.lock();
        if let Some(known) = names.by_name.get_mut(stream.name()) {
            known.kept = Some(stream.clone());
        }
        // Each camera that comes makes room for itself.
        self.sweep(&mut names);
        Ok(publisher)
    }

    fn sweep(&self, names: &mut Names) {
        names.sweep(self.clock.now(), self.rules.get().max_absent);
    }

    /// Notes that the device with this `id` is behind `stream`; an empty one means that the device tells none. A device is
    /// behind one stream only. When it is known to be behind another one, it has moved from there, unless that one's camera
    /// is connected or `may_leave` is false for its name; then the device behind `stream` is taken for one that tells no id.
    ///
    /// # Errors
    /// The name of the camera that keeps the device.
    pub fn identify(
        &self,
        stream: &Arc<Stream>,
        id: &str,
        may_leave: impl Fn(&CameraName) -> bool,
    ) -> Result<(), CameraName> {
        let id = Some(id).filter(|id| !id.is_empty()).map(str::to_owned);
        let names = self.lock();
        let has_it = |other: &Arc<Stream>| id.is_some() && other.device_id() == id;
        if let Some(holder) = names.streams().find(has_it).filter(|holder| !Arc::ptr_eq(holder, stream)) {
            if holder.session().is_some() || !may_leave(holder.name()) {
                stream.set_device_id(None);
                return Err(holder.name().clone());
            }
            holder.set_device_id(None);
        }
        stream.set_device_id(id);
        Ok(())
    }

    /// The presentation time of a frame that arrives at `at`, in 90 kHz ticks, before 33 bits wrap.
    #[must_use]
    pub fn pts_at(&self, at: Micros) -> Pts90k {
        self.rules.get().pts_origin.saturating_add(at.to_pts().0)
    }

    /// How many cameras are connected.
    #[must_use]
    pub fn cameras(&self) -> usize {
        self.lock().streams().filter(|stream| stream.session().is_some()).count()
    }

    /// Makes `camera` the publisher of the stream `wanted`, or of one with a number behind that name.
    ///
    /// When another connection has the name, that one is asked whether it is alive. If it does not answer, the newcomer takes the
    /// name over: a device that lost its WiFi has come back. If it answers, there are two cameras, and the newcomer gets the
    /// first free name of `door-2`, `door-3`, … for which `may_be` is true.
    pub async fn claim(
        &self,
        wanted: &CameraName,
        camera: Camera,
        may_be: impl Fn(&CameraName) -> bool,
    ) -> Publisher {
        let stream = self.get(wanted);
        // A device that came back may have tried several times, and all of these connections are found at once when this server
        // or the network goes on: each has to show that it is alive.
        loop {
            let busy = match self.attach(&stream, camera.clone()) {
                Ok(publisher) => return publisher,
                Err(busy) => busy,
            };
            if busy.is_alive(self.rules.get().takeover_timeout, stream.next_due()).await {
                break;
            }
            busy.take_over().await;
            let (previous, peer) = (busy.camera.peer, camera.peer);
            if self.notices.of(peer.ip()).due("a silent camera is replaced").is_some() {
                tracing::info!(camera = %wanted, %previous, %peer, "a silent camera is replaced");
            }
        }
        let mut number = 2;
        loop {
            let other = numbered(wanted, number);
            if may_be(&other)
                && let Ok(publisher) = self.attach(&self.get(&other), camera.clone())
            {
                return publisher;
            }
            number += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a camera was not forgotten: it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connected;

/// The name with a number behind it, as in `door-2`. The name itself is cut when both together are too long.
fn numbered(name: &CameraName, number: usize) -> CameraName {
    let suffix = format!("-{number}");
    let stem = &name.as_str()[..name.as_str().len().min(MAX_NAME_BYTES - suffix.len())];
    CameraName::new(&format!("{stem}{suffix}")).expect("a prefix of a name, a dash and digits are a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Streams {
        Streams::new(InForce::new(Rules::default()), Clock::start(), News::default())
    }

    fn name(text: &str) -> CameraName {
        CameraName::new(text).unwrap()
    }

    #[test]
    fn a_long_name_is_cut_to_make_room_for_its_number() {
        assert_eq!(numbered(&name("door"), 2).as_str(), "door-2");
        let long = numbered(&name(&"x".repeat(63)), 12);
        assert_eq!(long.as_str(), format!("{}-12", "x".repeat(60)));
    }

    fn camera() -> Camera {
        Camera { peer: ([127, 0, 0, 1], 1).into(), control: true }
    }

    #[test]
    fn a_device_is_behind_one_stream_only_and_moves_when_it_may() {
        let streams = streams();
        let [door, back] = ["door", "back"].map(|text| streams.get(&name(text)));
        let at_door = door.attach(camera()).unwrap();
        let ids = || [door.device_id(), back.device_id()].map(Option::unwrap_or_default);
        let at_back = back.attach(camera()).unwrap();
        streams.identify(&door, "a", |_| unreachable!("nobody has it")).unwrap();
        let kept = streams.identify(&back, "a", |_| true);
        assert_eq!((kept, ids()), (Err(name("door")), ["a".into(), String::new()]), "its camera is there");
        streams.identify(&back, "b", |_| true).unwrap();
        assert_eq!(ids(), ["a", "b"]);
        drop(at_door);
        let kept = streams.identify(&back, "a", |other| *other != name("door"));
        assert_eq!(kept, Err(name("door")));
        assert_eq!(ids(), ["a", ""], "who is not believed is nobody else either");
        streams.identify(&back, "a", |other| *other == name("door")).unwrap();
        assert_eq!(ids(), ["", "a"]);
        streams.identify(&back, "a", |_| false).unwrap();
        streams.identify(&back, "", |_| false).unwrap();
        assert_eq!(ids(), ["", ""]);
        drop(at_back);
    }

    #[test]
    fn names_that_were_only_asked_for_are_forgotten() {
        let streams = streams();
        let waiting = streams.get(&name("waiting"));
        for number in 0..1000 {
            drop(streams.get(&name(&format!("asked-{number}"))));
        }
        let names: Vec<String> = streams.list().iter().map(|stream| stream.name().to_string()).collect();
        assert_eq!(names, ["waiting"]);
        drop(waiting);
        assert!(streams.list().is_empty());
        for number in 0..100_000 {
            drop(streams.get(&name(&format!("asked-{number}"))));
        }
        assert!(streams.lock().by_name.len() < 200, "they do not add up meanwhile either");
    }

    /// A camera of this name comes, sends a good frame or one that is refused or none, and leaves.
    fn visit(streams: &Streams, camera: &str, sends: Option<bool>) {
        let camera = name(camera);
        let stream = streams.get(&camera);
        let from = Camera { peer: ([192, 0, 2, 1], 5).into(), control: false };
        let publisher = streams.attach(&stream, from).unwrap();
        assert!(streams.find(&camera).is_some(), "while it is connected it is seen, whatever it sends");
        match sends {
            Some(true) => drop(publisher.push(bytes::Bytes::new(), 16, 16, stream.clock().now())),
            Some(false) => stream.stats.count_quarantined(lenscast_media::causes::Cause::NotAJpeg),
            None => {}
        }
    }

    fn listed(streams: &Streams) -> Vec<String> {
        streams.list().iter().map(|stream| stream.name().to_string()).collect()
    }

    fn streams_for(max_absent: usize) -> Streams {
        let rules = InForce::new(Rules { max_absent, ..Rules::default() });
        Streams::new(rules, Clock::start(), News::default())
    }

    #[test]
    fn only_cameras_that_sent_a_picture_or_were_refused_lately_are_remembered() {
        let streams = streams();
        visit(&streams, "good", Some(true));
        visit(&streams, "refused", Some(false));
        visit(&streams, "silent", None);
        assert_eq!(listed(&streams), ["good", "refused"]);
        assert!(streams.find(&name("silent")).is_none());
        let cause = streams.get(&name("refused")).stats.quarantined();
        assert_eq!(cause.get("not_a_jpeg"), Some(&1), "its owner hears why there is no picture");
    }

    #[test]
    fn names_without_end_push_out_the_oldest_and_those_first_that_were_only_refused() {
        let streams = streams_for(3);
        let viewer = streams.get(&name("first"));
        for camera in ["first", "second", "third"] {
            visit(&streams, camera, Some(true));
        }
        for number in 0..1000 {
            visit(&streams, &format!("refused-{number}"), Some(false));
            assert!(streams.lock().by_name.len() < 7);
        }
        assert_eq!(listed(&streams), ["first", "second", "third"]);
        visit(&streams, "fourth", Some(true));
        assert_eq!(listed(&streams), ["first", "fourth", "second", "third"], "somebody waits for the first");
        assert_eq!(streams.absent().len(), 3);
        drop(viewer);
        assert_eq!(listed(&streams), ["fourth", "second", "third"]);
        let from = Camera { peer: ([192, 0, 2, 1], 5).into(), control: false };
        let connected = streams.attach(&streams.get(&name("second")), from).unwrap();
        for number in 0..1000 {
            visit(&streams, &format!("good-{number}"), Some(true));
            assert!(streams.lock().by_name.len() < 7);
        }
        assert_eq!(listed(&streams), ["good-997", "good-998", "good-999", "second"]);
        drop(connected);
        assert!(listed(&streams).contains(&"second".to_owned()), "it has been gone for the shortest time");
    }

    #[test]
    fn who_waits_keeps_the_stream_that_the_camera_then_uses() {
        let streams = streams_for(0);
        let waiting = streams.get(&name("door"));
        visit(&streams, "door", Some(true));
        visit(&streams, "other", Some(true));
        assert_eq!(listed(&streams), ["door"]);
        assert!(Arc::ptr_eq(&waiting, &streams.get(&name("door"))));
        streams.forget(&name("door")).unwrap();
        assert!(Arc::ptr_eq(&waiting, &streams.get(&name("door"))));
    }
}
