//! The settings of access: who may do what.

use crate::secret::secret;
use lenscast_auth::given::{CameraKey, Given};
use lenscast_auth::policy;
use lenscast_auth::secret::Secret;
use lenscast_protocol::CameraName;

/// What a request from this computer may do without a credential, as it is written in a file or after a flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Local {
    /// Everything.
    #[default]
    Admin,
    /// Watch, and nothing else.
    View,
    /// Nothing: whoever is here logs in, too, or uses the commands, which come by the control socket.
    Nothing,
}

impl From<Local> for policy::Local {
    fn from(local: Local) -> Self {
        match local {
            Local::Admin => Self::Admin,
            Local::View => Self::View,
            Local::Nothing => Self::Nothing,
        }
    }
}

/// Who may do what, as far as it does not stand in the state directory.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Access")]
pub struct Access {
    /// No access control at all: everybody who reaches the port may do everything
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true",
        action = clap::ArgAction::Set,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub open: bool,
    /// Whoever comes from a private network may watch without a credential
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true",
        action = clap::ArgAction::Set,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub open_view: bool,
    /// Take no camera without a key, not even from a private network
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true",
        action = clap::ArgAction::Set,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub require_camera_key: bool,
    /// What programs and pages on this computer may do without a credential. Less than "admin" is for computers on which
    /// something passes connections on as they are (ssh -R, stunnel, nginx stream): who comes by it seems to be here
    #[arg(long, value_enum, default_value_t)]
    pub local: Local,
    /// A password with which everything may be done, or file:PATH for the first line of a file
    #[arg(long, value_name = "SECRET", value_parser = secret)]
    pub admin_password: Option<Secret>,
    /// A password with which all cameras may be watched, or file:PATH for the first line of a file
    #[arg(long, value_name = "SECRET", value_parser = secret)]
    pub view_password: Option<Secret>,
    /// Keys with which the cameras of these names may publish, each a text or file:PATH for the first line of a file
    #[arg(long = "camera-key", value_name = "NAME=KEY", value_parser = camera_key)]
    pub camera_keys: Vec<CameraKey>,
    /// Names under which the pages may be opened, besides addresses and names of the home network
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = host_name)]
    pub host_names: Vec<String>,
    /// Origins of other web pages that may use the API, such as `https://home.example`
    #[arg(long, value_name = "ORIGIN,…", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<String>,
}

impl Access {
    /// The passwords and keys among these settings.
    #[must_use]
    pub fn given(&self) -> Given {
        Given {
            admin_password: self.admin_password.clone(),
            view_password: self.view_password.clone(),
            camera_keys: self.camera_keys.clone(),
        }
    }
}

/// Reads `NAME=KEY`. The error quotes nothing of the text, which may be a key.
fn camera_key(text: &str) -> Result<CameraKey, String> {
    let (name, key) = text.split_once('=').ok_or("it is written NAME=KEY")?;
    let camera = CameraName::new(name).map_err(|error| error.to_string())?;
    Ok(CameraKey { camera, key: secret(key)? })
}

/// Reads a host name without a port, and gives it in lower case.
fn host_name(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(good);
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() <= 253 && name.split('.').all(label) {
        return Ok(name.to_ascii_lowercase());
    }
    Err(format!("{text:?} is no host name such as cam.example.org (without scheme, port and path)"))
}

/// Reads an origin as browsers send it, such as `https://home.example`.
fn origin(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no origin such as https://home.example or http://home.example:8123");
    let lower = text.to_ascii_lowercase();
    let authority = ["http://", "https://"].iter().find_map(|scheme| lower.strip_prefix(scheme));
    let authority = authority.ok_or_else(wrong)?;
    let uri: http::uri::Authority = authority.parse().map_err(|_| wrong())?;
    if uri.host().is_empty() || authority.contains('@') || authority.ends_with(':') {
        return Err(wrong());
    }
    Ok(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        for good in
            ["https://home.example", "http://192.168.1.2:8123", "http://[fd00::1]:80", "http://LocalHost"]
        {
            assert_eq!(origin(good), Ok(good.to_ascii_lowercase()));
        }
        for bad in [
            "",
            "*",
            "null",
            "home.example",
            "https://",
            "https://a/",
            "https://a/b",
            "https://u@a",
            "ftp://a",
            "http://a:",
        ] {
            assert!(origin(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_host_name_is_neither_url_nor_address_with_port() {
        assert_eq!(host_name("Cam.Example.org."), Ok("cam.example.org".to_owned()));
        assert_eq!(host_name("cam"), Ok("cam".to_owned()));
        for bad in ["", ".", "a..b", "https://a", "a:8080", "a/b", "a b", "*.example.org"] {
            assert!(host_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_cameras_key_is_said_without_it() {
        for bad in ["hunter2", "Hunter 2=hunter2", "door="] {
            let said = camera_key(bad).unwrap_err();
            assert!(!said.contains("unter"), "{said}");
        }
        let key = camera_key("door=a=b,c").unwrap();
        assert_eq!((key.camera.as_str(), key.key.expose()), ("door", "a=b,c"));
    }
}
