//! Word that something changed.

use std::sync::Arc;
use tokio::sync::Notify;

/// Word that something changed which people want to know at once: a camera came or left, or got another title.
///
/// Clones share it: many tell, one listens. It says only that there is news; whoever hears it looks for itself what changed.
#[derive(Clone, Debug, Default)]
pub struct News(Arc<Notify>);

impl News {
    /// Tells that there is news.
    pub fn tell(&self) {
        self.0.notify_one();
    }

    /// Waits for news. News that came while nobody waited counts once, however much it was. Cancel-safe.
    pub async fn heard(&self) {
        self.0.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn news_that_nobody_waited_for_is_heard_once() {
        let news = News::default();
        assert!(news.heard().now_or_never().is_none());
        news.tell();
        news.clone().tell();
        assert!(news.heard().now_or_never().is_some());
        assert!(news.heard().now_or_never().is_none());
    }
}
