//! A link with a token, opened in a browser: the token becomes a session's cookie, and disappears from the address, so that it
//! is in no bookmark, no history and no picture of the screen.
//!
//! A browser that has a session already which may do as much keeps it. So a link that is opened again is no new session, and
//! an admin who opens a link to watch stays an admin.

use crate::pages::escape;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use lenscast_auth::presented::{By, Presented, strip_token};
use lenscast_base::time::now;
use lenscast_gate::{Gate, Visitor};

/// What the page between may load: nothing.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The page that stores the cookie and goes on to the address without the token; `None` when the visitor came otherwise.
pub(super) async fn open(gate: &Gate, visitor: &Visitor, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    if visitor.caller().by != By::Query {
        return None;
    }
    let presented = Presented::read(headers, uri, visitor.cookie());
    let cookie = if gate.auth().has_as_good_a_session(visitor.caller(), &presented, now()) {
        None
    } else {
        let session = {
            let (gate, visitor) = (gate.clone(), visitor.clone());
            // It is written to the disk.
            tokio::task::spawn_blocking(move || gate.auth().session_from(visitor.caller(), now())).await
        };
        let session = match session.map_err(|error| error.to_string()) {
            Ok(Ok(session)) => session?,
            Ok(Err(error)) => return Some(failed(gate, visitor, &error.to_string())),
            Err(error) => return Some(failed(gate, visitor, &error)),
        };
        Some(visitor.cookie().set(&session.secret, session.max_age))
    };
    let place = format!("{}{}", gate.config().base_path.trim_end_matches('/'), strip_token(uri));
    // A redirect would do, but a browser that came from another site would not send a strict cookie with it.
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>lenscast</title>\n\
         <meta http-equiv=\"refresh\" content=\"0; url={place}\">\n<p><a href=\"{place}\">Go on</a></p>\n",
        place = escape(&place)
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    let cookie = cookie.map(|cookie| AppendHeaders([(header::SET_COOKIE, cookie)]));
    Some((headers, cookie, page).into_response())
}

fn failed(gate: &Gate, visitor: &Visitor, why: &str) -> Response {
    if let Some(held_back) = gate.notices().of(visitor.peer().ip()).due("a session cannot be kept") {
        tracing::error!(held_back, "a session cannot be kept: {why}");
    }
    (StatusCode::INTERNAL_SERVER_ERROR, format!("Your login cannot be kept: {why}.\n")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_gets_out_of_its_attribute() {
        let uri: Uri = "/camera/x\"'?a='&token=lc_view_x".parse().unwrap();
        let text = escape(&strip_token(&uri));
        assert!(!text.contains(['"', '\'', '<', '>']), "{text}");
        assert_eq!(escape("/a?b=1&c='\"<>"), "/a?b=1&amp;c=&#39;&quot;&lt;&gt;");
    }
}
