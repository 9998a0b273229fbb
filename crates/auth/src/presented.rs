//! The credentials that a request carries, and how to keep them out of logs and redirects.

use crate::cookie::SessionCookie;
use crate::secret::{Kind, Secret};
use crate::share;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Uri, header};

/// The longest credential in `Authorization` or `?token=`, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 1024;
/// The longest `Cookie` header that is read, in bytes.
const MAX_COOKIE_BYTES: usize = 8192;

/// The longest path in a log line, in bytes.
const MAX_LOGGED_BYTES: usize = 200;

/// The name in the query of the URL under which a token or share link stands.
const TOKEN: &str = "token";

/// The credentials that one request carries.
#[derive(Clone, Debug, Default)]
pub struct Presented {
    /// The credential that was given for this very request: that of `?token=`, else that of `Authorization`.
    pub explicit: Option<(By, Credential)>,
    /// The session in the cookie. A browser sends it with every request, so it may be an old one.
    pub session: Option<Secret>,
}

/// The way on which a credential came with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// There was none; the place that the request comes from tells what is allowed.
    Place,
    /// The session's cookie.
    Cookie,
    /// The header `Authorization: Basic`.
    Basic,
    /// The header `Authorization: Bearer`.
    Bearer,
    /// The part `?token=` of the URL.
    Query,
}

impl By {
    /// Whether browsers send such a credential by themselves, also with a request that another site's page makes them
    /// send.
    #[must_use]
    pub const fn is_sent_by_browsers(self) -> bool {
        matches!(self, Self::Cookie | Self::Basic)
    }
}

/// One credential, told apart by its form alone. Whether it is accepted is for [`Auth`](crate::Auth) to say.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A text with the form of a token of the kind view, admin or camera.
    Token(Secret),
    /// A text that begins as a share link does.
    Share(Secret),
    /// A name and a password.
    Password {
        /// The user's name as it was sent, not checked.
        name: String,
        /// The password as it was sent.
        password: Secret,
    },
    /// Any other text. It may be a key that the configuration gives to a camera.
    Text(Secret),
    /// Something that has the form of no credential.
    Unreadable,
}

impl Presented {
    /// Reads the credentials out of a request. `cookie` tells the name of the session's cookie.
    #[must_use]
    pub fn read(headers: &HeaderMap, uri: &Uri, cookie: &SessionCookie) -> Self {
        let by_query = || query_token(uri).map(|credential| (By::Query, credential));
        let session = session(headers, cookie.name());
        Self { explicit: by_query().or_else(|| authorization(headers)), session }
    }

    /// A name and a password alone, as a form sends them.
    #[must_use]
    pub fn password(name: &str, password: &Secret) -> Self {
        let credential = Credential::Password { name: name.to_owned(), password: password.clone() };
        Self { explicit: Some((By::Basic, credential)), session: None }
    }
}

impl Credential {
    /// Reads the text of a token, a share link or a key. The text of a session is not accepted here: it comes by cookie
    /// only.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        if text.is_empty() || text.len() > MAX_CREDENTIAL_BYTES {
            return Self::Unreadable;
        }
        let secret = Secret::new(text.to_owned());
        match secret.kind() {
            Some(Kind::Session) => Self::Unreadable,
            Some(_) => Self::Token(secret),
            None if text.starts_with(share::PREFIX) => Self::Share(secret),
            None => Self::Text(secret),
        }
    }
}

fn query_token(uri: &Uri) -> Option<Credential> {
    let mut tokens = pairs(uri.query()?).filter(|(key, value)| *key == TOKEN && !value.is_empty());
    let (_, first) = tokens.next()?;
    // With two tokens, a proxy in front might check one and this server the other. So neither is taken.
    let only = Some(decoded(first)).filter(|_| tokens.next().is_none());
    let text = only.and_then(|bytes| String::from_utf8(bytes).ok());
    Some(text.map_or(Credential::Unreadable, |text| Credential::of_text(&text)))
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn authorization(headers: &HeaderMap) -> Option<(By, Credential)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    let value = value.to_str().ok().filter(|value| value.len() <= MAX_CREDENTIAL_BYTES);
    let (scheme, rest) = value.and_then(|value| value.split_once(' ')).unwrap_or_default();
    let rest = rest.trim_matches(' ');
    let basic = scheme.eq_ignore_ascii_case("basic");
    let by = if basic { By::Basic } else { By::Bearer };
    let credential = match () {
        () if values.next().is_some() => Credential::Unreadable,
        () if basic => user_and_password(rest),
        () if scheme.eq_ignore_ascii_case("bearer") => Credential::of_text(rest),
        () => Credential::Unreadable,
    };
    Some((by, credential))
}

/// Reads the value of `Authorization: Basic` (RFC 7617), in UTF-8. In place of the password there may be a token or
/// share link; then the name does not matter.
fn user_and_password(encoded: &str) -> Credential {
    let text = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|text| !text.chars().any(char::is_control));
    let Some((name, password)) = text.as_deref().and_then(|text| text.split_once(':')) else {
        return Credential::Unreadable;
    };
    match Credential::of_text(password) {
        Credential::Unreadable | Credential::Text(_) => {
            Credential::Password { name: name.to_owned(), password: Secret::new(password.to_owned()) }
        }
        token => token,
    }
}

/// The session in the first cookie of that name. Browsers send the cookie with the longest path first (RFC 6265 §5.4).
fn session(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let values = headers.get_all(header::COOKIE).iter();
    let values = values.filter_map(|value| value.to_str().ok()).filter(|text| text.len() <= MAX_COOKIE_BYTES);
    let mut cookies = values.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = cookies.find(|(key, _)| *key == name)?;
    Some(Secret::new(value.to_owned())).filter(|secret| secret.kind() == Some(Kind::Session))
}

/// The path and query of `uri` without the token, as the target of a redirect. The target is always on this server.
#[must_use]
pub fn strip_token(uri: &Uri) -> String {
    // A target such as `//evil.example/` or `/\evil.example/` would send the browser to another server.
    let mut out = format!("/{}", uri.path().trim_start_matches(['/', '\\']));
    let kept = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !is_token(pair));
    for (index, pair) in kept.enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(pair);
    }
    out
}

/// Whether somebody may take this pair of the query for the token, even when it is spelled `TOKEN=` or `%74oken=`.
fn is_token(pair: &str) -> bool {
    let key = pair.split_once('=').map_or(pair, |(key, _)| key);
    decoded(key).eq_ignore_ascii_case(TOKEN.as_bytes())
}

/// The bytes of a text whose percent-encoding is taken away (RFC 3986 §2.1): `%41b` becomes `Ab`.
fn decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

/// The part of a URI that a log may show: the path, shortened. Never the query, and nothing from the first text on that
/// looks like a secret.
#[must_use]
pub fn loggable(uri: &Uri) -> String {
    let path = uri.path();
    let secret = ["lc_", "lcs_"].iter().filter_map(|prefix| path.find(prefix)).min();
    // A path may have bytes beyond ASCII, and a cut must not split one.
    let end = secret.unwrap_or(path.len()).min(MAX_LOGGED_BYTES);
    let end = (0..=end).rev().find(|end| path.is_char_boundary(*end)).unwrap_or(0);
    let mut out: String = path[..end].chars().flat_map(char::escape_default).collect();
    if end < path.len() {
        out.push('…');
    }
    if uri.query().is_some() {
        out.push_str("?…");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use proptest::prelude::*;

    const VIEW: &str = "lc_view_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const SESSION: &str = "lc_session_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn read(uri: &str, headers: &[(HeaderName, &str)]) -> Presented {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        Presented::read(&map, &uri.parse().unwrap(), &SessionCookie::new(false, "/").unwrap())
    }

    /// In one line, so that tables of cases can be read.
    fn explicit(uri: &str, headers: &[(HeaderName, &str)]) -> String {
        match read(uri, headers).explicit {
            None => "nothing".into(),
            Some((by, Credential::Token(secret))) => format!("{by:?} token {}", secret.expose()),
            Some((by, Credential::Share(secret))) => format!("{by:?} share {}", secret.expose()),
            Some((by, Credential::Password { name, password })) => {
                format!("{by:?} {name}:{}", password.expose())
            }
            Some((by, Credential::Text(secret))) => format!("{by:?} text {}", secret.expose()),
            Some((by, Credential::Unreadable)) => format!("{by:?} unreadable"),
        }
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_token_is_taken_from_the_query_or_the_header() {
        let expected = format!("Query token {VIEW}");
        for uri in
            [format!("/?token={VIEW}"), format!("/s.ts?a=b&token={VIEW}&c"), format!("/?token=&token={VIEW}")]
        {
            assert_eq!(explicit(&uri, &[]), expected, "{uri}");
        }
        assert_eq!(explicit("/?token=lcs_a.b", &[]), "Query share lcs_a.b");
        for uri in ["/", "/?", "/?token", "/?token=", "/?Token=x", "/?tokens=x", "/?a=token=x"] {
            assert_eq!(explicit(uri, &[]), "nothing", "{uri}");
        }
        for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
            let value = format!("{scheme} {VIEW}");
            assert_eq!(explicit("/", &[(header::AUTHORIZATION, &value)]), format!("Bearer token {VIEW}"));
        }
        let both = explicit("/?token=lcs_a.b", &[(header::AUTHORIZATION, &format!("Bearer {VIEW}"))]);
        assert_eq!(both, "Query share lcs_a.b", "a proxy may add a header of its own");
    }

    #[test]
    fn what_has_no_known_form_is_unreadable_and_not_nothing() {
        let long = format!("lcs_{}", "x".repeat(MAX_CREDENTIAL_BYTES));
        for uri in [
            format!("/?token={SESSION}"),
            format!("/?token={VIEW}&token={VIEW}"),
            "/?token=%ff".into(),
            format!("/?token={long}"),
        ] {
            assert_eq!(explicit(&uri, &[]), "Query unreadable", "{uri}");
        }
        for value in [
            String::new(),
            "Bearer".into(),
            "Bearer ".into(),
            format!("Bearer {SESSION}"),
            format!("Bearer {long}"),
            format!("Bearer\t{VIEW}"),
            format!("Digest {VIEW}"),
            VIEW.into(),
        ] {
            assert_eq!(explicit("/", &[(header::AUTHORIZATION, &value)]), "Bearer unreadable", "{value:?}");
        }
        let value = format!("Bearer {VIEW}");
        let twice = [(header::AUTHORIZATION, &*value), (header::AUTHORIZATION, &*value)];
        assert_eq!(explicit("/", &twice), "Bearer unreadable");
    }

    #[test]
    fn a_text_of_another_form_may_be_a_key_that_somebody_chose() {
        for (uri, read) in [
            ("/?token=x".to_owned(), "Query text x".to_owned()),
            (format!("/?token={VIEW}x"), format!("Query text {VIEW}x")),
            ("/?token=front%20door%26%C3%A4+".into(), "Query text front door&ä+".into()),
            (format!("/?token=%6c{}", &VIEW[1..]), format!("Query token {VIEW}")),
        ] {
            assert_eq!(explicit(&uri, &[]), read, "{uri}");
        }
        assert_eq!(explicit("/", &[(header::AUTHORIZATION, "Bearer front door")]), "Bearer text front door");
    }

    #[test]
    fn basic_gives_a_password_or_a_token_in_its_place() {
        let of = |value: &str| explicit("/", &[(header::AUTHORIZATION, value)]);
        assert_eq!(of(&basic("anna:correct horse")), "Basic anna:correct horse");
        assert_eq!(of(&basic("anna:with:colons")), "Basic anna:with:colons");
        assert_eq!(of(&basic("änna:pässword")), "Basic änna:pässword");
        assert_eq!(of(&basic("anna:")), "Basic anna:");
        assert_eq!(of(&basic(&format!("x:{VIEW}"))), format!("Basic token {VIEW}"));
        assert_eq!(of(&basic(&format!(":{VIEW}"))), format!("Basic token {VIEW}"));
        assert_eq!(of(&basic("x:lcs_a.b")), "Basic share lcs_a.b");
        assert_eq!(of(&basic(&format!("x:{SESSION}"))), format!("Basic x:{SESSION}"), "no session by Basic");
        for bad in ["Basic", "Basic ", "Basic !!!!", "Basic YQ", "Basic YW5uYQ==", "Basic /w=="] {
            assert!(of(bad).ends_with("unreadable"), "{bad}");
        }
        assert_eq!(of(&basic("an\na:x")), "Basic unreadable");
        assert_eq!(of(&format!("Basic {}", STANDARD.encode(b"anna:\xff"))), "Basic unreadable");
    }

    #[test]
    fn a_session_is_taken_from_its_cookie_only() {
        let of = |values: &[&str]| {
            let headers: Vec<_> = values.iter().map(|value| (header::COOKIE, *value)).collect();
            read("/", &headers).session.map(|secret| secret.expose().to_owned())
        };
        let good = format!("lenscast_session={SESSION}");
        let other = format!("lenscast_session={}", SESSION.replace('A', "Q"));
        for values in [
            &[&*good][..],
            &[&format!("a=b; {good}; c=d")],
            &[&format!("a=b;{good};")],
            &["a=b", &good],
            &[&format!("{good}; {other}")],
        ] {
            assert_eq!(of(values).as_deref(), Some(SESSION), "{values:?}");
        }
        let large = format!("a={}; {good}", "x".repeat(MAX_COOKIE_BYTES));
        for bad in [
            "",
            "lenscast_session",
            "lenscast_session=",
            &format!("lenscast_session={VIEW}"),
            &format!("lenscast_session={SESSION}x"),
            &format!("Lenscast_session={SESSION}"),
            &format!("__Host-lenscast_session={SESSION}"),
            &format!("xlenscast_session={SESSION}"),
            &large,
        ] {
            assert_eq!(of(&[bad]), None, "{bad}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("{good}; __Host-{other}").parse().unwrap());
        let secure = SessionCookie::new(true, "/").unwrap();
        let presented = Presented::read(&headers, &Uri::from_static("/"), &secure);
        assert_ne!(
            presented.session.unwrap().expose(),
            SESSION,
            "under TLS only the cookie that plain HTTP cannot set"
        );
    }

    #[test]
    fn nothing_of_what_is_presented_is_shown_by_debug() {
        let password = basic("anna:correct horse");
        let cookie = format!("lenscast_session={SESSION}");
        for (name, value) in [(header::AUTHORIZATION, &password), (header::COOKIE, &cookie)] {
            let shown = format!("{:?}", read(&format!("/?token={VIEW}"), &[(name.clone(), value)]));
            assert!(!shown.contains("AAAA") && !shown.contains("horse"), "{shown}");
            let shown = format!("{:?}", read("/", &[(name, value)]));
            assert!(!shown.contains("AAAA") && !shown.contains("horse"), "{shown}");
        }
    }

    #[test]
    fn the_address_without_its_token_is_a_path_on_this_server() {
        for (uri, stripped) in [
            ("/", "/"),
            ("/?token=x", "/"),
            ("/camera/front?token=x&a=1", "/camera/front?a=1"),
            ("/?a=1&token=x&b=2&token=y", "/?a=1&b=2"),
            ("/?a=1&&TOKEN=x&%74oken=y&t%6Fken=z&%54OKEN", "/?a=1"),
            ("/?atoken=1&token2=2&%7token=3", "/?atoken=1&token2=2&%7token=3"),
            ("//evil.example/x?token=x", "/evil.example/x"),
            ("///evil.example", "/evil.example"),
            ("http://evil.example//other.example/x?token=y", "/other.example/x"),
        ] {
            assert_eq!(strip_token(&uri.parse().unwrap()), stripped, "{uri}");
        }
    }

    #[test]
    fn a_log_never_sees_a_token() {
        for (uri, logged) in [
            ("/".to_owned(), "/".to_owned()),
            ("/stream/front.ts".into(), "/stream/front.ts".into()),
            (format!("/?token={VIEW}"), "/?…".into()),
            (format!("/a?%74oken={VIEW}"), "/a?…".into()),
            (format!("/camera/{VIEW}"), "/camera/…".into()),
            ("/x/lcs_abc.def".into(), "/x/…".into()),
            (format!("/{}", "x".repeat(300)), format!("/{}…", "x".repeat(199))),
        ] {
            assert_eq!(loggable(&uri.parse().unwrap()), logged, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_without_panic_and_never_logged(
            path in "/[A-Za-z0-9/._~%!$&'()*+,;=:@-]{0,250}", query in "[A-Za-z0-9/._~%!$&'()*+,;=:@?-]{0,80}",
            authorization in "[ -~]{0,80}", cookie in "[ -~]{0,80}",
        ) {
            let uri: Uri = format!("{path}?{query}&token={VIEW}&{query}").parse().unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            let presented = Presented::read(&headers, &uri, &SessionCookie::new(true, "/").unwrap());
            prop_assert!(presented.explicit.is_some());
            prop_assert!(!loggable(&uri).contains(VIEW));
            let stripped = strip_token(&uri);
            prop_assert!(stripped.starts_with('/') && !stripped.starts_with("//"));
            let again: Uri = stripped.parse().unwrap();
            prop_assert!(query_token(&again).is_none() && !stripped.contains(VIEW));
        }

        #[test]
        fn any_name_and_password_come_through_basic(name in "[^:\\p{Cc}]{0,40}", password in "\\PC{0,60}") {
            prop_assume!(matches!(Credential::of_text(&password), Credential::Unreadable | Credential::Text(_)));
            prop_assume!(!password.chars().any(char::is_control) && !name.chars().any(char::is_control));
            let value = basic(&format!("{name}:{password}"));
            prop_assert_eq!(explicit("/", &[(header::AUTHORIZATION, &value)]), format!("Basic {name}:{password}"));
        }
    }
}
