//! The document, what it says about an answer, and which of its answers were seen.

use crate::access::world::{Answer, Place, ask};
use crate::harness::Running;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub struct Book {
    pub document: Value,
    /// The same, in which no object has a field that is not described: so an answer with one is noticed.
    strict: Value,
    seen: BTreeSet<(String, String, u16)>,
}

impl Book {
    /// As a stranger reads it.
    pub async fn of(server: &Running) -> Self {
        let answer = ask("GET", "/api/openapi.json").from(Place::Here, server).send(server).await;
        assert_eq!(answer.code, 200);
        let document = answer.json();
        let mut strict = document["components"].clone();
        for schema in strict["schemas"].as_object_mut().unwrap().values_mut() {
            if schema.get("properties").is_some() {
                schema["additionalProperties"] = json!(false);
            }
        }
        Self { document, strict, seen: BTreeSet::new() }
    }

    /// Method, path and description of each.
    pub fn operations(&self) -> impl Iterator<Item = (String, String, &Value)> {
        let paths = self.document["paths"].as_object().unwrap().iter();
        paths.flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
    }

    pub fn operation(&self, method: &str, path: &str) -> &Value {
        let operation = &self.document["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not described");
        operation
    }

    /// Holds an answer against what is described, and notes that it was seen.
    pub fn check(&mut self, method: &str, path: &str, answer: &Answer) {
        let shown = format!("{method} {path}: {answer:?}");
        let described = &self.operation(method, path)["responses"][answer.code.to_string()];
        assert!(described.is_object(), "not described: {shown}");
        if answer.code < 400 {
            let headers = described["headers"].as_object().into_iter().flat_map(serde_json::Map::keys);
            for header in headers {
                assert!(answer.header(header).is_some(), "{header} is missing: {shown}");
            }
        }
        match (described.get("content"), answer.header("content-type")) {
            (None, None) => assert_eq!(answer.body, "", "{shown}"),
            (Some(content), Some(content_type)) => {
                let media = content_type.split(';').next().unwrap().trim();
                let content =
                    content.get(media).unwrap_or_else(|| panic!("{media} is not described: {shown}"));
                if media.ends_with("json") {
                    let wrong = self.wrong(&content["schema"], &answer.json());
                    assert_eq!(wrong, [""; 0], "{shown}");
                }
            }
            (content, content_type) => panic!("{content:?}, but {content_type:?}: {shown}"),
        }
        self.seen.insert((method.to_owned(), path.to_owned(), answer.code));
    }

    /// What is wrong with a body for an operation.
    pub fn wrong_body(&self, method: &str, path: &str, body: &Value) -> Vec<String> {
        let schema = &self.operation(method, path)["requestBody"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} takes no body");
        self.wrong(schema, body)
    }

    /// What is wrong with a value.
    pub fn wrong(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        validator.iter_errors(value).map(|error| format!("{error} at {}", error.instance_path())).collect()
    }

    fn validator(&self, schema: &Value) -> Validator {
        jsonschema::draft202012::new(&json!({"allOf": [schema], "components": self.strict})).unwrap()
    }

    /// What is described and was not seen.
    pub fn unseen(&self) -> Vec<String> {
        let all = self.operations().flat_map(|(method, path, operation)| {
            let codes = operation["responses"].as_object().unwrap().keys();
            codes.map(move |code| (method.clone(), path.clone(), code.parse().unwrap())).collect::<Vec<_>>()
        });
        all.filter(|answer| !self.seen.contains(answer))
            .map(|(method, path, code)| format!("{method} {path} {code}"))
            .collect()
    }

    /// References that lead nowhere.
    pub fn dangling(&self) -> Vec<String> {
        let references = references(&self.document).into_iter();
        references.filter(|path| self.document.pointer(path.trim_start_matches('#')).is_none()).collect()
    }

    /// Schemas to which nothing leads.
    pub fn unused(&self) -> Vec<String> {
        let used = references(&self.document);
        let names = self.document["components"]["schemas"].as_object().unwrap().keys();
        names.filter(|name| !used.contains(&format!("#/components/schemas/{name}"))).cloned().collect()
    }
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}
