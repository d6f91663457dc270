//! Reading the environment without stopping at the first mistake.

use std::collections::BTreeMap;
use std::fmt;

use super::settings::{Default, Function, SETTINGS};

/// The settings that are given, as text. Empty ones count as not given.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    values: BTreeMap<&'static str, String>,
    mistakes: Vec<Mistake>,
}

/// Everything that is wrong with a configuration. Its `Display` has a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Mistake>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mistake {
    setting: &'static str,
    reason: String,
}

impl Environment {
    /// The settings among the process's environment variables.
    pub fn from_process() -> Self {
        let mut environment = Self::default();
        for setting in SETTINGS {
            match std::env::var(setting.name) {
                Ok(value) => environment.set(setting.name, value),
                Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => {
                    environment.mistakes.push(Mistake { setting: setting.name, reason: "is not UTF-8".to_owned() });
                }
            }
        }
        environment
    }

    /// Settings given one by one, as the tests do.
    ///
    /// # Panics
    /// If a name is not one of [`SETTINGS`].
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(known(name), value.into());
        self
    }

    /// Gives a setting a value where it has none.
    ///
    /// # Panics
    /// If the name is not one of [`SETTINGS`].
    #[must_use]
    pub fn with_default(self, name: &str, value: impl Into<String>) -> Self {
        if self.values.contains_key(known(name)) { self } else { self.with(name, value) }
    }

    /// The value of a setting, if it is given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The names and values of what a function reads, as given.
    pub fn of(&self, function: Function) -> impl Iterator<Item = (&'static str, &str)> {
        let read = SETTINGS.iter().filter(move |setting| setting.functions.contains(&function));
        read.filter_map(|setting| Some((setting.name, self.value(setting.name)?)))
    }

    fn set(&mut self, name: &'static str, value: String) {
        if value.is_empty() {
            self.values.remove(name);
        } else {
            self.values.insert(name, value);
        }
    }

    pub(super) fn reader(&self, function: Function) -> Reader<'_> {
        Reader { environment: self, function, mistakes: self.mistakes.clone() }
    }
}

fn known(name: &str) -> &'static str {
    SETTINGS.iter().map(|setting| setting.name).find(|known| *known == name).expect("a setting of the table")
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Mistake { setting, reason }) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{setting}: {reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl ConfigErrors {
    /// Two configurations, or every mistake in either of them. A mistake that both have is there once.
    ///
    /// # Errors
    /// All mistakes.
    pub fn both<A, B>(a: Result<A, Self>, b: Result<B, Self>) -> Result<(A, B), Self> {
        match (a, b) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
            (Err(Self(mut mistakes)), Err(Self(others))) => {
                for mistake in others {
                    if !mistakes.contains(&mistake) {
                        mistakes.push(mistake);
                    }
                }
                Err(Self(mistakes))
            }
        }
    }
}

/// Reads one setting after the other and collects what is wrong.
pub(super) struct Reader<'e> {
    environment: &'e Environment,
    function: Function,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// The value of a setting, or its default; `None` if there is a mistake.
    pub(super) fn read<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let setting = SETTINGS.iter().find(|setting| setting.name == name).expect("a setting of the table");
        debug_assert!(setting.functions.contains(&self.function), "{name} is read where the table does not say so");
        let parsed = match (self.environment.values.get(name), setting.default) {
            (Some(value), _) => parse(value),
            (None, Default::Value(default)) => parse(default),
            (None, Default::Required | Default::Derived(_)) => Err("must be set".to_owned()),
        };
        parsed.map_err(|reason| self.mistakes.push(Mistake { setting: setting.name, reason })).ok()
    }

    /// The value of a setting, if it is given and there is no mistake.
    pub(super) fn read_optional<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.environment.values.contains_key(name).then(|| self.read(name, parse)).flatten()
    }

    /// What was read, if there was no mistake.
    pub(super) fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, ConfigErrors> {
        match build() {
            Some(config) if self.mistakes.is_empty() => Ok(config),
            _ => Err(ConfigErrors(self.mistakes)),
        }
    }
}
