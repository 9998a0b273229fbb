//! The session's cookie (RFC 6265bis).

use crate::secret::Secret;
use http::HeaderValue;

/// How the session's cookie is named and where it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    secure: bool,
    /// Without a slash at its end, but for the root.
    path: String,
}

impl Default for SessionCookie {
    /// Of the root, without TLS.
    fn default() -> Self {
        Self { secure: false, path: "/".into() }
    }
}

impl SessionCookie {
    /// The cookie of pages under `base`, which is `/` unless a proxy puts this server below a path of its own; `secure` when
    /// the browser speaks TLS, to this server or to the proxy. `None` when `base` is no path of plain characters.
    #[must_use]
    pub fn new(secure: bool, base: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'.' | b'_' | b'~');
        if !base.starts_with('/') || !base.bytes().all(plain) {
            return None;
        }
        let path = base.trim_end_matches('/');
        Some(Self { secure, path: if path.is_empty() { "/".into() } else { path.into() } })
    }

    /// Its name. Under TLS it is one that a browser takes from nobody but this very host over TLS; that is possible for the
    /// root path only.
    #[must_use]
    pub fn name(&self) -> &'static str {
        if self.secure && self.path == "/" { "__Host-lenscast_session" } else { "lenscast_session" }
    }

    /// The `Set-Cookie` that begins a session of `max_age` seconds.
    ///
    /// # Panics
    /// Never: a session's secret is of plain characters.
    #[must_use]
    pub fn set(&self, session: &Secret, max_age: u64) -> HeaderValue {
        self.header(session.expose(), max_age)
    }

    /// The `Set-Cookie` that ends it.
    #[must_use]
    pub fn clear(&self) -> HeaderValue {
        self.header("", 0)
    }

    fn header(&self, value: &str, max_age: u64) -> HeaderValue {
        let (name, path) = (self.name(), &self.path);
        let secure = if self.secure { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
        let mut header = HeaderValue::try_from(text).expect("plain characters were checked");
        header.set_sensitive(true);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Kind;

    #[test]
    fn the_cookie_is_for_this_server_alone_and_out_of_reach_of_scripts() {
        let session = Secret::generate(Kind::Session);
        let text = |secure, base| {
            let cookie = SessionCookie::new(secure, base).unwrap();
            let header = cookie.set(&session, 60);
            assert!(header.is_sensitive());
            header.to_str().unwrap().replace(session.expose(), "…")
        };
        let plain = "lenscast_session=…; Path=/; Max-Age=60; HttpOnly; SameSite=Strict";
        assert_eq!(text(false, "/"), plain);
        assert_eq!(text(true, "/"), format!("__Host-{plain}; Secure"));
        assert_eq!(text(false, "/cams/"), plain.replace("Path=/", "Path=/cams"));
        assert_eq!(text(true, "/a/b"), format!("{}; Secure", plain.replace("Path=/", "Path=/a/b")));
    }

    #[test]
    fn the_cookie_ends_at_once_when_it_is_cleared() {
        let cookie = SessionCookie::new(false, "/").unwrap();
        assert_eq!(cookie.clear(), "lenscast_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    }

    #[test]
    fn a_path_that_would_add_to_the_header_is_refused() {
        for bad in ["", "cams", "/a;Domain=evil.example", "/a b", "/a\r\nSet-Cookie: x", "/ä", "/a,b", "/%2f"]
        {
            assert_eq!(SessionCookie::new(true, bad), None, "{bad:?}");
        }
    }
}
