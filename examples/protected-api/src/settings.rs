//! The settings, from the environment.

use std::collections::BTreeMap;

use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jose;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::security_profile::SecurityProfile;
use tokenmint_verify::{ClientCredentials, ResourceServer, Settings};

use crate::gate::Gate;

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingsError {
    name: &'static str,
    problem: String,
}

fn wrong(name: &'static str, problem: impl Into<String>) -> SettingsError {
    SettingsError { name, problem: problem.into() }
}

impl Gate {
    /// Reads the settings; `value` gives the value of a variable. The table is in the README.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn from_environment(value: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let optional = |name: &'static str| value(name).filter(|value| !value.is_empty());
        let required = |name: &'static str| optional(name).ok_or_else(|| wrong(name, "is required"));
        let issuer = Issuer::parse(&required("ISSUER")?).map_err(|error| wrong("ISSUER", error.to_string()))?;

        let mut settings = Settings::new(issuer, required("AUDIENCE")?);
        if let Some(names) = optional("ALGORITHMS") {
            let known = |name| jose::algorithm(name).ok_or_else(|| wrong("ALGORITHMS", "has an unknown algorithm"));
            settings.algorithms = names.split(',').map(str::trim).map(known).collect::<Result<_, _>>()?;
        }
        settings.require_bound = match optional("REQUIRE_BOUND").as_deref() {
            None | Some("off") => false,
            Some("on") => true,
            Some(_) => return Err(wrong("REQUIRE_BOUND", "must be on or off")),
        };
        settings.security_profile = match optional("SECURITY_PROFILE").as_deref() {
            None | Some("none") => SecurityProfile::None,
            Some("fapi2") => SecurityProfile::Fapi2,
            Some(_) => return Err(wrong("SECURITY_PROFILE", "must be none or fapi2")),
        };
        settings.resource_metadata = optional("RESOURCE_METADATA");
        let credentials = match (optional("INTROSPECTION_CLIENT_ID"), optional("INTROSPECTION_CLIENT_SECRET")) {
            (None, None) => None,
            (Some(id), Some(secret)) => Some(ClientCredentials::new(&id, &secret)),
            _ => return Err(wrong("INTROSPECTION_CLIENT_ID", "needs INTROSPECTION_CLIENT_SECRET, and vice versa")),
        };
        let server =
            ResourceServer::new(settings, credentials).map_err(|error| wrong("the settings:", error.to_string()))?;

        let origins = optional("ORIGINS").unwrap_or_default();
        let origins = origins.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let origin = |text| Issuer::parse(text).map(|origin| origin.as_str().to_owned());
        let origins = origins.map(|text| origin(text).map_err(|error| wrong("ORIGINS", error.to_string())));
        Ok(Self::new(server, routes(&required("ROUTES")?)?, origins.collect::<Result<_, _>>()?))
    }
}

/// The scope of each route.
fn routes(text: &str) -> Result<BTreeMap<String, Scope>, SettingsError> {
    let table: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|_| wrong("ROUTES", "must be a JSON object of routes and scopes: {\"GET /items\": \"read\"}"))?;
    let entries = table.into_iter().map(|(route, scope)| {
        let scope = Scope::parse(&scope).map_err(|error| wrong("ROUTES", format!("{route:?}: {error}")))?;
        Ok((route, scope))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<(), String> {
        let value = |name: &str| {
            let given = changes.iter().find(|(setting, _)| *setting == name).map(|(_, value)| *value);
            let default = match name {
                "ISSUER" => Some("https://as.example"),
                "AUDIENCE" => Some("https://api.example"),
                "ROUTES" => Some(r#"{"GET /items":"read"}"#),
                _ => None,
            };
            given.or(default).map(str::to_owned)
        };
        Gate::from_environment(value).map(drop).map_err(|error| error.to_string())
    }

    /// V1: a setting that is missing or wrong stops the start, by name.
    #[test]
    fn v1_settings_of_the_example() {
        assert_eq!(read(&[]), Ok(()));
        assert_eq!(read(&[("ORIGINS", "https://api.example, http://localhost:9100"), ("ALGORITHMS", "RS256")]), Ok(()));
        assert_eq!(read(&[("INTROSPECTION_CLIENT_ID", "a"), ("INTROSPECTION_CLIENT_SECRET", "b")]), Ok(()));
        for (name, value) in [
            ("ISSUER", ""),
            ("ISSUER", "https://as.example/"),
            ("AUDIENCE", ""),
            ("ROUTES", ""),
            ("ROUTES", "[]"),
            ("ROUTES", r#"{"GET /items":"read  write"}"#),
            ("ORIGINS", "https://api.example/"),
            ("ALGORITHMS", "HS256"),
            ("ALGORITHMS", "none"),
            ("REQUIRE_BOUND", "yes"),
            ("SECURITY_PROFILE", "fapi"),
            ("INTROSPECTION_CLIENT_ID", "a"),
        ] {
            let error = read(&[(name, value)]).expect_err(value);
            assert!(error.starts_with(name), "{error}");
        }
        assert_eq!(read(&[("SECURITY_PROFILE", "fapi2")]), Ok(()));
        read(&[("SECURITY_PROFILE", "fapi2"), ("ALGORITHMS", "RS256")]).expect_err("no algorithm of the profile");
        read(&[("RESOURCE_METADATA", "x")]).expect_err("no URL");
    }
}
