//! The API: items that nobody stores. It checks no token: whoever calls it was let through.

use serde_json::{Value, json};

/// The routes: as they are in `template.yaml` and in `ROUTES`.
pub const ROUTES: [&str; 3] = ["GET /items", "POST /items", "GET /items/{id}"];

/// Answers a request of a client: status and body.
pub fn answer(route: &str, id: &str, client_id: &str) -> (u16, Value) {
    match route {
        "GET /items" => (200, json!({"items": ["1", "2"], "client_id": client_id})),
        "POST /items" => (201, json!({"item": "3", "client_id": client_id})),
        "GET /items/{id}" => (200, json!({"item": id, "client_id": client_id})),
        _ => (404, json!({"error": "not_found"})),
    }
}

/// Answers an event of an HTTP API or a REST API, after the authorizer has let it through.
pub fn answer_event(event: &Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let context = &event["requestContext"]["authorizer"];
    let (route, client_id) = if event["version"] == "2.0" {
        (text(&event["routeKey"]), &context["lambda"]["client_id"])
    } else {
        (format!("{} {}", text(&event["httpMethod"]), text(&event["resource"])), &context["client_id"])
    };
    // Without an authorizer the API is open to everyone: that is a mistake of the template.
    let (status, body) = match client_id.as_str() {
        Some(client_id) => answer(&route, &text(&event["pathParameters"]["id"]), client_id),
        None => (500, json!({"error": "server_error"})),
    };
    json!({"statusCode": status, "headers": {"content-type": "application/json"}, "body": body.to_string()})
}
