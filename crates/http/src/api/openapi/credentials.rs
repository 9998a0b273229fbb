//! How the list of credentials looks in the description of the API.
//!
//! Crate `auth` makes that list, and knows nothing of OpenAPI. So the types of this module say a second time what is in it;
//! they are only described, never made. The test below reads a list of `auth` as these types, and fails when one side has a
//! field more than the other.

use super::words::{CameraName, Id, Label, UserName};
use serde::Deserialize;
use utoipa::ToSchema;

/// What may be shown about all credentials, without any secret.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Access)]
pub struct Listing {
    /// Users, by the order in which they were made; so are the others.
    pub users: Vec<UserInfo>,
    /// Tokens and cameras' keys.
    pub tokens: Vec<TokenInfo>,
    /// Share links.
    pub shares: Vec<ShareInfo>,
    /// Browsers that are logged in.
    pub sessions: Vec<SessionInfo>,
    /// Cameras that had a key, have none now, and stay closed until their name is opened.
    #[schema(value_type = Vec<CameraName>)]
    pub closed: Vec<String>,
    /// What stands in the configuration. When that was last used is known since the server was started.
    pub configured: Configured,
}

/// What may be shown about the credentials of the configuration.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Configured {
    /// Of the passwords.
    pub users: Vec<UserInfo>,
    /// Of the cameras' keys.
    pub tokens: Vec<TokenInfo>,
}

/// What a user may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Watch.
    View,
    /// Everything.
    Admin,
}

/// What a token is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// To watch.
    View,
    /// To change everything.
    Admin,
    /// A camera's key, to publish.
    Camera,
    /// A browser's session. No token is one, and no list has it among them.
    #[serde(skip_serializing)]
    Session,
}

/// Somebody with a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserInfo {
    /// What it is revoked by.
    #[schema(value_type = Id)]
    pub id: String,
    /// What its owner logs in with.
    #[schema(value_type = UserName)]
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Which cameras a viewer may watch; null is all.
    #[schema(value_type = Option<Vec<CameraName>>, required)]
    pub cameras: Option<Vec<String>>,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    #[schema(required)]
    pub last_used: Option<u64>,
}

/// A token, or a camera's key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInfo {
    /// What it is revoked by.
    #[schema(value_type = Id)]
    pub id: String,
    /// What it is for.
    pub kind: Kind,
    /// What its owner calls it.
    #[schema(value_type = Label)]
    pub label: String,
    /// For which cameras; null is all.
    #[schema(value_type = Option<Vec<CameraName>>, required)]
    pub cameras: Option<Vec<String>>,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// From when on, in seconds since the Unix epoch, it is no good; null is never.
    #[schema(required)]
    pub expires: Option<u64>,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    #[schema(required)]
    pub last_used: Option<u64>,
}

/// A share link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareInfo {
    /// What it is revoked by.
    #[schema(value_type = Id)]
    pub id: String,
    /// The one camera that may be watched with it; null is all.
    #[schema(value_type = Option<CameraName>, required)]
    pub camera: Option<String>,
    /// What its owner calls it.
    #[schema(value_type = Label)]
    pub label: String,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// From when on, in seconds since the Unix epoch, it is no good.
    pub expires: u64,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    #[schema(required)]
    pub last_used: Option<u64>,
    /// It is kept, and refused, until it expires.
    pub revoked: bool,
}

/// A browser that has logged in. What it may do is what the credential it logged in with may do now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionInfo {
    /// What it is revoked by.
    #[schema(value_type = Id)]
    pub id: String,
    /// The user, token or share that it was made with; it ends with it.
    #[schema(value_type = Id)]
    pub of: String,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// From when on, in seconds since the Unix epoch, it is no good, however much it is used.
    pub expires: u64,
    /// When it was last used, to the minute, in seconds since the Unix epoch; null is never.
    #[schema(required)]
    pub last_used: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use lenscast_auth::Auth;
    use lenscast_auth::given::{CameraKey, Given};
    use lenscast_auth::policy::{Circumstances, Policy};
    use lenscast_auth::presented::{By, Credential, Presented};
    use lenscast_auth::secret::{Kind, Secret};
    use lenscast_auth::{records, store};
    use lenscast_base::state::StateDir;
    use serde_json::Value;
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use utoipa::PartialSchema;

    const NOW: u64 = 1_800_000_000;

    /// A list with one credential of each sort, as `auth` makes it.
    fn listing() -> store::Listing {
        let auth = Auth::open(Arc::new(StateDir::nowhere())).unwrap();
        let door = || lenscast_protocol::CameraName::new("door").unwrap();
        let given = Given {
            admin_password: Some(Secret::new("correct horse".into())),
            view_password: None,
            camera_keys: vec![CameraKey { camera: door(), key: Secret::new("battery".into()) }],
        };
        auth.declare(&given, &Secret::generate(Kind::Camera), NOW);
        let hash = auth.passwords().hash(&Secret::new("battery staple".into())).unwrap();
        auth.store().add_user("anna", records::Role::View, Some([door()].into()), hash, NOW).unwrap();
        auth.store().add_share(Some(door()), "gran", NOW + 60, NOW).unwrap();
        let (_, token) = auth.store().add_token(Kind::View, "tv", None, Some(NOW + 60), NOW).unwrap();
        let presented = Presented { explicit: Some((By::Bearer, Credential::Token(token))), session: None };
        let from = Circumstances {
            peer_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            local_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            host: None,
            from_page: false,
            old_http: false,
            was_forwarded: false,
            through_trusted_proxy: false,
            relayed: false,
            control_socket: false,
        };
        let caller = auth.admit(&presented, &from, &Policy::default(), NOW);
        auth.session_from(&caller, NOW).unwrap().expect("a token begins a session");
        auth.store().list(NOW)
    }

    /// The names of a JSON object's fields; of a list, those of its first entry.
    fn fields(value: &Value) -> Vec<String> {
        let object = value.as_array().map_or(value, |list| &list[0]).as_object().expect("an object");
        let mut names: Vec<String> = object.keys().cloned().collect();
        names.sort();
        names
    }

    /// The names of the fields that a schema describes, each of which must be there.
    fn described<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let mut required: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap();
        required.sort();
        assert_eq!(required, fields(&schema["properties"]));
        required
    }

    #[test]
    fn the_list_of_credentials_is_as_it_is_described() {
        let made = serde_json::to_value(listing()).unwrap();
        for (list, fields_described) in [
            (&made, described::<Listing>()),
            (&made["configured"], described::<Configured>()),
            (&made["users"], described::<UserInfo>()),
            (&made["tokens"], described::<TokenInfo>()),
            (&made["shares"], described::<ShareInfo>()),
            (&made["sessions"], described::<SessionInfo>()),
        ] {
            assert_eq!(fields(list), fields_described);
        }
        // The values, too, are what the description says they are.
        let read: Listing = serde_json::from_value(made).unwrap();
        assert_eq!((read.configured.users.len(), read.configured.tokens.len()), (1, 1));
    }
}
