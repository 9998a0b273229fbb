//! What strangers do. Each attack is one address's, and goes on until its time is over.
//!
//! | file | what |
//! |---|---|
//! | `attacks/decoding.rs` | pictures that cost more than they weigh |
//! | `attacks/guessing.rs` | logins: many, rude, and after the owner's password |
//! | `attacks/holding.rs` | connections that are opened and held: half a request, nothing at all, events, pictures |
//! | `attacks/publishing.rs` | cameras: too many, of too many names, that come and go, with messages that never end |
//! | `attacks/reading.rs` | viewers that read nothing or say too much |
//! | `attacks/writing.rs` | what makes a server write: its log, its state |

mod decoding;
mod guessing;
mod holding;
mod publishing;
mod reading;
mod writing;

use crate::place::Place;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

/// An attack.
#[derive(Clone, Copy)]
pub struct Attack {
    /// Its name on a command line.
    pub name: &'static str,
    /// What it does, for people.
    pub what: &'static str,
    run: fn(Hostile) -> Doing,
}

/// An attack that goes on. Its error is what it found out that must not be.
type Doing = Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// Who attacks whom, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hostile {
    /// Where the server speaks plain HTTP.
    pub(crate) server: SocketAddr,
    /// Where it speaks TLS.
    pub(crate) tls: SocketAddr,
    /// The one address from which all of this comes.
    pub(crate) from: IpAddr,
    /// Where the owner is, when an attack needs something of the owner first.
    pub(crate) place: Place,
    /// When it is over.
    pub(crate) until: Instant,
}

/// All attacks.
pub const ALL: &[Attack] = &[
    Attack {
        name: "bombs",
        what: "progressive JPEGs of 4000 × 4000 pixels and 99 scans, by 64 connections of one name, while it is watched",
        run: |hostile| Box::pin(decoding::of_one_name(hostile)),
    },
    Attack {
        name: "bombs-many-names",
        what: "the same by a name for each connection",
        run: |hostile| Box::pin(decoding::of_many_names(hostile)),
    },
    Attack {
        name: "rude-logins",
        what: "logins that hang up before they are answered",
        run: |hostile| Box::pin(guessing::rude(hostile)),
    },
    Attack {
        name: "polite-logins",
        what: "wrong logins, each awaited",
        run: |hostile| Box::pin(guessing::polite(hostile)),
    },
    Attack {
        name: "guesses",
        what: "guesses of the owner's password, with a good login of one's own in between, and many at once",
        run: |hostile| Box::pin(guessing::guesses(hostile)),
    },
    Attack {
        name: "bodies",
        what: "4,000 requests whose bodies never end",
        run: |hostile| Box::pin(holding::bodies(hostile)),
    },
    Attack {
        name: "heads",
        what: "4,000 requests whose heads never end",
        run: |hostile| Box::pin(holding::heads(hostile)),
    },
    Attack {
        name: "huge-heads",
        what: "heads of many large lines, by many connections at once",
        run: |hostile| Box::pin(holding::huge_heads(hostile)),
    },
    Attack {
        name: "handshakes",
        what: "4,000 TLS handshakes that are begun and no more",
        run: |hostile| Box::pin(holding::handshakes(hostile)),
    },
    Attack {
        name: "idle",
        what: "4,000 connections that ask once, or never, and stay",
        run: |hostile| Box::pin(holding::idle(hostile)),
    },
    Attack {
        name: "events",
        what: "4,000 listeners to the server's events",
        run: |hostile| Box::pin(holding::events(hostile)),
    },
    Attack {
        name: "viewers",
        what: "4,000 viewers, by WebSocket and by HTTP",
        run: |hostile| Box::pin(holding::viewers(hostile)),
    },
    Attack {
        name: "slow-readers",
        what: "viewers that never read, with the smallest buffers that there are",
        run: |hostile| Box::pin(reading::slow(hostile)),
    },
    Attack {
        name: "pings",
        what: "WebSockets that send pings and nothing else",
        run: |hostile| Box::pin(reading::pings(hostile)),
    },
    Attack {
        name: "names",
        what: "12,000 names of cameras, by one byte each",
        run: |hostile| Box::pin(publishing::names(hostile)),
    },
    Attack {
        name: "probe",
        what: "150 cameras that all want the name of one that answers no ping",
        run: |hostile| Box::pin(publishing::probe(hostile)),
    },
    Attack {
        name: "fragments",
        what: "camera messages in parts without end",
        run: |hostile| Box::pin(publishing::fragments(hostile)),
    },
    Attack {
        name: "slow-frames",
        what: "camera messages of 4 MB that come to all but their last byte, and then byte by byte",
        run: |hostile| Box::pin(publishing::slow_frames(hostile)),
    },
    Attack {
        name: "flapping",
        what: "a camera that comes, sends a picture, and goes, as fast as it can",
        run: |hostile| Box::pin(publishing::flapping(hostile)),
    },
    Attack {
        name: "refusals",
        what: "wrong keys, tokens and links, and requests from pages of elsewhere",
        run: |hostile| Box::pin(writing::refusals(hostile)),
    },
    Attack {
        name: "share-link",
        what: "a share link that is opened again and again",
        run: |hostile| Box::pin(writing::share_link(hostile)),
    },
];

impl Attack {
    /// The attack of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|attack| attack.name == name)
    }

    pub(crate) fn run(&self, hostile: Hostile) -> Doing {
        (self.run)(hostile)
    }
}

impl std::fmt::Debug for Attack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Attack").field(&self.name).finish()
    }
}

/// From one attempt to the next, when the server does not want one.
const PAUSE: Duration = Duration::from_millis(50);

impl Hostile {
    /// Does one thing in so many tasks at once, each again and again, until the time is over. What they hold is closed then.
    async fn swarm<F>(self, count: usize, one: impl Fn(Self, usize) -> F + Copy + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        for number in 0..count {
            tasks.spawn(async move {
                loop {
                    one(self, number).await;
                    // A refusal is cheap for whoever refuses; this keeps the attacker from taking the machine itself.
                    sleep(PAUSE).await;
                }
            });
        }
        sleep_until(self.until.into()).await;
        tasks.shutdown().await;
    }

    /// Whether there is time left.
    fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_attack_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = ALL.iter().map(|attack| attack.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(names.iter().all(|name| Attack::named(name).is_some()) && Attack::named("none").is_none());
    }
}
