//! `tokenmint apply`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Answer, Data, Server, at_terminal, done, failed, json as object, program, run, run_with, text};

/// A list of clients in a folder of its own.
struct Lists {
    data: Data,
}

impl Lists {
    fn new() -> Self {
        Self { data: Data::store() }
    }

    fn path(&self, name: &str) -> String {
        format!("{}-{name}", self.data.folder)
    }

    fn write(&self, text: &str) -> String {
        let path = self.path("clients.yaml");
        fs::write(&path, text).unwrap();
        path
    }

    fn apply(&self, text: &str, options: &[&str]) -> Answer {
        let file = self.write(text);
        run(&self.data.on(&[&["apply", &file], options].concat()))
    }

    /// Applies a list that needs secrets. Returns them.
    fn applied(&self, text: &str) -> Vec<Value> {
        let answer = self.apply(text, &["--yes", "--secrets-file", "-"]);
        assert_eq!(answer.status, 0, "{answer:?}");
        answer.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All clients, as exported with their hashes.
    fn all(&self) -> Vec<Value> {
        let lines = done(&self.data.on(&["client", "export", "--with-secret-hashes"]));
        let mut all: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        all.sort_by_key(|client| client["client_id"].to_string());
        all
    }

    fn named(&self, name: &str) -> Value {
        let all = self.all();
        all.into_iter().find(|client| client["managed_by"]["name"] == name).unwrap_or_else(|| panic!("{name}"))
    }
}

const TWO: &str = "
owner: payments
clients:
  - name: billing
    client_name: Nightly billing
    scope: invoices.read invoices.write
    contacts: [ops@example.com]
  - name: reports
    token_endpoint_auth_method: private_key_jwt
    jwks_uri: https://reports.example.com/jwks.json
    dpop_bound_access_tokens: true
    federated_credentials:
      - issuer: https://token.actions.githubusercontent.com
        sub: repo:octo-org/octo-repo:ref:refs/heads/main
";

/// U2, U3, U4: a list is applied, its clients work, and the same list again changes nothing.
#[test]
fn u2_u3_u4_a_list_is_applied() {
    let lists = Lists::new();
    let secrets = lists.applied(TWO);
    let [billing] = &secrets[..] else { panic!("{secrets:?}") };
    assert_eq!((text(billing, "name"), &billing["client_secret_expires_at"]), ("billing", &json!(0)));
    let (id, secret) = (text(billing, "client_id").to_owned(), text(billing, "client_secret").to_owned());
    let reports = lists.named("reports");
    assert_eq!(reports["managed_by"], json!({"owner": "payments", "name": "reports"}));
    assert_eq!((&reports["dpop_bound_access_tokens"], reports.get("client_secrets_sha256")), (&json!(true), None));
    assert_eq!(reports.get("registration_access_token_sha256"), None);

    let before = lists.all();
    for options in [&["--plan"][..], &["--yes"], &[]] {
        let again = lists.apply(TWO, options);
        let expected = "no changes: 2 clients are as the file says\n";
        assert_eq!((again.status, again.stdout.as_str(), again.stderr.as_str()), (0, expected, ""));
    }
    assert_eq!(lists.all(), before);

    let server = Server::start(&lists.data.on(&[]));
    assert_eq!(server.token(&id, &secret).0, 200);
    // A change keeps the secret, also while the server runs.
    let changed = lists.apply(&TWO.replace("Nightly billing", "Billing"), &["--yes"]);
    assert_eq!(changed.status, 0, "{changed:?}");
    assert_eq!(
        changed.stdout,
        format!(
            "~ billing  {id}\n    client_name: \"Nightly billing\" -> \"Billing\"\n1 to change; 1 unchanged\nchanged  billing  {id}\n"
        )
    );
    assert_eq!(server.token(&id, &secret).0, 200);
    server.stop();

    // The same list elsewhere has the same identifiers, and other secrets.
    let elsewhere = Lists::new().applied(TWO);
    assert_eq!(text(&elsewhere[0], "client_id"), id);
    assert_ne!(text(&elsewhere[0], "client_secret"), secret);
}

/// U3: `--plan` shows the difference, changes nothing, and its status tells whether there is one.
#[test]
fn u3_a_plan_changes_nothing() {
    let lists = Lists::new();
    let plan = lists.apply(TWO, &["--plan"]);
    assert_eq!((plan.status, plan.stderr.as_str()), (3, ""));
    assert!(
        plan.stdout.contains("+ billing  ") && plan.stdout.contains("client_secret: a new one is generated"),
        "{plan:?}"
    );
    assert!(plan.stdout.ends_with("2 to create; 0 unchanged\n"), "{plan:?}");
    assert_eq!(lists.all(), Vec::<Value>::new());
    let none = lists.apply("owner: payments\nclients: []", &["--plan"]);
    assert_eq!((none.status, none.stdout.as_str()), (0, "no changes: 0 clients are as the file says\n"));
    let one = "owner: one\nclients: [{name: a}]";
    lists.applied(one);
    let one = lists.apply(one, &["--plan"]);
    assert_eq!((one.status, one.stdout.as_str()), (0, "no changes: 1 client is as the file says\n"));
    // Wrong usage and mistakes in the file have other statuses.
    assert_eq!(lists.apply(TWO, &["--plan", "--yes"]).status, 2);
    assert_eq!(lists.apply("owner: payments", &["--plan"]).status, 1);
}

/// U3: without `--yes`, nothing happens where nobody can be asked; at a terminal the operator is asked.
#[test]
fn u3_changes_are_confirmed() {
    let lists = Lists::new();
    let list =
        "owner: a\nclients: [{name: b, token_endpoint_auth_method: private_key_jwt, jwks_uri: 'https://b.example/'}]";
    let answer = lists.apply(list, &[]);
    assert_eq!(answer.status, 2);
    assert!(
        answer.stdout.starts_with("+ b  ") && answer.stderr.contains("give --yes to make these changes"),
        "{answer:?}"
    );
    assert_eq!(lists.all(), Vec::<Value>::new());
    let file = lists.write(list);
    let said = at_terminal(&lists.data.on(&["apply", &file]), "n");
    assert!(said.contains("+ b  ") && said.contains("Make these changes? [y/N]") && said.ends_with("\n1\n"), "{said}");
    assert_eq!(lists.all(), Vec::<Value>::new());
    let said = at_terminal(&lists.data.on(&["apply", &file]), "y");
    assert!(said.contains("created  b  ") && said.ends_with("\n0\n"), "{said}");
    assert_eq!(lists.all().len(), 1);
    // A file on standard input leaves none for the answer.
    let answer = run_with(&lists.data.on(&["apply", "-"]), "owner: a\nclients: []");
    assert_eq!(answer.status, 2, "{answer:?}");
}

/// U2: a client that is no longer listed is disabled, and comes back with its secret; nobody else's is touched.
#[test]
fn u2_a_client_that_is_no_longer_listed_is_disabled() {
    let lists = Lists::new();
    let other = object(&lists.data.on(&["client", "create", "--name", "Other"]));
    let billing = lists.applied(TWO).remove(0);
    let audit = lists.applied("owner: audit\nclients: [{name: billing}]").remove(0);
    assert_ne!(text(&audit, "client_id"), text(&billing, "client_id"));
    let id = text(&billing, "client_id");
    let before = lists.all();

    let only = "owner: payments\nclients: []";
    let answer = lists.apply(only, &["--yes"]);
    assert_eq!(answer.status, 0, "{answer:?}");
    assert!(
        answer.stdout.contains(&format!("- billing  {id}\n    # no longer in the file\n    disabled: false -> true\n"))
    );
    assert_eq!(lists.apply(only, &["--plan"]).status, 0);
    for (was, is) in before.iter().zip(lists.all()) {
        if was["managed_by"]["owner"] == "payments" {
            assert_eq!((&is["disabled"], &is["managed_by"]["unlisted"]), (&json!(true), &json!(true)));
        } else {
            assert_eq!(*was, is);
        }
    }
    let server = Server::start(&lists.data.on(&[]));
    let tokens = |made: &Value| server.token(text(made, "client_id"), text(made, "client_secret")).0;
    assert_eq!([tokens(&billing), tokens(&audit), tokens(&other)], [401, 200, 200]);
    let answer = lists.apply(TWO, &["--yes"]);
    assert!(answer.status == 0 && answer.stdout.contains("enabled  billing"), "{answer:?}");
    assert_eq!(tokens(&billing), 200);
    server.stop();
    assert_eq!(lists.all(), before);
}

/// U2: a client that an operator disabled because it was compromised is not enabled by a list that says nothing of it.
#[test]
fn u2_an_emergency_outlives_the_list() {
    let lists = Lists::new();
    let id = text(&lists.applied(TWO)[0], "client_id").to_owned();
    done(&lists.data.on(&["client", "disable", &id]));
    assert_eq!(lists.apply(TWO, &["--plan"]).status, 0);
    // Nor by being taken from the list and coming back.
    assert_eq!(
        lists
            .apply(&TWO[..TWO.find("  - name: billing").unwrap()].replace("clients:", "clients: []"), &["--yes"])
            .status,
        0
    );
    assert_eq!(lists.apply(TWO, &["--yes"]).status, 0);
    assert_eq!(lists.named("billing")["disabled"], true);
    let explicit = TWO.replace("    client_name", "    disabled: false\n    client_name");
    assert_eq!(lists.apply(&explicit, &["--yes"]).status, 0);
    assert_eq!(lists.named("billing")["disabled"], false);
    assert_eq!(lists.apply(&explicit.replace("false", "true"), &["--yes"]).status, 0);
    assert_eq!(lists.named("billing")["disabled"], true);

    // Nor if it was no longer listed when the operator disabled it.
    assert_eq!(lists.apply(&explicit, &["--yes"]).status, 0);
    assert_eq!(lists.apply("owner: payments\nclients: []", &["--yes"]).status, 0);
    assert_eq!(lists.named("billing")["managed_by"]["unlisted"], true);
    done(&lists.data.on(&["client", "disable", &id]));
    assert_eq!(lists.named("billing")["managed_by"], json!({"owner": "payments", "name": "billing"}));
    assert_eq!(lists.apply(TWO, &["--yes"]).status, 0);
    assert_eq!([&lists.named("billing")["disabled"], &lists.named("reports")["disabled"]], [true, false]);
    // Again, and of one that is not there.
    done(&lists.data.on(&["client", "disable", &id]));
    let nobody = "11111111-1111-4111-8111-111111111111";
    assert!(failed(&lists.data.on(&["client", "disable", nobody]), 1).contains(nobody));
}

/// U1: every mistake of a file is said at once, and nothing is written.
#[test]
fn u1_mistakes_in_a_file() {
    let lists = Lists::new();
    lists.applied("owner: other\nclients: [{name: taken, client_id: taken-id}]");
    let own = object(&lists.data.on(&["client", "create"]));
    let before = lists.all();
    let answer = lists.apply(
        "owner: payments\ncolour: red\nclients:\n\
         - {name: good, token_endpoint_auth_method: private_key_jwt, jwks_uri: 'https://good.example/'}\n\
         - {name: twice}\n- {name: twice}\n\
         - {name: secret, client_secret: 9f86d081884c7d659a2feaa0c55ad015, colour: red}\n\
         - {name: keys, token_endpoint_auth_method: private_key_jwt}\n\
         - {name: scope, scope: 'a  b'}\n- {name: uri, client_uri: 'javascript:x'}\n\
         - {name: none, token_endpoint_auth_method: none}\n- {name: 'a b'}\n- {scope: x}\n- 7\n\
         - {name: off, disabled: maybe}\n- {name: id, client_id: \"a\\\"b\"}\n\
         - {name: same1, client_id: same}\n- {name: same2, client_id: same}\n\
         - {name: private, token_endpoint_auth_method: private_key_jwt, jwks: {keys: [{kty: oct, k: AAAA}]}}\n",
        &["--yes"],
    );
    assert_eq!((answer.status, answer.stdout.as_str()), (1, ""));
    for mistake in [
        "clients.yaml is not applied:\n",
        "  colour is not understood\n",
        "  twice: 2 clients have this name\n",
        "  secret: client_secret is a secret, which cannot be in this file\n",
        "  secret: colour is not understood\n",
        "  keys: token_endpoint_auth_method needs the client's keys",
        "  scope: scope does not follow the grammar",
        "  uri: client_uri ",
        "  none: token_endpoint_auth_method ",
        "  client 9: name must be 1 to 128 letters",
        "  client 10: name is missing\n",
        "  client 11: it must be an object\n",
        "  off: disabled must be true or false\n",
        "  id: client_id must be 1 to 255 visible ASCII characters",
        "  same1 and same2 have the same client_id\n",
        "  private: jwks ",
    ] {
        assert!(answer.stderr.contains(mistake), "{mistake}: {}", answer.stderr);
    }
    assert!(
        !answer.stderr.contains("9f86d081884c7d659a2feaa0c55ad015") && !answer.stderr.contains("good"),
        "{answer:?}"
    );
    let twice = lists.apply("owner: a\nclients:\n  - name: b\n    scope: x\n    scope: y\n", &["--yes"]);
    assert!(twice.status == 1 && twice.stderr.contains("line 3"), "{twice:?}");

    // A client of somebody else, by its identifier.
    let id = text(&own, "client_id");
    let list = format!(
        "owner: payments\nclients: [{{name: a, client_id: taken-id}}, {{name: b, client_id: {id}}}, {{name: c}}]"
    );
    let answer = lists.apply(&list, &["--yes", "--secrets-file", "-"]);
    assert_eq!((answer.status, answer.stdout.as_str()), (1, ""));
    assert!(answer.stderr.contains("  a: the client taken-id exists and is taken of the owner other\n"), "{answer:?}");
    assert!(answer.stderr.contains(&format!("  b: the client {id} exists and is not managed by a list")), "{answer:?}");
    let other = lists.apply("owner: other\nclients: [{name: taken, client_id: another}]", &["--yes"]);
    assert!(
        other.status == 1 && other.stderr.contains("its client_id is taken-id, which cannot be changed"),
        "{other:?}"
    );
    assert_eq!(lists.all(), before);
}

/// U1, R16: as with `client create`, a list may name scopes that the server does not offer, and the client gets them.
#[test]
fn u1_r16_a_scope_that_is_not_offered() {
    let lists = Lists::new();
    let file = lists.write("owner: a\nclients: [{name: b, scope: admin read}]");
    let options = lists.data.on(&["apply", &file, "--yes", "--secrets-file", "-"]);
    let output = program(&options).env("SCOPES", "read").output().unwrap();
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let server = Server::start_with(program(&lists.data.on(&["--listen", "127.0.0.1:0"])).env("SCOPES", "read"));
    let (status, token) = server.token(text(&made, "client_id"), text(&made, "client_secret"));
    assert_eq!((status, text(&token, "scope")), (200, "admin read"));
    server.stop();
    assert_eq!(lists.named("b")["scope_ceiling"], "admin read");
}

/// U5: a secret is in the file that is named for it, which only its owner can read, and nowhere else.
#[test]
fn u5_secrets_have_a_file_of_their_own() {
    let lists = Lists::new();
    let refused = lists.apply(TWO, &["--yes"]);
    assert!(refused.status == 2 && refused.stderr.contains("--secrets-file FILE"), "{refused:?}");
    let secrets = lists.path("secrets.json");
    fs::write(&secrets, "").unwrap();
    let refused = lists.apply(TWO, &["--yes", "--secrets-file", &secrets]);
    assert!(refused.status == 2 && refused.stderr.contains("exists"), "{refused:?}");
    assert_eq!(lists.all(), Vec::<Value>::new());

    fs::remove_file(&secrets).unwrap();
    let file = lists.write(TWO);
    let options = lists.data.on(&["apply", &file, "--yes", "--secrets-file", &secrets]);
    let output = program(&options).env("RUST_LOG", "trace").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o600);
    let written = fs::read_to_string(&secrets).unwrap();
    let made: Value = serde_json::from_str(&written).unwrap();
    let secret = text(&made, "client_secret");
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("created  billing") && !said.contains(secret), "{said}");
    assert!(!format!("{:?}", lists.all()).contains(secret));
    // No file is made if no secret is needed.
    let none = lists.path("none.json");
    assert_eq!(lists.apply(&TWO.replace("Nightly", "Daily"), &["--yes", "--secrets-file", &none]).status, 0);
    assert!(fs::metadata(&none).is_err());
    // At a terminal it is shown once.
    let file = lists.write("owner: shown\nclients: [{name: a}]");
    let said = at_terminal(&lists.data.on(&["apply", &file]), "y");
    assert_eq!(said.matches("client_secret: ").count(), 2, "{said}");
}

/// U4, R11: a client that changes to a method with a secret gets one, and one that changes back has none.
#[test]
fn u4_r11_a_change_of_the_method() {
    let lists = Lists::new();
    let list = |method: &str| {
        format!(
            "owner: a\nclients: [{{name: b, token_endpoint_auth_method: {method}, jwks_uri: 'https://b.example/'}}]"
        )
    };
    assert!(lists.applied(&list("private_key_jwt")).is_empty());
    let secret = lists.applied(&list("client_secret_post")).remove(0);
    assert_eq!(lists.named("b")["client_secrets_sha256"].as_array().unwrap().len(), 1);
    let plan = lists.apply(&list("private_key_jwt"), &["--plan"]).stdout;
    assert!(plan.contains("    client_secret: is removed\n"), "{plan}");
    assert!(lists.applied(&list("private_key_jwt")).is_empty());
    assert_eq!(lists.named("b").get("client_secrets_sha256"), None);
    let another = lists.applied(&list("client_secret_post")).remove(0);
    assert_eq!(text(&another, "client_id"), text(&secret, "client_id"));
    assert_ne!(text(&another, "client_secret"), text(&secret, "client_secret"));
}

/// U4: of two processes that apply a list at once, each client is made by one, whose secret is valid.
#[test]
fn u4_two_at_once() {
    let lists = Lists::new();
    let server = Server::start(&lists.data.on(&[]));
    let entries: Vec<_> = (0..12).map(|n| json!({"name": format!("client-{n}"), "scope": "read"})).collect();
    let file = lists.write(&json!({"owner": "a", "clients": entries}).to_string());
    let options = lists.data.on(&["apply", &file, "--yes", "--secrets-file", "-"]);
    let processes: Vec<_> =
        (0..3).map(|_| program(&options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).collect();
    let mut made = Vec::new();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        made.extend(lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() || said.contains("nothing was overwritten"), "{said}");
    }
    assert_eq!((made.len(), lists.all().len()), (12, 12));
    for client in made {
        assert_eq!(server.token(text(&client, "client_id"), text(&client, "client_secret")).0, 200);
    }
    server.stop();
}

/// U4: what the command is asked to do with a place where there is nothing is an error, not an empty plan.
#[test]
fn u4_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.yaml");
    fs::write(&list, "owner: a\nclients: []").unwrap();
    let (list, data) = (list.to_str().unwrap(), folder.path().join("none"));
    let said = failed(&["apply", list, "--data", data.to_str().unwrap(), "--plan"], 1);
    assert!(said.starts_with("there is no tokenmint data in "), "{said}");
    let said = failed(&["apply", "/nowhere.yaml", "--plan"], 1);
    assert!(said.starts_with("cannot read /nowhere.yaml"), "{said}");
}
