//! All streams by name, and who gets a name that two cameras want.

use crate::clock::Clock;
use crate::news::News;
use crate::stream::Stream;
use crate::stream::publisher::Publisher;
use crate::stream::rules::Rules;
use crate::stream::session::Camera;
use lenscast_base::in_force::InForce;
use lenscast_media::time::{Micros, Pts90k};
use lenscast_protocol::CameraName;
use lenscast_protocol::name::MAX_NAME_BYTES;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All streams, by name. A stream begins when somebody asks for its name, whether to publish or to watch.
#[derive(Debug)]
pub struct Streams {
    rules: InForce<Rules>,
    clock: Clock,
    news: News,
    by_name: Mutex<BTreeMap<CameraName, Arc<Stream>>>,
}

impl Streams {
    /// No streams yet. `news` is told whenever a camera comes, goes or is forgotten.
    #[must_use]
    pub fn new(rules: InForce<Rules>, clock: Clock, news: News) -> Self {
        Self { rules, clock, news, by_name: Mutex::default() }
    }

    /// The stream of the name `name`, whether or not its camera is there. It begins now if there was none.
    #[must_use]
    pub fn get(&self, name: &CameraName) -> Arc<Stream> {
        let mut streams = self.lock();
        if let Some(stream) = streams.get(name) {
            return stream.clone();
        }
        // A name that only somebody asked for is forgotten as soon as nobody waits for it: else names cost memory.
        streams.retain(|_, stream| worth_keeping(stream));
        let (rules, news) = (self.rules.clone(), self.news.clone());
        let stream = Arc::new(Stream::new(name.clone(), self.clock, rules, news));
        streams.insert(name.clone(), stream.clone());
        stream
    }

    /// All streams that have or had a camera, or that somebody waits for, in the order of their names.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<Stream>> {
        let mut streams = self.lock();
        streams.retain(|_, stream| worth_keeping(stream));
        streams.values().cloned().collect()
    }

    /// The stream of the name `name`, if it has or had a camera, or somebody waits for it.
    #[must_use]
    pub fn find(&self, name: &CameraName) -> Option<Arc<Stream>> {
        self.lock().get(name).filter(|stream| worth_keeping(stream)).cloned()
    }

    /// Forgets a camera that is not connected. The stream stays for those who wait for it.
    ///
    /// # Errors
    /// [`Connected`] when the camera is connected; nothing is forgotten then.
    pub fn forget(&self, name: &CameraName) -> Result<(), Connected> {
        // While this is locked nobody finds the stream to attach to it.
        let mut streams = self.lock();
        if let Some(stream) = streams.get(name) {
            if stream.session().is_some() {
                return Err(Connected);
            }
            stream.forget();
        }
        streams.retain(|_, stream| worth_keeping(stream));
        drop(streams);
        self.news.tell();
        Ok(())
    }

    /// Notes that the device with this `id` is behind `stream`; an empty one means that the device tells none. From now on the
    /// device is behind no other stream: it may have left one under another name.
    pub fn identify(&self, stream: &Arc<Stream>, id: &str) {
        let id = Some(id).filter(|id| !id.is_empty()).map(str::to_owned);
        for other in self.lock().values() {
            if other.session().is_none() && other.device_id() == id {
                other.set_device_id(None);
            }
        }
        stream.set_device_id(id);
    }

    /// The presentation time of a frame that arrives at `at`, in 90 kHz ticks, before 33 bits wrap.
    #[must_use]
    pub fn pts_at(&self, at: Micros) -> Pts90k {
        self.rules.get().pts_origin.saturating_add(at.to_pts().0)
    }

    /// How many cameras are connected.
    #[must_use]
    pub fn cameras(&self) -> usize {
        self.lock().values().filter(|stream| stream.session().is_some()).count()
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
            let busy = match stream.attach(camera.clone()) {
                Ok(publisher) => return publisher,
                Err(busy) => busy,
            };
            if busy.is_alive(self.rules.get().takeover_timeout).await {
                break;
            }
            busy.take_over().await;
            let (previous, peer) = (busy.camera.peer, camera.peer);
            tracing::info!(camera = %wanted, %previous, %peer, "a silent camera is replaced");
        }
        let mut number = 2;
        loop {
            let other = numbered(wanted, number);
            if may_be(&other)
                && let Ok(publisher) = self.get(&other).attach(camera.clone())
            {
                return publisher;
            }
            number += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraName, Arc<Stream>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a camera was not forgotten: it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connected;

/// Whether a stream is more than a name that somebody asked for once: it has or had a camera, or somebody holds it.
fn worth_keeping(stream: &Arc<Stream>) -> bool {
    Arc::strong_count(stream) > 1 || stream.stats.bytes_in.load(Ordering::Relaxed) > 0
}

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
    }
}
