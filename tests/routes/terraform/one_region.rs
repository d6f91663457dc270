//! The template as it is in one region, which is what the module deploys: the parameters of regions have their defaults.

use serde_yaml_ng::value::TaggedValue;
use serde_yaml_ng::{Mapping, Value};

/// The parameters that the module does not have.
pub(super) const OF_REGIONS: [&str; 7] = [
    "TablePrefix",
    "ReplicaRegion",
    "SecondReplicaRegion",
    "PrimaryRegion",
    "PrimaryKeyId",
    "SecondPrimaryKeyId",
    "KeyRotation",
];

/// Removes every parameter, condition, branch, resource, output and rule of other regions.
pub(super) fn reduced(template: &Value) -> Value {
    let region = OneRegion(template);
    let mut reduced = Value::Mapping(Mapping::default());
    for (section, own) in template.as_mapping().expect("a template") {
        let mut own = own.clone();
        if let Some(entries) = own.as_mapping_mut() {
            let section = section.as_str().expect("a name");
            entries.retain(|name, entry| match section {
                "Parameters" => name.as_str().is_some_and(|name| !OF_REGIONS.contains(&name)),
                "Conditions" => match region.condition(entry) {
                    Ok(_) => false,
                    Err(rest) => {
                        *entry = rest;
                        true
                    }
                },
                "Resources" | "Outputs" => region.exists(entry),
                "Rules" => region.rule(entry),
                _ => true,
            });
            if ["Globals", "Resources", "Outputs"].contains(&section) {
                entries.values_mut().for_each(|entry| *entry = region.value(entry));
            }
        }
        reduced.as_mapping_mut().expect("a map").insert(section.clone(), own);
    }
    reduced
}

struct OneRegion<'t>(&'t Value);

impl OneRegion<'_> {
    /// What a condition is, or what is left of it.
    fn condition(&self, condition: &Value) -> Result<bool, Value> {
        let Value::Tagged(tagged) = condition else { return Err(condition.clone()) };
        let arguments = || tagged.value.as_sequence().expect("conditions").iter();
        let tag = tagged.tag.to_string();
        let left = |value| Err(Value::Tagged(Box::new(TaggedValue { tag: tagged.tag.clone(), value })));
        match tag.as_str() {
            "!Equals" => {
                let sides: Vec<_> = arguments().map(|side| self.value(side)).collect();
                if sides.iter().all(|side| matches!(side, Value::String(_))) {
                    Ok(sides[0] == sides[1])
                } else {
                    left(Value::Sequence(sides))
                }
            }
            "!Not" => match self.condition(&tagged.value[0]) {
                Ok(known) => Ok(!known),
                Err(rest) => left(Value::Sequence(vec![rest])),
            },
            "!And" | "!Or" => {
                // The value that decides, whatever the others are.
                let decisive = tag == "!Or";
                let parts: Vec<_> = arguments().map(|part| self.condition(part)).collect();
                if parts.contains(&Ok(decisive)) {
                    return Ok(decisive);
                }
                let mut rest: Vec<_> = parts.into_iter().filter_map(Result::err).collect();
                match rest.len() {
                    0 => Ok(!decisive),
                    1 => Err(rest.remove(0)),
                    _ => left(Value::Sequence(rest)),
                }
            }
            "!Condition" => self.named(tagged.value.as_str().expect("a condition")).ok_or_else(|| condition.clone()),
            _ => Err(condition.clone()),
        }
    }

    /// What the condition of this name is, if one region decides it.
    fn named(&self, name: &str) -> Option<bool> {
        self.condition(&self.0["Conditions"][name]).ok()
    }

    /// Whether one region has this entry. If it always has, its condition is removed.
    fn exists(&self, entry: &mut Value) -> bool {
        let known = entry.get("Condition").and_then(Value::as_str).and_then(|name| self.named(name));
        if known == Some(true) {
            entry.as_mapping_mut().expect("an entry").remove("Condition");
        }
        known != Some(false)
    }

    /// Whether a rule can be broken in one region.
    fn rule(&self, rule: &Value) -> bool {
        let mut assertions = rule["Assertions"].as_sequence().expect("assertions").iter();
        self.condition(&rule["RuleCondition"]) != Ok(false)
            && assertions.any(|assertion| self.condition(&assertion["Assert"]) != Ok(true))
    }

    /// A value, with the branches that are taken.
    fn value(&self, value: &Value) -> Value {
        match value {
            Value::Sequence(entries) => Value::Sequence(entries.iter().map(|entry| self.value(entry)).collect()),
            Value::Mapping(members) => {
                let members = members.iter().map(|(name, member)| (name.clone(), self.value(member)));
                Value::Mapping(members.filter(|(_, member)| !is_no_value(member)).collect())
            }
            Value::Tagged(tagged) => {
                let (tag, argument) = (tagged.tag.to_string(), &tagged.value);
                let known = || self.named(argument[0].as_str().expect("a condition"));
                match (tag.as_str(), argument.as_str()) {
                    ("!Ref", Some(name)) if OF_REGIONS.contains(&name) => {
                        return self.0["Parameters"][name]["Default"].clone();
                    }
                    ("!If", _) => {
                        if let Some(known) = known() {
                            return self.value(&argument[if known { 1 } else { 2 }]);
                        }
                    }
                    _ => {}
                }
                Value::Tagged(Box::new(TaggedValue { tag: tagged.tag.clone(), value: self.value(argument) }))
            }
            plain => plain.clone(),
        }
    }
}

/// Whether this is what a property has that is not there.
fn is_no_value(value: &Value) -> bool {
    matches!(value, Value::Tagged(tagged) if tagged.value.as_str() == Some("AWS::NoValue"))
}
