//! What a handler says about itself, and what its route adds.

use super::rights::{right, security};
use crate::api::MAX_BODY;
use crate::api::problem::Problem;
use crate::rule::{For, Needs, Route};
use axum::http::StatusCode;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Ref, Schema, Type};
use utoipa::openapi::{RefOr, Required, ResponseBuilder, tag};

/// Schemas by their names.
pub(super) type Schemas = Vec<(String, RefOr<Schema>)>;

/// What an operation is, as only its handler can know it.
pub struct About {
    id: &'static str,
    tag: Tag,
    summary: &'static str,
    text: &'static str,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    answers: BTreeMap<u16, ResponseBuilder>,
    /// Errors by their codes, and when they come, in sentences.
    refusals: BTreeMap<u16, Vec<String>>,
    /// The server-sent events that it answers with, by name.
    events: Vec<(&'static str, RefOr<Schema>)>,
    schemas: Schemas,
}

/// What an operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The pictures themselves.
    Pictures,
    /// What is known about cameras.
    Cameras,
    /// Logging in and out, and who asks.
    Login,
    /// Users, tokens, keys and links.
    Access,
    /// The server as a whole.
    Server,
}

impl Tag {
    /// Every one.
    pub(super) const ALL: [Self; 5] =
        [Self::Pictures, Self::Cameras, Self::Login, Self::Access, Self::Server];

    const fn name(self) -> &'static str {
        match self {
            Self::Pictures => "pictures",
            Self::Cameras => "cameras",
            Self::Login => "login",
            Self::Access => "access",
            Self::Server => "server",
        }
    }

    pub(super) fn described(self) -> tag::Tag {
        let text = match self {
            Self::Pictures => "Live pictures over HTTP, for players, scripts and `<img>`.",
            Self::Cameras => "What is going on, and what can be changed about a camera.",
            Self::Login => "A browser's session, and who asks.",
            Self::Access => "Users, tokens, cameras' keys and share links.",
            Self::Server => "The server itself: health, numbers, configuration, and this description.",
        };
        tag::TagBuilder::new().name(self.name()).description(Some(text)).build()
    }
}

impl About {
    /// With a name for programs, a title, and what more there is to say (Markdown).
    #[must_use]
    pub fn new(id: &'static str, tag: Tag, summary: &'static str, text: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            text,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            refusals: BTreeMap::new(),
            events: Vec::new(),
            schemas: Vec::new(),
        }
    }

    /// A part of the path.
    #[must_use]
    pub fn path<T: ToSchema>(self, name: &str, text: &str) -> Self {
        self.parameter::<T>(ParameterIn::Path, Required::True, name, text)
    }

    /// A field of the query that may be left out.
    #[must_use]
    pub fn query<T: ToSchema>(self, name: &str, text: &str) -> Self {
        self.parameter::<T>(ParameterIn::Query, Required::False, name, text)
    }

    /// Says that the operation takes JSON.
    #[must_use]
    pub fn body<T: ToSchema>(mut self, text: &str) -> Self {
        self.body = Some(self.json::<T>(text).required(Some(Required::True)).build());
        self
    }

    /// Says that the operation takes JSON, or no body at all.
    #[must_use]
    pub fn body_or_none<T: ToSchema>(mut self, text: &str) -> Self {
        self.body = Some(self.json::<T>(text).required(Some(Required::False)).build());
        self
    }

    /// Says that the operation answers in JSON.
    #[must_use]
    pub fn answer<T: ToSchema>(mut self, code: u16, text: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(self.schema::<T>())).build();
        self.answers
            .insert(code, ResponseBuilder::new().description(text).content("application/json", content));
        self
    }

    /// Says that the operation answers something else than JSON.
    #[must_use]
    pub fn answer_as(mut self, code: u16, content_type: &str, text: &str) -> Self {
        self.answers.insert(code, ResponseBuilder::new().description(text));
        self.also_as(code, content_type)
    }

    /// That answer may be of this type, too.
    #[must_use]
    pub fn also_as(self, code: u16, content_type: &str) -> Self {
        // Bytes have no schema (OpenAPI 3.1, Media Type Object, "Considerations for File Uploads").
        let schema = content_type.contains("text").then(string);
        let content = ContentBuilder::new().schema(schema).build();
        self.change(code, |answer| answer.content(content_type, content))
    }

    /// Says that the operation answers without a body.
    #[must_use]
    pub fn answer_empty(mut self, code: u16, text: &str) -> Self {
        self.answers.insert(code, ResponseBuilder::new().description(text));
        self
    }

    /// That answer has this header.
    #[must_use]
    pub fn header(self, code: u16, name: &str, text: &str) -> Self {
        self.change(code, |answer| answer.header(name, header(string(), text)))
    }

    /// Says that the operation answers with an error, and when. Several sentences for one code are joined.
    #[must_use]
    pub fn refuses(mut self, code: StatusCode, when: impl Into<String>) -> Self {
        self.refusals.entry(code.as_u16()).or_default().push(when.into());
        self
    }

    /// Says that the operation answers with server-sent events of this name, whose data is JSON.
    #[must_use]
    pub fn event<T: ToSchema>(mut self, name: &'static str) -> Self {
        let schema = self.schema::<T>();
        self.events.push((name, schema));
        self
    }

    /// The operation at this route, and the schemas that it refers to.
    pub(super) fn at(self, route: &Route) -> (Operation, Schemas) {
        let about = self.with_what_the_route_answers(route);
        let (name, sentence) = right(route.rule.needs);
        let mut extensions = ExtensionsBuilder::new().add("x-right", name);
        if !about.events.is_empty() {
            let events: BTreeMap<&str, RefOr<Schema>> = about.events.into_iter().collect();
            extensions =
                extensions.add("x-events", serde_json::to_value(events).expect("a schema is plain data"));
        }
        let mut operation = OperationBuilder::new()
            .operation_id(Some(about.id))
            .tag(about.tag.name())
            .summary(Some(about.summary))
            .description(Some(format!("{} {sentence}", about.text).trim()))
            .request_body(about.body)
            .securities(Some(security(route.rule.needs)))
            .extensions(Some(extensions.build()));
        for parameter in about.parameters {
            operation = operation.parameter(parameter);
        }
        for (code, answer) in about.answers {
            operation = operation.response(code.to_string(), answer);
        }
        for (code, when) in about.refusals {
            operation = operation.response(code.to_string(), error(route, code, &when.join(" ")));
        }
        (operation.build(), about.schemas)
    }

    /// What is answered before the handler sees the request, or whatever it does.
    fn with_what_the_route_answers(mut self, route: &Route) -> Self {
        if self.body.is_some() {
            self = self
                .refuses(StatusCode::BAD_REQUEST, "The body is not what is described here.")
                .refuses(StatusCode::REQUEST_TIMEOUT, "The body was not there in time (`handshake_timeout`).")
                .refuses(StatusCode::PAYLOAD_TOO_LARGE, format!("The body has more than {MAX_BODY} bytes."));
        }
        if route.rule.needs != Needs::Nothing {
            self = self
                .refuses(StatusCode::UNAUTHORIZED, "There is no credential, or it is no good (any more).")
                .refuses(StatusCode::FORBIDDEN, "The credential does not give the right to do this.")
                .refuses(StatusCode::TOO_MANY_REQUESTS, "Too many wrong credentials came from this address.");
        }
        if route.method.is_safe() && route.rule.needs != Needs::Nothing {
            self = self.refuses(
                StatusCode::FORBIDDEN,
                "A web page of another site shows it by the right of its reader, and without a token in the address.",
            );
        }
        if !route.method.is_safe() {
            self = self.refuses(
                StatusCode::FORBIDDEN,
                "A web page of another origin asks, or one may: without `Content-Type: application/json`, a form could have been sent.",
            );
        }
        self
    }

    fn change(mut self, code: u16, change: impl FnOnce(ResponseBuilder) -> ResponseBuilder) -> Self {
        let answer = self.answers.remove(&code).unwrap_or_default();
        self.answers.insert(code, change(answer));
        self
    }

    fn parameter<T: ToSchema>(
        mut self,
        place: ParameterIn,
        required: Required,
        name: &str,
        text: &str,
    ) -> Self {
        let schema = self.schema::<T>();
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(text))
            .schema(Some(schema));
        self.parameters.push(parameter.build());
        self
    }

    fn json<T: ToSchema>(&mut self, text: &str) -> RequestBodyBuilder {
        let content = ContentBuilder::new().schema(Some(self.schema::<T>())).build();
        RequestBodyBuilder::new().description(Some(text)).content("application/json", content)
    }

    /// A reference to a type's schema, which is kept with those that it refers to itself.
    fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        T::schemas(&mut self.schemas);
        self.schemas.push((name.clone(), T::schema()));
        Ref::from_schema_name(name).into()
    }
}

/// An error: under `/api` a problem, elsewhere a sentence.
fn error(route: &Route, code: u16, when: &str) -> ResponseBuilder {
    let (content_type, schema) = if route.path.starts_with("/api/") {
        ("application/problem+json", Ref::from_schema_name(Problem::name()).into())
    } else {
        ("text/plain", string())
    };
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let answer = ResponseBuilder::new().description(when).content(content_type, content);
    match code {
        429 => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
            answer.header(
                "Retry-After",
                header(seconds.into(), "After how many seconds it may go well, if that is known."),
            )
        }
        401 if route.rule.whom == For::Players => {
            answer.header("WWW-Authenticate", header(string(), "Has a player ask for name and password."))
        }
        _ => answer,
    }
}

fn header(schema: RefOr<Schema>, text: &str) -> Header {
    let mut header = Header::new(schema);
    header.description = Some(text.into());
    header
}

fn string() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}
