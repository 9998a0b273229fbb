//! A state directory that is half-written, damaged, or gone while the server runs.

use super::world::*;
use crate::harness::*;
use lenscast_auth::secret::Secret;
use serde_json::json;
use std::fs;

async fn code(server: &Running, token: &Secret) -> u16 {
    ask("GET", "/api/access").bearer(token).at_home(server).await.code
}

#[tokio::test]
async fn what_a_power_cut_left_half_written_changes_nothing_and_is_written_over() {
    let world = World::new(true).await;
    let (admin, state) = (Secret::new(world.admin.expose().into()), world.folder.path().join("state"));
    for name in ["credentials.json", "cameras.json", "certificate.pem", "probe"] {
        fs::write(state.join(format!("{name}.unfinished")), "{\"half\": [").unwrap();
    }
    let World { server, folder, .. } = world;
    server.end().await;
    fs::create_dir(state.join("control.sock.unfinished")).unwrap();
    fs::write(state.join("control.sock.unfinished/s"), "").unwrap();
    fs::write(state.join("control.sock"), "").unwrap();
    let server = start_with(|config| {
        config.state_dir = Some(state.clone());
        config.proxy.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    assert_eq!(code(&server, &admin).await, 200, "who could come can come");
    let new = ask("POST", "/api/access/tokens").json(json!({"kind": "admin"})).bearer(&admin);
    let made = new.at_home(&server).await;
    assert_eq!(made.code, 201, "{}", made.body);
    assert_eq!(code(&server, &Secret::new(made.json()["secret"].as_str().unwrap().into())).await, 200);
    assert!(!state.join("credentials.json.unfinished").exists());
    until_listens(state.join("control.sock")).await;
    drop(folder);
}

#[tokio::test]
async fn a_file_of_credentials_that_is_cut_off_anywhere_lets_nobody_in_by_accident() {
    let world = World::new(true).await;
    let World { server, folder, .. } = world;
    server.end().await;
    let state = folder.path().join("state");
    let file = state.join("credentials.json");
    let whole = fs::read(&file).unwrap();
    assert!(whole.len() > 500);
    for length in (0..whole.len() - 2).step_by(61) {
        fs::write(&file, &whole[..length]).unwrap();
        let error = opened(|config| config.state_dir = Some(state.clone())).unwrap_err().to_string();
        assert!(error.contains("credentials.json") && error.contains("does not start"), "{length}: {error}");
        assert_eq!(fs::read(&file).unwrap().len(), length, "it is left as it is");
    }
}

#[tokio::test]
async fn when_the_directory_is_gone_what_was_allowed_is_and_nothing_new_is_promised() {
    let world = World::new(true).await;
    let state = world.folder.path().join("state");
    fs::remove_dir_all(&state).unwrap();
    // Nobody can write into that, root included.
    fs::write(&state, "").unwrap();
    let server = &world.server;
    let admin = || ask("POST", "/api/access/tokens").bearer(&world.admin);
    let refused = admin().json(json!({"kind": "view", "label": "late"})).at_home(server).await;
    assert_eq!(refused.code, 500);
    let said = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(said.contains("cannot be kept") && said.contains("credentials.json"), "{said}");
    let login = ask("POST", "/api/login").json(json!({"name": OWNER.0, "password": OWNER.1}));
    assert_eq!(login.at_home(server).await.code, 500);
    let listed = ask("GET", "/api/access").bearer(&world.admin).at_home(server).await;
    assert!(listed.code == 200 && !listed.body.contains("late"), "{}", listed.body);
    assert_eq!(ask("GET", "/").bearer(&world.view).at_home(server).await.code, 200);
    assert_eq!(ask("GET", "/").cookie(&world.viewer_session).at_home(server).await.code, 200);
    let logout = ask("POST", "/api/logout").json("{}").cookie(&world.viewer_session).at_home(server).await;
    assert!(logout.code == 500 && logout.body.contains("logged out, but only until"), "{}", logout.body);
    assert_eq!(ask("GET", "/").cookie(&world.viewer_session).at_home(server).await.code, 401);
    // Whoever has to be kept out is, and the owner hears that it is not for ever.
    let id = world.view_id.as_str();
    let revoked = ask("DELETE", format!("/api/access/{id}")).bearer(&world.admin).at_home(server).await;
    assert!(
        revoked.code == 500 && revoked.body.contains("only until this server is started again"),
        "{}",
        revoked.body
    );
    assert_eq!(ask("GET", "/").bearer(&world.view).at_home(server).await.code, 401);
}
