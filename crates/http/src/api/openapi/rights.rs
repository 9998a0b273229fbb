//! Rights and proofs, in the words of OpenAPI.

use crate::rule::Needs;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

/// The ways to prove who asks. They are described once, and each of them is enough.
pub(super) fn schemes() -> [(&'static str, SecurityScheme); 4] {
    let http = |scheme, text| HttpBuilder::new().scheme(scheme).description(Some(text)).build();
    let key = |name, text| ApiKeyValue::with_description(name, text);
    [
        (
            "bearer",
            SecurityScheme::Http(http(
                HttpAuthScheme::Bearer,
                "A token that `lenscast access new` made, or one of a share link.",
            )),
        ),
        (
            "basic",
            SecurityScheme::Http(http(
                HttpAuthScheme::Basic,
                "Name and password of a user; or any name, with a token as the password, for players.",
            )),
        ),
        (
            "cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(key(
                "lenscast_session",
                "The session that a login, or a link opened in a browser, begins. Under TLS and without a base path it is called \
                 `__Host-lenscast_session`.",
            ))),
        ),
        (
            "token",
            SecurityScheme::ApiKey(ApiKey::Query(key(
                "token",
                "A token in the address, for what can do nothing else: addresses end up in histories and logs.",
            ))),
        ),
    ]
}

/// Any of the schemes; none at all where nothing is needed.
pub(super) fn security(needs: Needs) -> Vec<SecurityRequirement> {
    let any = schemes().map(|(name, _)| SecurityRequirement::new(name, [""; 0]));
    if needs == Needs::Nothing { Vec::new() } else { any.into() }
}

/// A right's name in `x-right`, and the sentence for people.
pub(super) const fn right(needs: Needs) -> (&'static str, &'static str) {
    match needs {
        Needs::Nothing => ("nothing", "Needs no right."),
        Needs::Publish => ("publish", "Needs the right to send pictures as this camera."),
        Needs::View => ("view", "Needs the right to watch this camera."),
        Needs::ViewSome => ("view-some", "Needs the right to watch some camera, and tells about those only."),
        Needs::ViewAll => ("view-all", "Needs the right to watch all cameras."),
        Needs::Admin => ("admin", "Needs the right to change everything."),
    }
}
