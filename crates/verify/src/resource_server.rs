//! A resource server: decides about requests, and fetches what it needs for that.

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::scope::Scope;

use crate::access_token::AccessToken;
use crate::issuer_documents::{ClientCredentials, IssuerDocuments};
use crate::refusal::{Refusal, TokenRefusal};
use crate::replays::Replays;
use crate::request::Request;
use crate::settings::{Settings, SettingsError};
use crate::verifier::Verifier;

/// A resource server. Make one per process: it caches keys, and remembers proofs.
#[derive(Debug)]
pub struct ResourceServer {
    verifier: Verifier,
    issuer: IssuerDocuments,
    replays: Replays,
    introspects_as: Option<ClientCredentials>,
}

impl ResourceServer {
    /// A resource server with these settings. With credentials, it asks the issuer about each token whether it was
    /// revoked.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(settings: Settings, introspects_as: Option<ClientCredentials>) -> Result<Self, SettingsError> {
        let issuer = IssuerDocuments::new(settings.issuer.clone());
        Ok(Self { verifier: Verifier::new(settings)?, issuer, replays: Replays::default(), introspects_as })
    }

    /// Decides whether a request may do what needs this scope. The issuer is asked last about a token, so a `DPoP` proof
    /// that was used before causes no request; one that is sent with a revoked token is used up.
    ///
    /// # Errors
    /// [`Refusal`]. A token that cannot be verified is never accepted.
    pub async fn authorize(
        &self,
        request: Request<'_>,
        scope: &Scope,
        now: EpochSeconds,
    ) -> Result<AccessToken, Refusal> {
        let presented = self.verifier.present(request, now)?;
        let keys = self.issuer.keys(now).await.map_err(Refusal::Unavailable)?;
        let mut verified = self.verifier.verify(&presented, &keys, scope, &self.replays, now);
        if verified.as_ref().is_err_and(Refusal::is_about_the_keys)
            && let Some(newer) = self.issuer.newer_keys(&keys, now).await
        {
            verified = self.verifier.verify(&presented, &newer, scope, &self.replays, now);
        }
        let token = verified?;
        if let Some(credentials) = &self.introspects_as {
            let active = self.issuer.is_active(presented.text, credentials, now).await.map_err(Refusal::Unavailable)?;
            if !active {
                return Err(presented.refused(TokenRefusal::Revoked));
            }
        }
        Ok(token)
    }

    /// The values of the `WWW-Authenticate` headers for a refusal, one for each scheme; none for 503.
    pub fn challenges(&self, refusal: &Refusal) -> Vec<String> {
        self.verifier.challenges(refusal)
    }
}
