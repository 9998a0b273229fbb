//! The description of the API, held against the server that gives it.

mod answers;
mod book;

use crate::access::world::{Place, World, ask};
use crate::harness::*;
use axum::http::Method;
use book::Book;
use lenscast::routes;
use lenscast_http::rule::Route;
use lenscast_http::rule::{For, Needs, Rule};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the OpenAPI Initiative says that a document looks like.
const OPENAPI: &str = include_str!("../data/openapi-3.1.json");

/// Whether a route is in the description. This is written down here once more, by hand.
fn is_described(route: &Route) -> bool {
    let is_page = route.rule.whom == For::People || matches!(route.path, "/assets/{file}" | "/favicon.ico");
    !is_page && !route.path.starts_with("/ws/")
}

#[tokio::test]
async fn every_route_is_described_but_pages_and_web_sockets_and_nothing_else_is() {
    let server = start();
    let book = Book::of(&server).await;
    let described: BTreeSet<(String, String)> =
        book.operations().map(|(method, path, _)| (method, path)).collect();
    let routes = routes::all(&server.app);
    let wanted: BTreeSet<(String, String)> = routes
        .list()
        .iter()
        .filter(|route| is_described(route))
        .map(|route| (route.method.to_string(), route.path.to_owned()))
        .collect();
    assert!(wanted.contains(&("PATCH".into(), "/api/cameras/{name}".into())));
    assert_eq!(described, wanted);
}

#[tokio::test]
async fn the_right_that_is_described_is_the_one_that_the_route_needs() {
    let server = start();
    let book = Book::of(&server).await;
    let any = json!([{"bearer": []}, {"basic": []}, {"cookie": []}, {"token": []}]);
    for route in routes::all(&server.app).list().iter().filter(|route| is_described(route)) {
        let operation = book.operation(route.method.as_str(), route.path);
        let (name, security) = match route.rule.needs {
            Needs::Nothing => ("nothing", json!([])),
            Needs::Publish => ("publish", any.clone()),
            Needs::View => ("view", any.clone()),
            Needs::ViewSome => ("view-some", any.clone()),
            Needs::ViewAll => ("view-all", any.clone()),
            Needs::Admin => ("admin", any.clone()),
        };
        assert_eq!((&operation["x-right"], &operation["security"]), (&json!(name), &security), "{route:?}");
        let refusals: Vec<&str> = ["401", "403", "429"]
            .into_iter()
            .filter(|code| operation["responses"].get(code).is_some())
            .collect();
        match route.rule {
            // A login fails in ways of its own.
            _ if route.path == "/api/login" => assert_eq!(refusals, ["401", "403", "429"]),
            Rule { needs: Needs::Nothing, .. } if route.method == Method::GET => {
                assert_eq!(refusals, [""; 0])
            }
            Rule { needs: Needs::Nothing, .. } => assert_eq!(refusals, ["403"], "{route:?}"),
            _ => assert_eq!(refusals, ["401", "403", "429"], "{route:?}"),
        }
    }
    let schemes = &book.document["components"]["securitySchemes"];
    let names: BTreeSet<&str> = schemes.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["basic", "bearer", "cookie", "token"]));
}

#[tokio::test]
async fn it_is_an_open_api_document_and_each_of_its_schemas_is_one() {
    let book = Book::of(&start()).await;
    let document = &book.document;
    assert_eq!(
        (&document["openapi"], &document["info"]["version"]),
        (&json!("3.1.0"), &json!(env!("CARGO_PKG_VERSION")))
    );
    let wanted: Value = serde_json::from_str(OPENAPI).unwrap();
    let wanted = jsonschema::validator_for(&wanted).unwrap();
    let wrong: Vec<String> = wanted.iter_errors(document).map(|error| error.to_string()).collect();
    assert_eq!(wrong, [""; 0]);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(book.dangling(), [""; 0], "references to nothing");
    assert_eq!(book.unused(), [""; 0], "schemas that nobody refers to");
}

#[tokio::test]
async fn a_stranger_can_tell_what_everything_is() {
    let book = Book::of(&start()).await;
    let said = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let mut ids = BTreeSet::new();
    let tags: Vec<&Value> =
        book.document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (method, path, operation) in book.operations() {
        let shown = format!("{method} {path}");
        assert!(said(&operation["summary"]) && said(&operation["description"]), "{shown}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{shown}: its name is taken"
        );
        assert!(operation["tags"].as_array().unwrap().iter().all(|tag| tags.contains(&tag)), "{shown}");
        for (code, answer) in operation["responses"].as_object().unwrap() {
            assert!(said(&answer["description"]), "{shown}: {code}");
        }
        let named: BTreeSet<String> = path
            .split('/')
            .filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_owned()))
            .collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let described = described.map(|parameter| parameter["name"].as_str().unwrap().to_owned());
        assert_eq!(described.collect::<BTreeSet<String>>(), named, "{shown}: parts of its path");
        assert!(parameters.iter().all(|parameter| said(&parameter["description"])), "{shown}");
    }
    for (name, schema) in book.document["components"]["schemas"].as_object().unwrap() {
        assert!(said(&schema["description"]), "{name}");
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            // What may be null is one of two.
            let text = if said(&schema["description"]) { schema } else { &schema["oneOf"][0] };
            assert!(said(&text["description"]), "{name}.{field}");
        }
    }
    let words = book.document["info"]["description"].as_str().unwrap();
    assert!(words.contains("/ws/viewer") && words.contains("docs/protocol.md"), "{words}");
}

#[tokio::test]
async fn everybody_may_read_it_and_behind_a_proxy_it_says_where_the_server_is() {
    for (base, url) in [("/", "/"), ("/cam/", "/cam")] {
        let world = World::with(true, |config| config.proxy.base_path = base.into()).await;
        let answer =
            ask("GET", "/api/openapi.json").from(Place::Public, &world.server).send(&world.server).await;
        assert_eq!((answer.code, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.json()["servers"], json!([{"url": url}]), "{base}");
        for secret in [&world.view, &world.admin, &world.front_key, &world.front_share] {
            assert!(!answer.body.contains(secret.expose()));
        }
    }
}
