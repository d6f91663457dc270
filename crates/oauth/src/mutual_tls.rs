//! Mutual TLS: RFC 8705. At which domain clients show certificates, and how they authenticate with them.

use crate::issuer::Issuer;
use crate::method::CertificateMethod;

/// Whether clients can show certificates, at which domain, and how they authenticate with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MutualTls {
    /// Clients cannot show certificates.
    Off,
    /// Clients can show certificates.
    On {
        /// Where.
        domain: Domain,
        /// How clients authenticate with certificates.
        method: CertificateMethod,
    },
}

/// The domain at which clients can show certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The issuer's own.
    OfIssuer,
    /// Another origin (§5): on a domain with mutual TLS, API Gateway refuses requests without a certificate.
    Other(Issuer),
}

impl MutualTls {
    /// Whether clients can show certificates.
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    /// The method by which clients authenticate with certificates, if they can show any.
    pub const fn method(&self) -> Option<CertificateMethod> {
        match self {
            Self::Off => None,
            Self::On { method, .. } => Some(*method),
        }
    }

    /// The host at which clients can show certificates. A request that came by way of another domain, which has
    /// another trust store or none, has no certificate.
    pub fn host<'a>(&'a self, issuer: &'a Issuer) -> Option<&'a str> {
        match self {
            Self::Off => None,
            Self::On { domain: Domain::OfIssuer, .. } => Some(issuer.host()),
            Self::On { domain: Domain::Other(origin), .. } => Some(origin.host()),
        }
    }

    /// All URLs of an endpoint: that of the issuer, and that with mutual TLS where it is another one.
    pub fn urls(&self, issuer: &Issuer, path: &str) -> Vec<String> {
        std::iter::once(issuer).chain(self.alias(issuer)).map(|origin| origin.url(path)).collect()
    }

    /// The origin with mutual TLS, if it is not the issuer's.
    pub(crate) fn alias(&self, issuer: &Issuer) -> Option<&Issuer> {
        match self {
            Self::On { domain: Domain::Other(origin), .. } if origin != issuer => Some(origin),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A7, D1: whether there is mutual TLS, by which method, and under which URLs.
    #[test]
    fn a7_d1_urls_with_mutual_tls() {
        let parse = |text| Issuer::parse(text).expect(text);
        let (issuer, other) = (parse("https://as.example"), parse("https://mtls.as.example"));
        let own_url = "https://as.example/token";
        assert_eq!(
            (MutualTls::Off.is_on(), MutualTls::Off.method(), MutualTls::Off.alias(&issuer)),
            (false, None, None)
        );
        assert_eq!(MutualTls::Off.urls(&issuer, "/token"), [own_url]);
        for method in CertificateMethod::ALL {
            let on = |domain| MutualTls::On { domain, method };
            for own in [on(Domain::OfIssuer), on(Domain::Other(issuer.clone()))] {
                assert_eq!((own.is_on(), own.method(), own.alias(&issuer)), (true, Some(method), None));
                assert_eq!(own.urls(&issuer, "/token"), [own_url]);
            }
            let another = on(Domain::Other(other.clone()));
            assert_eq!((another.is_on(), another.method(), another.alias(&issuer)), (true, Some(method), Some(&other)));
            let urls = [own_url, "https://mtls.as.example/token"];
            assert_eq!(another.urls(&issuer, "/token"), urls);
        }
    }

    /// A7: the host of the domain, without its port.
    #[test]
    fn a7_host_of_the_domain() {
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        let on = |domain| MutualTls::On { domain, method: CertificateMethod::default() };
        assert_eq!(MutualTls::Off.host(&issuer), None);
        assert_eq!(on(Domain::OfIssuer).host(&issuer), Some("as.example"));
        for (origin, host) in [
            ("https://mtls.as.example", "mtls.as.example"),
            ("https://mtls.as.example:8443", "mtls.as.example"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("https://[2001:db8::1]:8443", "[2001:db8::1]"),
        ] {
            let other = on(Domain::Other(Issuer::parse(origin).expect(origin)));
            assert_eq!(other.host(&issuer), Some(host), "{origin}");
        }
    }
}
