//! Many devices at once, for load.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::options::fits_many;
use crate::{Error, Options, Stats, run};

/// How often they are summed up.
const EVERY: Duration = Duration::from_secs(5);

/// Runs `count` devices (at most [`MAX_DEVICES`](crate::MAX_DEVICES)) as [`run`] does until `shutdown` completes, each at a path of its own:
/// `/ws/camera/dev-1`, `/ws/camera/dev-2`, …. `summary` gets a line about all of them every 5 s.
///
/// # Errors
/// As [`run`]; the first one that ends with an error ends them all. Also when `options` names no server, a path, or a file
/// for settings: the devices cannot share it.
pub async fn run_many(
    options: Options,
    count: usize,
    mut summary: impl FnMut(&str),
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let server = fits_many(&options, count)?;
    let (stop, stopped) = watch::channel(false);
    let mut devices = JoinSet::new();
    let mut counted = Vec::new();
    for number in 1..=count {
        let options = Options { server: Some(server.numbered(number)?.to_string()), ..options.clone() };
        let stats = Stats::new();
        counted.push(stats.clone());
        let mut stopped = stopped.clone();
        let stopped = async move {
            #[expect(
                clippy::let_underscore_must_use,
                reason = "who would have said it is gone: that ends the fleet too"
            )]
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        let span = tracing::info_span!("device", number);
        devices.spawn(run(options, stats, stopped).instrument(span));
    }
    let mut shutdown = std::pin::pin!(shutdown);
    let mut ticks = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
    let mut before = Sum::default();
    let mut result = Ok(());
    let mut stopping = false;
    loop {
        tokio::select! {
            () = &mut shutdown, if !stopping => stopping = true,
            _ = ticks.tick(), if !stopping => {
                let now = Sum::of(&counted);
                summary(&now.line(&before, count));
                before = now;
            }
            ended = devices.join_next() => match ended {
                None => return result,
                Some(ended) => {
                    let ended = ended.unwrap_or(Err(Error::DevicePanicked));
                    stopping = true;
                    result = result.and(ended);
                }
            },
        }
        if stopping {
            stop.send_replace(true);
        }
    }
}

/// What all devices did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    connected: usize,
    sent: u64,
    bytes: u64,
    dropped: u64,
}

impl Sum {
    fn of(devices: &[Arc<Stats>]) -> Self {
        let mut sum = Self::default();
        for stats in devices {
            sum.connected += usize::from(stats.connected());
            sum.sent += stats.sent();
            sum.bytes += stats.bytes();
            sum.dropped += stats.dropped();
        }
        sum
    }

    /// What happened since `before`, [`EVERY`] ago.
    fn line(&self, before: &Self, count: usize) -> String {
        let seconds = EVERY.as_secs_f64();
        format!(
            "{} of {count} devices connected, {:.1} frames/s, {:.1} Mbit/s, {} frames dropped",
            self.connected,
            (self.sent - before.sent) as f64 / seconds,
            (self.bytes - before.bytes) as f64 * 8.0 / 1e6 / seconds,
            self.dropped - before.dropped,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_tells_rates_since_the_one_before() {
        let before = Sum { connected: 1, sent: 100, bytes: 1_000_000, dropped: 7 };
        let now = Sum { connected: 3, sent: 400, bytes: 7_250_000, dropped: 9 };
        assert_eq!(
            now.line(&before, 4),
            "3 of 4 devices connected, 60.0 frames/s, 10.0 Mbit/s, 2 frames dropped"
        );
    }
}
