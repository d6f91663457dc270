//! The decision about a token: RFC 9068 §4.

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::access_token::TYPE;
use tokenmint_oauth::jose::PublicKeys;
use tokenmint_oauth::scope::Scope;

use crate::access_token::{self, AccessToken};
use crate::binding;
use crate::challenge;
use crate::presented::Presented;
use crate::refusal::{ProofRefusal, Refusal, TokenRefusal, Unavailable};
use crate::replays::{Replays, Used};
use crate::request::Request;
use crate::settings::{Settings, SettingsError};

/// Decides about tokens. It does no I/O and reads no clock.
#[derive(Clone, Debug)]
pub struct Verifier {
    settings: Settings,
}

impl Verifier {
    /// A verifier with these settings.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self { settings })
    }

    /// Reads the token of a request, and refuses what no key could make valid. Nothing of it is proven yet.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn present<'a>(&self, request: Request<'a>, now: EpochSeconds) -> Result<Presented<'a>, Refusal> {
        let presented = Presented::read(request)?;
        self.check_header(&presented).map_err(|refusal| presented.refused(refusal))?;
        let claims = presented.token.unverified_claims().map_err(|error| presented.refused(error.into()))?;
        access_token::check(&claims, &self.settings, now).map_err(|refusal| presented.refused(refusal))?;
        Ok(presented)
    }

    /// Verifies a token with the issuer's keys, that its sender holds what it is bound to, and that it has this scope. A
    /// `DPoP` proof is used up only if everything else is valid.
    ///
    /// # Errors
    /// [`Refusal`]; if [newer keys could change it](Refusal::is_about_the_keys), fetch them and try once more.
    pub fn verify(
        &self,
        presented: &Presented<'_>,
        keys: &PublicKeys,
        scope: &Scope,
        replays: &Replays,
        now: EpochSeconds,
    ) -> Result<AccessToken, Refusal> {
        let refused = |refusal| presented.refused(refusal);
        let claims = presented.token.verify(keys).map_err(|error| refused(error.into()))?;
        access_token::check(&claims, &self.settings, now).map_err(refused)?;
        let unused = binding::check(presented, claims.get("cnf"), &self.settings, now)?;
        let token = AccessToken::of(claims, presented.scheme).map_err(refused)?;
        token.require(scope)?;
        if let Some(proof) = unused {
            replays.use_up(proof.hash, proof.expires_at, now).map_err(|used| match used {
                Used::Before => Refusal::Proof(ProofRefusal::Replayed),
                Used::Full => Refusal::Unavailable(Unavailable::Proofs),
            })?;
        }
        Ok(token)
    }

    /// The values of the `WWW-Authenticate` headers for a refusal, one for each scheme; none for 503.
    pub fn challenges(&self, refusal: &Refusal) -> Vec<String> {
        challenge::of(refusal, &self.settings)
    }

    /// `typ` of an access token (RFC 9068 §4), an allowed algorithm, and the name of a key.
    fn check_header(&self, presented: &Presented<'_>) -> Result<(), TokenRefusal> {
        let typ = presented.token.header("typ").ok_or(TokenRefusal::Type)?;
        // A media type, whose prefix may be left out (RFC 7515 §4.1.9).
        let short = match typ.split_at_checked("application/".len()) {
            Some((prefix, short)) if prefix.eq_ignore_ascii_case("application/") => short,
            _ => typ,
        };
        if !short.eq_ignore_ascii_case(TYPE) {
            return Err(TokenRefusal::Type);
        }
        if !self.settings.allows(presented.token.algorithm()) {
            return Err(TokenRefusal::Algorithm);
        }
        // Tokenmint names the key of each token; without a name any key would do.
        presented.token.header("kid").map(drop).ok_or(TokenRefusal::UnknownKey)
    }
}

#[cfg(test)]
mod tests;
