//! All cameras of a server, and what is known about them beside their pictures: titles, what their devices told and what that
//! means, how they were in the last minutes, and all of it together as a status.
//!
//! Nothing here knows HTTP, or who may see what.
//!
//! | file | what |
//! |---|---|
//! | `devices.rs` | what the devices behind cameras told |
//! | `diagnosis.rs`, `diagnosis/` | what is wrong with a device, in words. Pure |
//! | `history.rs` | rate and latency of the last ten minutes |
//! | `load.rs` | why frames are not encoded. Pure |
//! | `titles.rs` | the cameras' names for people, and which way up they are shown, kept in the state directory |
//! | `virtuals.rs` | which cameras are virtual ones of this server |
//! | `status.rs` | what is going on, for `/status` and `/api/events` |
//! | `described.rs` | the form of names and titles, for the description of the API |

#![forbid(unsafe_code)]

pub mod described;
pub mod devices;
pub mod diagnosis;
pub mod history;
pub mod load;
pub mod status;
pub mod titles;
pub mod virtuals;

use devices::Devices;
use history::Histories;
use lenscast_base::in_force::InForce;
use lenscast_base::state::{StateDir, StateError};
use lenscast_live::Clock;
use lenscast_live::News;
use lenscast_live::{Connected, Streams};
use lenscast_live::{Pipelines, Video, pipeline};
use lenscast_live::{Rules, Stream};
use lenscast_media::turn::Turn;
use lenscast_protocol::CameraName;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use titles::{Owner, Titles};
use virtuals::Virtuals;

/// The cameras of a server. Clones share them.
#[derive(Clone, Debug)]
pub struct Cameras(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pipelines: Pipelines,
    clock: Clock,
    news: News,
    streams: Streams,
    titles: Titles,
    devices: Devices,
    histories: Histories,
    virtuals: Virtuals,
}

/// What came of forgetting a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// The camera is forgotten.
    Yes,
    /// The camera is connected, and stays.
    Connected,
    /// No camera of that name is known.
    Unknown,
}

impl Cameras {
    /// The cameras of a server that starts now. Titles are kept in `state`; virtual cameras of this server come from `own`.
    #[must_use]
    pub fn new(
        rules: InForce<Rules>,
        pipelines: InForce<pipeline::Config>,
        state: Arc<StateDir>,
        own: IpAddr,
    ) -> Self {
        let (clock, news) = (Clock::start(), News::default());
        Self(Arc::new(Inner {
            streams: Streams::new(rules, clock.clone(), news.clone()),
            pipelines: pipelines.into(),
            clock,
            news,
            titles: Titles::open(state),
            devices: Devices::default(),
            histories: Histories::default(),
            virtuals: Virtuals::new(own),
        }))
    }

    /// The arrival clock of all cameras.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What is told when something changes about a camera that people want to know at once.
    #[must_use]
    pub fn news(&self) -> &News {
        &self.0.news
    }

    /// The streams, by name.
    #[must_use]
    pub fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// The cameras' names for people.
    #[must_use]
    pub fn titles(&self) -> &Titles {
        &self.0.titles
    }

    /// What the devices behind cameras told.
    #[must_use]
    pub fn devices(&self) -> &Devices {
        &self.0.devices
    }

    /// How the cameras were in the last ten minutes.
    #[must_use]
    pub fn histories(&self) -> &Histories {
        &self.0.histories
    }

    /// Which cameras are virtual ones of this server.
    #[must_use]
    pub fn virtuals(&self) -> &Virtuals {
        &self.0.virtuals
    }

    /// The pipelines that make video.
    #[must_use]
    pub fn pipelines(&self) -> &Pipelines {
        &self.0.pipelines
    }

    /// Starts the thread that makes video of a camera's frames, which are turned as the owner wants.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start_video(&self, stream: Arc<Stream>) -> io::Result<Video> {
        self.turn_as_wanted(&stream);
        Video::start(stream, self.0.pipelines.clone())
    }

    /// Whose title the camera of this name has: its device's, when that is known.
    #[must_use]
    pub fn owner(&self, name: &CameraName) -> Owner {
        self.streams().find(name).map_or_else(|| name.clone().into(), |stream| Owner::from(&*stream))
    }

    /// Gives a camera a title, or takes it away, and tells what is shown as its title then. It is on the disk when this
    /// returns: call it where that may take a while.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn set_title(&self, owner: &Owner, title: Option<String>) -> Result<String, StateError> {
        self.titles().set(owner, title)?;
        self.news().tell();
        Ok(self.titles().of(owner))
    }

    /// How somebody wants the pictures of the camera of this name turned.
    #[must_use]
    pub fn turn(&self, name: &CameraName) -> Turn {
        self.titles().turn(&self.owner(name))
    }

    /// Turns the pictures of the camera of this name, from its next picture on. It is on the disk when this returns: call it
    /// where that may take a while.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn set_turn(&self, name: &CameraName, turn: Turn) -> Result<(), StateError> {
        self.titles().set_turn(&self.owner(name), turn)?;
        if let Some(stream) = self.streams().find(name) {
            self.turn_as_wanted(&stream);
        }
        self.news().tell();
        Ok(())
    }

    /// Sees to it that a camera's pictures are turned as somebody wanted. To be called when a camera came, and when its device
    /// told who it is.
    fn turn_as_wanted(&self, stream: &Stream) {
        stream.set_turn(self.titles().turn(&stream.into()));
    }

    /// Forgets a camera, its history and its title, unless it is connected. Waits for the disk.
    ///
    /// # Errors
    /// When it cannot be written that the title is gone; then nothing is forgotten.
    pub fn forget(&self, name: &CameraName) -> Result<Forgotten, StateError> {
        let stream = self.streams().find(name);
        if stream.as_ref().is_some_and(|stream| stream.session().is_some()) {
            return Ok(Forgotten::Connected);
        }
        let owner = self.owner(name);
        if stream.is_none() && !self.titles().has(&owner) {
            return Ok(Forgotten::Unknown);
        }
        drop(stream);
        self.titles().remove(std::slice::from_ref(&owner))?;
        self.news().tell();
        Ok(match self.streams().forget(name) {
            Err(Connected) => Forgotten::Connected,
            Ok(()) => {
                self.histories().forget(name);
                tracing::info!(camera = %name, "a camera is forgotten");
                Forgotten::Yes
            }
        })
    }

    /// Forgets every camera that is remembered and not connected, with its history and its title, and tells their names. Waits for
    /// the disk.
    ///
    /// # Errors
    /// When it cannot be written that the titles are gone; then nothing is forgotten.
    pub fn forget_absent(&self) -> Result<Vec<CameraName>, StateError> {
        let mut absent = self.streams().absent();
        let owners: Vec<_> = absent.iter().map(|name| self.owner(name)).collect();
        self.titles().remove(&owners)?;
        // One that came back at this moment stays.
        absent.retain(|name| self.streams().forget(name).is_ok());
        absent.iter().for_each(|name| self.histories().forget(name));
        tracing::info!(count = absent.len(), "all cameras that are gone are forgotten");
        self.news().tell();
        Ok(absent)
    }
}
