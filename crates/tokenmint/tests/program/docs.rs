//! `GET /docs` and `GET /openapi.json`.

use crate::harness::{Server, curl, program, shell};

const FILES: [(&str, &str); 8] = [
    ("/docs", "text/html; charset=utf-8"),
    ("/docs/page.css", "text/css; charset=utf-8"),
    ("/docs/icon.svg", "image/svg+xml"),
    ("/docs/dom.js", "text/javascript; charset=utf-8"),
    ("/docs/jwt.js", "text/javascript; charset=utf-8"),
    ("/docs/reference.js", "text/javascript; charset=utf-8"),
    ("/docs/try.js", "text/javascript; charset=utf-8"),
    ("/openapi.json", "application/json"),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn start(settings: &[(&str, &str)]) -> Server {
    let mut command = program(&["--memory", "--listen", "127.0.0.1:0"]);
    // Such a key is made quickly.
    Server::start_with(command.env("SIGNING_KEYS", "alias/ec=ES256").envs(settings.iter().copied()))
}

/// D1: the page and the document are there, with headers that let the page load and run nothing but its own files.
#[test]
fn d1_the_page_and_its_files() {
    let server = start(&[]);
    for (path, media_type) in FILES {
        let answer = shell(&format!("curl -si {}{path}", server.url));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {head}");
        for (name, value) in [
            ("content-type", media_type),
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-cache"),
        ] {
            let line = format!("\r\n{name}: {value}");
            assert!(format!("{head}\r\n").contains(&format!("{line}\r\n")), "{path}: {name}: {head}");
        }
        // The name space of SVG is a name. The document's own examples are no references.
        let body = body.replace("http://www.w3.org/2000/svg", "");
        let is_document = path == "/openapi.json";
        assert!(is_document || !(body.contains("http:") || body.contains("https:") || body.contains("\"//")), "{path}");
        // The policy would refuse both.
        assert!(is_document || !(body.contains("style=") || body.contains("<script>")), "{path}");
    }
    let document = shell(&format!("curl -s {}/openapi.json", server.url));
    assert_eq!(document, include_str!("../../../../docs/openapi.json"));
    for (request, status) in [("-X POST", 405), ("", 200)] {
        assert_eq!(curl(&format!("{request} {}/docs", server.url)).0, status);
    }
    assert_eq!(curl(&format!("{}/docs/page.html", server.url)).0, 404);
    server.stop();
}

/// O5, D1: no other origin's page may read it, unless the operator names the origin.
#[test]
fn d1_o5_the_page_is_not_shared() {
    let server = start(&[("CORS_ORIGINS", "https://app.example")]);
    let head = shell(&format!("curl -si -H 'Origin: https://other.example' {}/docs", server.url));
    assert!(!head.contains("access-control-allow-origin"), "{head}");
    server.stop();
}
