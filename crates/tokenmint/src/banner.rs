//! What `serve` says when it is ready: where it is, and lines to paste.

use tokenmint_embedded::Storage;

/// The text, for a terminal of 80 to 100 columns. The lines under "Try it" work in every shell of the Bourne family,
/// and need nothing but curl and sed.
pub(crate) fn banner(url: &str, storage: &Storage) -> String {
    let kept = match storage {
        Storage::Memory => "Nothing is kept: clients and keys end with it.".to_owned(),
        Storage::Folder(folder) => format!("Clients and keys are kept in {}.", folder.display()),
    };
    format!(
        r#"
tokenmint serves {url}. Ctrl-C stops it.
{kept}

  POST /register                                register a client
  POST /token                                   get an access token
  GET  /.well-known/jwks.json                   the keys that verify it
  GET  /.well-known/oauth-authorization-server  what this server can do

Try it: register a client, get a token with its credentials, look at the keys.

client=$(curl -s {url}/register -H 'Content-Type: application/json' -d '{{
  "client_name": "Sample Client", "client_uri": "", "scope": "strong client-scope",
  "token_endpoint_auth_method": "client_secret_basic", "redirect_uris": [ "" ],
  "response_types": [ "code" ], "grant_types": [ "authorization_code", "refresh_token" ],
  "contacts": [ "Peter Sample" ] }}')
id=$(printf %s "$client" | sed 's/.*"client_id": *"\([^"]*\)".*/\1/')
secret=$(printf %s "$client" | sed 's/.*"client_secret": *"\([^"]*\)".*/\1/')
curl -s -u "$id:$secret" {url}/token \
  -d 'grant_type=client_credentials&scope=client-scope'; echo

curl -s {url}/.well-known/jwks.json; echo

"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> String {
        banner("http://127.0.0.1:9000", &Storage::Folder(".tokenmint".into()))
    }

    #[test]
    fn it_fits_a_terminal() {
        for line in sample().lines() {
            assert!(line.len() <= 90, "{line}");
        }
    }

    #[test]
    fn it_registers_what_the_seed_registers() {
        let text = sample();
        let (_, after) = text.split_once("-d '{").expect("the body begins");
        let (body, _) = after.split_once("}')").expect("the body ends");
        let words: Vec<&str> = body.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            r#""client_name": "Sample Client", "client_uri": "", "scope": "strong client-scope", "token_endpoint_auth_method": "client_secret_basic", "redirect_uris": [ "" ], "response_types": [ "code" ], "grant_types": [ "authorization_code", "refresh_token" ], "contacts": [ "Peter Sample" ]"#
        );
    }

    #[test]
    fn it_says_what_is_kept() {
        assert!(sample().contains("Clients and keys are kept in .tokenmint"));
        assert!(banner("http://127.0.0.1:9000", &Storage::Memory).contains("Nothing is kept"));
    }
}
