//! Texts of AWS errors for the operator: one line each, with the remedy.

use std::path::Path;

use tokenmint_aws::{AccountError, Reason, Unavailable};

use crate::cli::{Holds, Table};
use crate::text::{cell, visible};

/// The maximum width of a quoted AWS message, in columns.
const WORDS: usize = 300;

/// The remedy if AWS's settings do not select an account.
pub(super) const fn setup(error: &AccountError) -> &'static str {
    match error {
        AccountError::NoRegion | AccountError::Region(_) => {
            "set AWS_REGION, for example AWS_REGION=eu-central-1, or set AWS_PROFILE to a profile with a region"
        }
        AccountError::NoCredentials { .. } => {
            "set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; after `aws sso login`, run \
             `eval \"$(aws configure export-credentials --format env)\"`"
        }
        AccountError::Credentials(_) => {
            "check AWS_PROFILE and its configuration, or run `eval \"$(aws configure export-credentials --format env)\"`"
        }
    }
}

/// A call on a table of a deployed server.
pub(super) fn table(error: &Unavailable, table: &Table, region: &str) -> String {
    let Table { name, holds } = table;
    let (call, option) = (error.call(), holds.option());
    match error.reason() {
        Reason::Rejected(why) => format!(
            "AWS rejects the credentials: {}; sign in again, or check AWS_PROFILE, AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY",
            words(why)
        ),
        Reason::Denied(why) => {
            format!("the credentials do not allow {call} on the table {name}: {}; extend their IAM policy", words(why))
        }
        Reason::NoTable => format!(
            "there is no table {name} in the region {region} of this AWS account; check {option}, AWS_REGION and \
             AWS_PROFILE"
        ),
        Reason::Shape(why) => {
            let (what, key) = match holds {
                Holds::Clients => ("clients", tokenmint_aws::clients::KEY),
                Holds::Registrations => ("registrations", tokenmint_aws::registrations::KEY),
            };
            format!(
                "{name} is not a table of {what}, whose partition key is the string {key}; check {option} ({call}: {})",
                words(why)
            )
        }
        Reason::Unreachable(why) => format!(
            "DynamoDB cannot be reached in the region {region}: {}; check AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB and \
             the network",
            words(why)
        ),
        Reason::Other(why) => format!("cannot use the table {name}: {call}: {}", words(why)),
    }
}

/// A call on the local data, for which AWS's settings are irrelevant.
pub(super) fn folder(error: &Unavailable, folder: &Path) -> String {
    let why = match error.reason() {
        Reason::NoTable => "there is no such table",
        Reason::Rejected(why)
        | Reason::Denied(why)
        | Reason::Shape(why)
        | Reason::Unreachable(why)
        | Reason::Other(why) => why,
    };
    format!("cannot use the data in {}: {}: {}", folder.display(), error.call(), words(why))
}

/// Text from another party, on one line of limited width.
fn words(text: &str) -> String {
    cell(visible(text).trim_end_matches('.'), WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_fits_a_line() {
        assert_eq!(words("The token\nhas expired."), "The token\u{fffd}has expired");
        assert_eq!(words(&"x".repeat(10_000)).chars().count(), WORDS);
        assert_eq!(words(""), "-");
    }

    #[test]
    fn what_is_missing_is_named_with_its_variable() {
        assert!(setup(&AccountError::NoRegion).contains("AWS_REGION=eu-central-1"));
        assert!(setup(&AccountError::NoCredentials { profile: None }).contains("AWS_ACCESS_KEY_ID"));
        assert!(setup(&AccountError::Credentials("x".to_owned())).contains("AWS_PROFILE"));
    }
}
