//! The lines that `serve` prints work in a shell, with any settings.

use crate::harness::{Data, Server, program, shell};

/// A server with these settings. A P-256 key is made quickly, an RSA key is not.
fn start(data: Option<&Data>, settings: &[(&str, &str)]) -> Server {
    let options = data.map_or_else(|| vec!["--memory"], |data| data.on(&["serve"]));
    let mut command = program(&[&options[..], &["--listen", "127.0.0.1:0"]].concat());
    Server::start_with(command.env("SIGNING_KEYS", "alias/ec=ES256").envs(settings.iter().copied()))
}

/// R10, R15: the sample requests offered scopes by a permitted registration, and gets a token.
#[test]
fn r10_r15_it_fits_the_settings() {
    let odd = "it's https://api.example/a&b+c%20d";
    for (settings, scope) in [
        (&[][..], "client-scope"),
        (&[("SCOPES", "read write")], "read write"),
        (&[("SCOPES", "read client-scope write")], "client-scope"),
        (&[("SCOPES", odd)], odd),
        (&[("SCOPES", "a b c"), ("DEFAULT_SCOPES", "c")], "a b"),
        (&[("GRANT_POLICY", "registered")], "client-scope"),
        (&[("REGISTRATION", "protected")], "client-scope"),
        (&[("REGISTRATION", "protected"), ("SCOPES", odd), ("GRANT_POLICY", "registered")], odd),
        (&[("REGISTRATION", "disabled")], "client-scope"),
        (&[("REGISTRATION", "disabled"), ("SCOPES", "-x y"), ("ISSUER", "https://as.example")], "-x y"),
    ] {
        for data in [None, Some(Data::new())] {
            let server = start(data.as_ref(), settings);
            let output = shell(&server.lines);
            let (token, keys) = output.trim().split_once('\n').unwrap_or_else(|| panic!("{settings:?}: {output}"));
            assert!(token.starts_with(r#"{"access_token":"ey"#), "{settings:?}: {token}");
            assert!(token.contains(&format!(r#""scope":"{scope}""#)), "{settings:?}: {token}");
            assert!(keys.starts_with(r#"{"keys":[{"#), "{keys}");
            server.stop();
        }
    }
}

/// R18: the original failure is shown, without failures that only follow from it.
#[test]
fn r18_a_registration_that_failed_shows_why() {
    let server = start(None, &[("REGISTRATION_RATE", "1")]);
    assert!(shell(&server.lines).contains("access_token"));
    let output = shell(&server.lines);
    assert!(output.starts_with("No client was created: {") && output.contains("error_description"), "{output}");
    assert!(!output.contains("invalid_client") && !output.contains("access_token"), "{output}");
    let lines = server.lines.clone();
    server.stop();
    // The last line also fails, because the server has stopped.
    let output = shell(&format!("{{ {lines}\n}} 2>&1 || :"));
    assert!(output.contains("curl: (7) ") && output.contains("No client was created: \n"), "{output}");
}

/// R15: a failing operator's command reports its own error.
#[test]
fn r15_a_client_that_could_not_be_created_shows_why() {
    let data = Data::new();
    for registration in ["protected", "disabled"] {
        let server = start(Some(&data), &[("REGISTRATION", registration)]);
        let lines = server.lines.replace("my data", "another folder");
        let output = shell(&format!("{{ {lines}\n}} 2>&1"));
        assert!(output.starts_with("tokenmint: there is no tokenmint data in "), "{output}");
        assert!(output.contains("No client was created: ") && !output.contains("invalid_client"), "{output}");
        server.stop();
    }
}
