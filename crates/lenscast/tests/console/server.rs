//! A server that takes cameras, written by somebody else.

use futures_util::StreamExt as _;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Starts one that knows nothing but the spec, and returns its address. It lives as long as the runtime.
pub async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it was bound");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut camera) = tokio_tungstenite::accept_async(socket).await else { return };
                while let Some(Ok(_)) = camera.next().await {}
            });
        }
    });
    address
}
