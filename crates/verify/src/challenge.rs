//! `WWW-Authenticate`: RFC 6750 §3, RFC 9449 §7.1 and §7.2, RFC 9728 §5.1.

use crate::refusal::Refusal;
use crate::scheme::Scheme;
use crate::settings::Settings;

/// One challenge for each scheme. Where it is clear which scheme the client used, only that one has the error (RFC
/// 9449 §7.2).
pub(crate) fn of(refusal: &Refusal, settings: &Settings) -> Vec<String> {
    let used = match refusal {
        Refusal::NoToken => &[][..],
        Refusal::Repeated => &[Scheme::Bearer, Scheme::Dpop],
        Refusal::Token(Scheme::Bearer, _) | Refusal::Scope(Scheme::Bearer, _) => &[Scheme::Bearer],
        Refusal::Token(Scheme::Dpop, _) | Refusal::Scope(Scheme::Dpop, _) | Refusal::Proof(_) => &[Scheme::Dpop],
        Refusal::Unavailable(_) => return Vec::new(),
    };
    [Scheme::Bearer, Scheme::Dpop].map(|scheme| challenge(scheme, used.contains(&scheme), refusal, settings)).into()
}

fn challenge(scheme: Scheme, has_error: bool, refusal: &Refusal, settings: &Settings) -> String {
    let mut parameters = Vec::new();
    if let Some(code) = refusal.code().filter(|_| has_error) {
        parameters.push(format!("error=\"{code}\""));
        parameters.push(format!("error_description=\"{refusal}\""));
    }
    if let Refusal::Scope(_, scope) = refusal
        && has_error
    {
        parameters.push(format!("scope=\"{}\"", scope.as_str()));
    }
    if scheme == Scheme::Dpop {
        let names: Vec<_> = settings.security_profile.algorithms().iter().map(|(name, _)| *name).collect();
        parameters.push(format!("algs=\"{}\"", names.join(" ")));
    }
    if let Some(url) = &settings.resource_metadata {
        parameters.push(format!("resource_metadata=\"{url}\""));
    }
    let name = match scheme {
        Scheme::Bearer => "Bearer",
        Scheme::Dpop => "DPoP",
    };
    if parameters.is_empty() { name.to_owned() } else { format!("{name} {}", parameters.join(", ")) }
}
