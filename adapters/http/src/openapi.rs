//! The document that describes the API (OpenAPI 3.0).

use std::collections::HashMap;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{
    ContactObject, ExtraHeader, LicenseObject, OpenApi, OpenApiService, ServerObject,
};

use crate::api::Api;
use crate::wires::{AiSdk, OpenAi};

/// All that the document describes.
pub(crate) type Operations = (Api, AiSdk, OpenAi);

/// The version of the API; raised when it changes.
const VERSION: &str = "1.5.0";

const DESCRIPTION: &str = "Answers readers' questions about one book, from the book and nothing \
else, with the passages that support each statement. Every error is a problem document \
(RFC 9457, application/problem+json) whose code says what went wrong, but on the wires of others, \
which have forms of their own and may be switched off. Every reply has an \
X-Request-Id: the one that was sent, if it is at most 64 visible ASCII characters, or a new one. \
Where requests are limited, the headers RateLimit-Policy and RateLimit say how much a client may \
ask for and what is left of it (draft-ietf-httpapi-ratelimit-headers-11). \
An address may have a slash at its end, and stand below /api.";

/// The API as poem-openapi serves and describes it.
pub(crate) fn service<A: OpenApi>(api: A) -> OpenApiService<A, ()> {
    let request_id = ExtraHeader::new("X-Request-Id").description("Names the request.");
    OpenApiService::new(api, "askbook", VERSION)
        .description(DESCRIPTION)
        .contact(ContactObject::new().name("The owner of this server"))
        .license(LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
        .server(ServerObject::new("/").description("This server"))
        .extra_response_header::<String, _>(request_id)
}

/// The document, byte for byte as `/openapi.json` serves it.
pub fn document() -> String {
    complete(&service(Description).spec())
}

/// Says what poem-openapi cannot say: that every operation may come with a key, and needs none
/// unless the owner wants it.
fn complete(spec: &str) -> String {
    const SECURITY: &str = r#"
  "security": [
    {},
    {
      "key": []
    }
  ],
  "tags":"#;
    const COMPONENTS: &str = r#"
  "components": {
    "securitySchemes": {
      "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "For other servers: a key that the owner of this server gave out."
      }
    },"#;
    let document = spec.replacen("\n  \"tags\":", SECURITY, 1);
    let document = document.replacen("\n  \"components\": {", COMPONENTS, 1);
    format!("{document}\n")
}

/// The page of Swagger UI, self-contained. The document is a part of it.
pub(crate) fn documentation() -> String {
    let service = service(Description);
    let spec = service.spec();
    service.swagger_ui_html().replacen(&spec, complete(&spec).trim_end(), 1)
}

/// The API without what it works with: describing it takes none of that.
struct Description;

impl OpenApi for Description {
    fn meta() -> Vec<MetaApi> {
        Operations::meta()
    }

    fn register(registry: &mut Registry) {
        Operations::register(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

#[cfg(test)]
mod tests {
    use askbook::question::{Question, QuestionLimits};
    use regex::Regex;
    use serde_json::Value;

    use super::*;
    use crate::routes;

    #[test]
    fn the_routes_are_those_of_the_document_and_the_pages() {
        let mut served: Vec<String> = Operations::meta()
            .iter()
            .flat_map(|api| &api.paths)
            .map(|path| path.path.clone())
            .chain(["/", "/docs", "/openapi.json"].map(str::to_owned))
            .chain(["/widget.js", "/widget/panel.js"].map(str::to_owned))
            // What one of its requests looks like, and what it gets, a type of it says that
            // OpenAPI has no schema for.
            .chain(["/chatkit".to_owned()])
            .collect();
        let mut listed: Vec<_> = routes::ROUTES.iter().map(|route| route.path).collect();
        served.sort();
        listed.sort_unstable();
        assert_eq!(served, listed);
    }

    #[test]
    fn the_document_is_always_the_same_and_names_plain_media_types() {
        let document = document();
        assert_eq!(document, super::document());
        assert!(!document.contains("charset"));
        let read: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(read["security"], serde_json::json!([{}, { "key": [] }]));
        assert_eq!(read["components"]["securitySchemes"]["key"]["scheme"], "bearer");
        assert!(document.contains("\"application/problem+json\""));
    }

    #[test]
    fn what_may_be_null_says_its_type() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let mode = &document["components"]["schemas"]["ChatReply"]["properties"]["mode"];
        assert_eq!(mode["enum"], serde_json::json!(["generated", "extractive"]));
        assert_eq!((&mode["nullable"], &mode["type"]), (&true.into(), &"string".into()));
    }

    #[test]
    fn an_event_of_a_stream_is_one_of_a_union_that_its_type_tells_apart() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let stream = &document["paths"]["/chat/stream"]["post"]["responses"]["200"]["content"];
        let schema = &stream["text/event-stream"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/ChatEvent");
        let event = &document["components"]["schemas"]["ChatEvent"];
        assert_eq!(event["discriminator"]["propertyName"], "type");
        assert_eq!(event["oneOf"].as_array().map(Vec::len), Some(7));
    }

    #[test]
    fn nothing_in_the_document_can_end_the_script_that_it_stands_in() {
        let document = document().to_lowercase();
        for end in ["</script", "<script", "<!--"] {
            assert!(!document.contains(end), "{end}");
        }
    }

    #[test]
    fn the_documentation_holds_the_document_and_needs_no_network() {
        let page = documentation();
        assert!(page.contains(document().trim_end()));
        for remote in ["src=\"http", "href=\"http", "@import"] {
            assert!(!page.contains(remote), "{remote}");
        }
    }

    #[test]
    fn the_limits_in_the_document_are_the_default_ones() {
        let limits = QuestionLimits::default();
        let document: Value = serde_json::from_str(&document()).unwrap();
        let schemas = &document["components"]["schemas"];
        let properties = &schemas["ChatRequest"]["properties"];
        assert_eq!(properties["message"]["maxLength"], limits.text);
        assert_eq!(properties["selected_text"]["maxLength"], limits.selected_text);
        assert_eq!(schemas["SearchRequest"]["properties"]["query"]["maxLength"], limits.text);
    }

    #[test]
    fn the_document_says_what_of_a_question_can_be_seen() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let schemas = &document["components"]["schemas"];
        let seen = &schemas["ChatRequest"]["properties"]["message"]["pattern"];
        assert_eq!(*seen, schemas["SearchRequest"]["properties"]["query"]["pattern"]);
        let seen = Regex::new(seen.as_str().unwrap()).unwrap();
        for c in (0..=0xFFFF).filter_map(char::from_u32).chain(['𝒳', '👍', '\u{20000}']) {
            let asked = Question::new(&c.to_string(), None, None, QuestionLimits::default());
            assert_eq!(seen.is_match(&format!(" {c}")), asked.is_ok(), "{c:?}");
        }
    }
}
