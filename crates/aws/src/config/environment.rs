//! Reads the environment and collects all mistakes.

use std::collections::BTreeMap;
use std::fmt;

use super::settings::{Default, Function, Kind, SETTINGS, setting};

/// The given settings, as text. An empty setting counts as absent.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    values: BTreeMap<&'static str, String>,
    mistakes: Vec<Mistake>,
}

/// All mistakes in a configuration. `Display` writes one line for each, in the order of [`SETTINGS`].
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

    /// Sets one setting; used by tests.
    ///
    /// # Panics
    /// If a name is not one of [`SETTINGS`].
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(setting(name).name, value.into());
        self
    }

    /// Sets a setting if it is absent.
    ///
    /// # Panics
    /// If the name is not one of [`SETTINGS`].
    #[must_use]
    pub fn with_default(self, name: &str, value: impl Into<String>) -> Self {
        if self.values.contains_key(setting(name).name) { self } else { self.with(name, value) }
    }

    /// The value of a setting, if given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The names and values of the settings that a function reads, as given.
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
    /// Both configurations, or all mistakes in either. A mistake that occurs in both is reported once.
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

/// Reads the settings one by one and collects the mistakes.
pub(super) struct Reader<'e> {
    environment: &'e Environment,
    function: Function,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// The value of a setting, or its default; `None` if it is invalid.
    pub(super) fn read<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let setting = setting(name);
        debug_assert!(setting.functions.contains(&self.function), "{name} is read where the table does not say so");
        let parsed = match (self.environment.values.get(name), setting.default) {
            (Some(value), _) => parse(value),
            (None, Default::Value(default)) => parse(default),
            (None, Default::Required | Default::Derived(_)) => Err("must be set".to_owned()),
        };
        parsed.map_err(|reason| self.mistakes.push(Mistake { setting: setting.name, reason })).ok()
    }

    /// The value of a setting, if it is given and valid.
    pub(super) fn read_optional<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.environment.values.contains_key(name).then(|| self.read(name, parse)).flatten()
    }

    /// A number within the bounds of the table.
    pub(super) fn number(&mut self, name: &str) -> Option<u32> {
        self.number_if(name, |_| Ok(()))
    }

    /// A number within the bounds of the table that passes an additional check.
    pub(super) fn number_if(&mut self, name: &str, check: impl FnOnce(u32) -> Result<(), String>) -> Option<u32> {
        let (bounds, unit) = match &setting(name).kind {
            Kind::Seconds(bounds) => (bounds, " of seconds"),
            Kind::Number(bounds) => (bounds, ""),
            Kind::Text(_) | Kind::OneOf(_) => unreachable!("{name} is not a number"),
        };
        self.read(name, |text| {
            let number = text.parse().ok().filter(|number| bounds.contains(number));
            let (least, most) = (bounds.start(), bounds.end());
            let number = number.ok_or_else(|| format!("must be a whole number{unit} from {least} to {most}"))?;
            check(number).map(|()| number)
        })
    }

    /// One of the names in the table.
    pub(super) fn one_of<T>(&mut self, name: &str, from_name: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let Kind::OneOf(names) = setting(name).kind else { unreachable!("{name} is not one of a few names") };
        self.read(name, |text| from_name(text).ok_or_else(|| format!("must be {}", names.join(" or "))))
    }

    /// One of the names in the table that passes an additional check; `None` if the setting is absent.
    pub(super) fn optional_one_of<T>(
        &mut self,
        name: &str,
        from_name: impl FnOnce(&str) -> Option<T>,
        check: impl FnOnce() -> Result<(), String>,
    ) -> Option<T> {
        let Kind::OneOf(names) = setting(name).kind else { unreachable!("{name} is not one of a few names") };
        self.read_optional(name, |text| {
            let value = from_name(text).ok_or_else(|| format!("must be {}", names.join(" or ")))?;
            check().map(|()| value)
        })
    }

    /// Notes that a setting, valid by itself, contradicts another.
    pub(super) fn refuse(&mut self, name: &str, reason: String) {
        self.mistakes.push(Mistake { setting: setting(name).name, reason });
    }

    /// The result, if there was no mistake.
    pub(super) fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, ConfigErrors> {
        match build() {
            Some(config) if self.mistakes.is_empty() => Ok(config),
            _ => {
                let mut mistakes = self.mistakes;
                let place = |name| SETTINGS.iter().position(|setting| setting.name == name);
                mistakes.sort_by_key(|mistake| place(mistake.setting));
                Err(ConfigErrors(mistakes))
            }
        }
    }
}
