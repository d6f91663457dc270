//! `tokenmint client rotate-secret`, twice within one overlap.

use serde_json::Value;

use crate::harness::{Data, Server, at_terminal, done, failed, json, text};

/// A previous secret stays valid until its announced end, unless the operator decides otherwise.
#[test]
fn m5_a_promised_secret_is_not_revoked_without_a_word() {
    let data = Data::new();
    let server = Server::without_cache(&data.on(&[]));
    let made = json(&data.on(&["client", "create", "--scope", "a"]));
    let (id, first) = (text(&made, "client_id"), text(&made, "client_secret"));
    let valid = |secret: &str| server.token(id, secret).0 == 200;
    let rotated = json(&data.on(&["client", "rotate-secret", id]));
    let second = text(&rotated, "client_secret");
    assert!(valid(first) && valid(second));

    let shown = || json(&data.on(&["client", "show", id]));
    let before = shown();
    for options in [&[][..], &["--json"], &["--overlap", "7d"], &["--overlap", "0"]] {
        let said = failed(&data.on(&[&["client", "rotate-secret", id], options].concat()), 2);
        assert!(said.starts_with(&format!("the previous secret of the client {id} is valid until 20")), "{said}");
        assert!(said.ends_with("Z, and a new secret would revoke it now; give --yes to do so"), "{said}");
    }
    assert_eq!(shown(), before);
    assert!(valid(first) && valid(second));

    let said = at_terminal(&data.on(&["client", "rotate-secret", id]), "n");
    assert!(said.contains("would revoke it now.") && said.contains("Create a new secret? [y/N]"), "{said}");
    assert!(said.contains("tokenmint: the secret was not rotated") && said.ends_with("\n1\n"), "{said}");
    assert_eq!(shown(), before);
    let said = at_terminal(&data.on(&["client", "rotate-secret", id]), "y");
    assert!(said.contains("The previous secret is valid until") && said.ends_with("\n0\n"), "{said}");
    assert!(!valid(first) && valid(second));

    let rotated = json(&data.on(&["client", "rotate-secret", id, "--yes"]));
    assert!(!valid(second) && valid(text(&rotated, "client_secret")));
    server.stop();
}

/// No confirmation is required if no earlier secret is valid.
#[test]
fn m5_nothing_is_asked_where_nothing_is_revoked_early() {
    let data = Data::store();
    let made = json(&data.on(&["client", "create"]));
    let id = text(&made, "client_id");
    for _ in 0..2 {
        let rotated: Value = json(&data.on(&["client", "rotate-secret", id, "--overlap", "0"]));
        assert_eq!(rotated.get("previous_client_secret_expires_at"), None);
    }
    assert!(
        done(&data.on(&["client", "rotate-secret", id, "--overlap", "0"])).contains("All earlier secrets are revoked.")
    );
}
