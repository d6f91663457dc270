//! The text that `serve` prints when it is ready: its URL, and shell lines that fit its settings.

use std::env;
use std::path::{Path, PathBuf, absolute};

use tokenmint_aws::config::{RegisterConfig, Registration};
use tokenmint_embedded::{REGION, Storage};
use tokenmint_oauth::grant::GrantPolicy;
use tokenmint_oauth::scope::Scope;
use url::form_urlencoded::byte_serialize;

use crate::text::{quoted, word};

/// The scope of the sample, if it is offered.
const SAMPLE_SCOPE: &str = "client-scope";

/// How many of the offered scopes the sample requests otherwise.
const SCOPES: usize = 2;

/// The body of a registration by a client that also uses other grants at other servers. It requests one scope more
/// than it gets, and may use `client_credentials` only because `GRANT_POLICY=server` allows it for every client.
const SAMPLE_CLIENT: &str = r#"
  "client_name": "Sample Client", "client_uri": "", "scope": "strong client-scope",
  "token_endpoint_auth_method": "client_secret_basic", "redirect_uris": [ "" ],
  "response_types": [ "code" ], "grant_types": [ "authorization_code", "refresh_token" ],
  "contacts": [ "Peter Sample" ] "#;

/// The values on which the sample depends.
pub(crate) struct Sample {
    /// The server's URL, without a trailing slash.
    pub(crate) url: String,
    /// The endpoint of its DynamoDB.
    pub(crate) dynamodb_url: String,
    /// The program, quoted as one shell word.
    pub(crate) program: String,
    /// Where the data is stored.
    pub(crate) storage: Storage,
    /// The settings of registration.
    pub(crate) register: RegisterConfig,
    /// Who may use `client_credentials`.
    pub(crate) grant_policy: GrantPolicy,
}

/// This program as one shell word: its bare name if it was called by that name, so that any terminal finds it.
pub(crate) fn program() -> String {
    let called = env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let is_bare = called.components().count() == 1 && !called.as_os_str().is_empty();
    let found = if is_bare { called } else { env::current_exe().unwrap_or(called) };
    word(&found.to_string_lossy())
}

impl Sample {
    /// The text, for a terminal of 80 to 100 columns. The lines work in every Bourne-like shell and need only curl
    /// and sed. If no client was created, they print the response.
    pub(crate) fn banner(&self) -> String {
        let Self { url, storage, .. } = self;
        let kept = match storage {
            Storage::Memory => "Clients and keys are kept in memory only.".to_owned(),
            Storage::Folder(folder) => format!("Clients and keys are kept in {}.", folder.display()),
        };
        let (register, first) = match self.register.registration {
            Registration::Open => {
                ("  POST /register                                register a client\n", "register a client")
            }
            Registration::Protected => (
                "  POST /register                                register a client, with an initial access token\n",
                "create an initial access token, register a client with it",
            ),
            Registration::Disabled => ("", "create a client"),
        };
        let (client, scope) = (self.client(), self.scope());
        let form: String = byte_serialize(scope.as_str().as_bytes()).collect();
        let form = if form.is_empty() { form } else { format!("&scope={form}") };
        format!(
            r#"
tokenmint is running at {url}. Press Ctrl-C to stop it.
{kept}

{register}  POST /token                                   get an access token
  GET  /.well-known/jwks.json                   the keys that verify it
  GET  /.well-known/oauth-authorization-server  what this server supports
  GET  /docs                                    all of this as a page, for a browser

Try it: {first}, get a token, look at the keys.

{client}
id=$(printf %s "$client" | sed -n 's/.*"client_id": *"\([^"]*\)".*/\1/p')
secret=$(printf %s "$client" | sed -n 's/.*"client_secret": *"\([^"]*\)".*/\1/p')
if [ -n "$id" ]; then curl -sS -u "$id:$secret" {url}/token \
  -d 'grant_type=client_credentials{form}'; echo
else printf 'No client was created: %s\n' "$client"; fi

curl -sS {url}/.well-known/jwks.json; echo

"#
        )
    }

    /// The lines that create a client and store the response in `$client`.
    fn client(&self) -> String {
        let (url, body) = (&self.url, self.body());
        match self.register.registration {
            Registration::Open => {
                format!("client=$(curl -sS {url}/register -H 'Content-Type: application/json' -d {body})")
            }
            Registration::Protected => {
                let command =
                    self.command("registration-token", "--registrations-table", &self.register.registrations_table);
                let scope = quoted(self.scope().as_str());
                format!(
                    "token=$({command} \\\n  create --uses 1 --expires-in 1h --scope={scope} --json |\n  \
                     sed -n 's/.*\"initial_access_token\": *\"\\([^\"]*\\)\".*/\\1/p')\n\
                     client=$(curl -sS {url}/register -H \"Authorization: Bearer $token\" \\\n  \
                     -H 'Content-Type: application/json' -d {body})"
                )
            }
            Registration::Disabled => {
                let command = self.command("client", "--table", &self.register.clients_table);
                let scope = quoted(self.scope().as_str());
                format!("client=$({command} \\\n  create --name 'Sample Client' --scope={scope} --json)")
            }
        }
    }

    /// An operator's command on this server's data. Data in memory is reached like a deployed table.
    fn command(&self, command: &str, option: &str, table: &str) -> String {
        let Self { program, dynamodb_url, .. } = self;
        match &self.storage {
            Storage::Folder(folder) => format!("{program} {command} --data {}", word(&shown(folder))),
            Storage::Memory => format!(
                "AWS_ENDPOINT_URL_DYNAMODB={dynamodb_url} AWS_REGION={REGION} \\\n  \
                 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \\\n  {program} {command} {option} {table}"
            ),
        }
    }

    /// The metadata of the client, quoted as one shell word.
    fn body(&self) -> String {
        if self.is_usual() {
            return quoted(&format!("{{{SAMPLE_CLIENT}}}"));
        }
        // A scope contains no character that JSON would escape (RFC 6749 §3.3).
        let scope = self.scope();
        let scope = if scope.is_empty() { String::new() } else { format!(r#", "scope": "{scope}""#) };
        quoted(&format!("{{\n  \"client_name\": \"Sample Client\"{scope} }}"))
    }

    fn is_usual(&self) -> bool {
        self.grant_policy == GrantPolicy::Server && self.register.scopes.contains(SAMPLE_SCOPE)
    }

    /// The scope of the token request, all of which the client gets.
    fn scope(&self) -> Scope {
        if self.is_usual() {
            std::iter::once(SAMPLE_SCOPE).collect()
        } else {
            self.register.scopes.tokens().take(SCOPES).collect()
        }
    }
}

/// The folder as an absolute path, for a terminal in another folder.
fn shown(folder: &Path) -> String {
    absolute(folder).unwrap_or_else(|_| folder.to_owned()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use tokenmint_aws::config::Environment;

    use super::*;
    use crate::local::{ISSUER, Settings};

    fn sample(settings: &[(&str, &str)], storage: Storage) -> Sample {
        let environment = settings.iter().fold(Environment::default(), |all, (name, value)| all.with(name, *value));
        let settings = Settings::read(environment, ISSUER).map_err(|error| error.to_string()).expect("good settings");
        Sample {
            url: "http://127.0.0.1:9000".to_owned(),
            dynamodb_url: "http://127.0.0.1:40001".to_owned(),
            program: "tokenmint".to_owned(),
            storage,
            register: settings.register,
            grant_policy: settings.token.grant_policy,
        }
    }

    fn folder() -> Storage {
        Storage::Folder("/home/me/.tokenmint".into())
    }

    #[test]
    fn it_fits_a_terminal() {
        for registration in ["open", "protected", "disabled"] {
            for storage in [folder(), Storage::Memory] {
                let banner = sample(&[("REGISTRATION", registration)], storage).banner();
                for line in banner.lines() {
                    assert!(line.len() <= 100, "{line}");
                }
            }
        }
    }

    #[test]
    fn it_registers_what_the_seed_registers() {
        let text = sample(&[], folder()).banner();
        let (_, after) = text.split_once("-d '{").expect("the body begins");
        let (body, _) = after.split_once("}')").expect("the body ends");
        let words: Vec<&str> = body.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            r#""client_name": "Sample Client", "client_uri": "", "scope": "strong client-scope", "token_endpoint_auth_method": "client_secret_basic", "redirect_uris": [ "" ], "response_types": [ "code" ], "grant_types": [ "authorization_code", "refresh_token" ], "contacts": [ "Peter Sample" ]"#
        );
        assert!(text.contains("-d 'grant_type=client_credentials&scope=client-scope'"), "{text}");
    }

    #[test]
    fn it_asks_for_what_is_offered() {
        let text = sample(&[("SCOPES", "it's a&b c")], folder()).banner();
        assert!(text.contains(r#""scope": "it'\''s a&b" }')"#), "{text}");
        assert!(text.contains("-d 'grant_type=client_credentials&scope=it%27s+a%26b'"), "{text}");
        let text = sample(&[("GRANT_POLICY", "registered")], folder()).banner();
        assert!(!text.contains("authorization_code") && text.contains(r#""scope": "client-scope" }')"#), "{text}");
    }

    #[test]
    fn it_creates_what_registration_does_not() {
        let text = sample(&[("REGISTRATION", "protected")], folder()).banner();
        assert!(text.contains("tokenmint registration-token --data /home/me/.tokenmint \\\n"), "{text}");
        let text = sample(&[("REGISTRATION", "disabled")], folder()).banner();
        assert!(text.contains("client=$(tokenmint client --data /home/me/.tokenmint \\\n"), "{text}");
        assert!(!text.contains("/register"), "{text}");
        let text = sample(&[("REGISTRATION", "disabled")], Storage::Memory).banner();
        assert!(text.contains("AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:40001 "), "{text}");
        assert!(text.contains("tokenmint client --table tokenmint-clients \\\n"), "{text}");
    }

    #[test]
    fn it_says_what_is_kept() {
        assert!(sample(&[], folder()).banner().contains("Clients and keys are kept in /home/me/.tokenmint."));
        assert!(sample(&[], Storage::Memory).banner().contains("kept in memory only"));
    }
}
