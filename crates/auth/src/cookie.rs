//! The cookie that carries a browser's session (RFC 6265bis).

use crate::secret::Secret;
use http::HeaderValue;

/// The name, the path and the attributes of the session's cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    secure: bool,
    /// The path below which browsers send the cookie: `/`, or a path without a slash at its end.
    path: String,
}

impl Default for SessionCookie {
    /// The cookie of a server at the root path, without TLS.
    fn default() -> Self {
        Self { secure: false, path: "/".into() }
    }
}

impl SessionCookie {
    /// The cookie of pages under `base`, which is `/` unless a proxy puts this server below a path of its own; `secure`
    /// when the browser speaks TLS, to this server or to the proxy. `None` when `base` is no path of plain characters.
    #[must_use]
    pub fn new(secure: bool, base: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'.' | b'_' | b'~');
        if !base.starts_with('/') || !base.bytes().all(plain) {
            return None;
        }
        let path = base.trim_end_matches('/');
        Some(Self { secure, path: if path.is_empty() { "/".into() } else { path.into() } })
    }

    /// The cookie's name. With TLS and at the root path, the name begins with `__Host-`: browsers take such a cookie
    /// only from this very host, over TLS, so no other server of the same domain can set one.
    #[must_use]
    pub fn name(&self) -> &'static str {
        if self.secure && self.path == "/" { "__Host-lenscast_session" } else { "lenscast_session" }
    }

    /// The value of the `Set-Cookie` header that begins a session of `max_age` seconds.
    ///
    /// # Panics
    /// Never: a session's secret is of plain characters.
    #[must_use]
    pub fn set(&self, session: &Secret, max_age: u64) -> HeaderValue {
        self.header(session.expose(), max_age)
    }

    /// The value of the `Set-Cookie` header that ends the session.
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
