# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

variable "name" {
  description = "The name of the deployment, with which the names of its resources begin."
  type        = string
  nullable    = false
  default     = "tokenmint"
}

variable "register_zip" {
  description = "The zip file of the register function, made by cargo lambda build --output-format zip."
  type        = string
  nullable    = false
}

variable "token_zip" {
  description = "The zip file of the token function."
  type        = string
  nullable    = false
}

variable "registration" {
  description = "Who may register a client. open = anyone who reaches the API; protected = anyone with an initial access token; disabled = nobody. There is no default."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["open", "protected", "disabled"], var.registration)
    error_message = "registration must be one of the allowed values."
  }
}

variable "registration_rate" {
  description = "For open registration, registrations per minute from one address; 0 = no limit."
  type        = number
  nullable    = false
  default     = 20

  validation {
    condition     = var.registration_rate >= 0
    error_message = "registration_rate must be at least 0."
  }

  validation {
    condition     = var.registration_rate <= 3000
    error_message = "registration_rate must be at most 3000."
  }
}

variable "registration_rate_total" {
  description = "The same from all addresses together; may be 0 (no limit) only if RegistrationRate is 0."
  type        = number
  nullable    = false
  default     = 300

  validation {
    condition     = var.registration_rate_total >= 0
    error_message = "registration_rate_total must be at least 0."
  }

  validation {
    condition     = var.registration_rate_total <= 3000
    error_message = "registration_rate_total must be at most 3000."
  }
}

variable "software_statement_issuers" {
  description = "Trusted issuers of software statements, a JSON array of objects with issuer and jwks. Empty = none. Lambda allows 4 KB for all variables of a function together."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.software_statement_issuers) <= 3000
    error_message = "software_statement_issuers must have at most 3000 characters."
  }
}

variable "registration_status" {
  description = "HTTP status of a successful registration. 201 follows RFC 7591; 200 is for clients that require it."
  type        = string
  nullable    = false
  default     = "201"

  validation {
    condition     = contains(["201", "200"], var.registration_status)
    error_message = "registration_status must be one of the allowed values."
  }
}

variable "client_secret_ttl" {
  description = "Lifetime of a client secret in seconds, at most ten years; 0 = it never expires."
  type        = number
  nullable    = false
  default     = 0

  validation {
    condition     = var.client_secret_ttl >= 0
    error_message = "client_secret_ttl must be at least 0."
  }

  validation {
    condition     = var.client_secret_ttl <= 315360000
    error_message = "client_secret_ttl must be at most 315360000."
  }
}

variable "client_secret_overlap" {
  description = "Seconds for which the previous secret remains valid after a rotation."
  type        = number
  nullable    = false
  default     = 86400

  validation {
    condition     = var.client_secret_overlap >= 0
    error_message = "client_secret_overlap must be at least 0."
  }

  validation {
    condition     = var.client_secret_overlap <= 315360000
    error_message = "client_secret_overlap must be at most 315360000."
  }
}

variable "unused_client_ttl" {
  description = "Seconds after which a client expires that has not yet received a token; 0 = never."
  type        = number
  nullable    = false
  default     = 0

  validation {
    condition     = var.unused_client_ttl >= 0
    error_message = "unused_client_ttl must be at least 0."
  }

  validation {
    condition     = var.unused_client_ttl <= 315360000
    error_message = "unused_client_ttl must be at most 315360000."
  }
}

variable "scopes" {
  description = "The scopes that clients may register, separated by single spaces. Empty = none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.scopes) <= 1024
    error_message = "scopes must have at most 1024 characters."
  }

  validation {
    condition     = can(regex("^$|^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$", var.scopes))
    error_message = "scopes must be scope tokens of RFC 6749 section 3.3, separated by single spaces."
  }
}

variable "default_scopes" {
  description = "The scopes of a client that registers without scope, a subset of Scopes. Empty = all of Scopes except IntrospectionScope."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.default_scopes) <= 1024
    error_message = "default_scopes must have at most 1024 characters."
  }

  validation {
    condition     = can(regex("^$|^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$", var.default_scopes))
    error_message = "default_scopes must be scope tokens of RFC 6749 section 3.3, separated by single spaces."
  }
}

variable "audience" {
  description = "The default resource, aud of a token whose request names no resource. Empty = the issuer."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.audience) <= 512
    error_message = "audience must have at most 512 characters."
  }

  validation {
    condition     = can(regex("^$|^[A-Za-z][A-Za-z0-9+.-]*:[!\"$-~]+$", var.audience))
    error_message = "audience must be an absolute URI without a fragment."
  }
}

variable "access_token_ttl" {
  description = "Lifetime of an access token in seconds, at most a week."
  type        = number
  nullable    = false
  default     = 18000

  validation {
    condition     = var.access_token_ttl >= 60
    error_message = "access_token_ttl must be at least 60."
  }

  validation {
    condition     = var.access_token_ttl <= 604800
    error_message = "access_token_ttl must be at most 604800."
  }
}

variable "grant_policy" {
  description = "Which clients may use a grant that the server runs. server = every client; registered = only clients that registered it."
  type        = string
  nullable    = false
  default     = "server"

  validation {
    condition     = contains(["server", "registered"], var.grant_policy)
    error_message = "grant_policy must be one of the allowed values."
  }
}

variable "jwt_bearer_grant" {
  description = "on = an assertion alone, of a client or of an issuer in TrustedIssuers, gets a token, with the grant type urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523 section 2.1)."
  type        = string
  nullable    = false
  default     = "off"

  validation {
    condition     = contains(["off", "on"], var.jwt_bearer_grant)
    error_message = "jwt_bearer_grant must be one of the allowed values."
  }
}

variable "security_profile" {
  description = "What is required beyond the RFCs. fapi2 = the FAPI 2.0 Security Profile: no client secrets, bound tokens only, PS256, ES256 and Ed25519 only (docs/fapi.md). Some other parameters contradict it and are refused."
  type        = string
  nullable    = false
  default     = "none"

  validation {
    condition     = contains(["none", "fapi2"], var.security_profile)
    error_message = "security_profile must be one of the allowed values."
  }
}

variable "client_cache_ttl" {
  description = "How long the token function may issue tokens to a client without reading it again, in seconds. A client that was disabled or deleted, or a replaced secret, may be accepted that long. 0 = every token reads the client."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = var.client_cache_ttl >= 0
    error_message = "client_cache_ttl must be at least 0."
  }

  validation {
    condition     = var.client_cache_ttl <= 300
    error_message = "client_cache_ttl must be at most 300."
  }
}

variable "jwks_max_age" {
  description = "How long verifiers may cache the key set, in seconds."
  type        = number
  nullable    = false
  default     = 3600

  validation {
    condition     = var.jwks_max_age >= 60
    error_message = "jwks_max_age must be at least 60."
  }

  validation {
    condition     = var.jwks_max_age <= 86400
    error_message = "jwks_max_age must be at most 86400."
  }
}

variable "resources" {
  description = "Resources that requests may name besides Audience, a JSON object of resources and their scopes, as in {\"https://api.example/\":\"read write\"} or {\"https://api.example/\":{\"scope\":\"read write\",\"ttl\":600}}. Empty = none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.resources) <= 2048
    error_message = "resources must have at most 2048 characters."
  }
}

variable "introspection_scope" {
  description = "The scope whose holders may introspect the tokens of all clients. Empty = each client sees its own."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.introspection_scope) <= 256
    error_message = "introspection_scope must have at most 256 characters."
  }

  validation {
    condition     = can(regex("^[!#-\\[\\]-~]*$", var.introspection_scope))
    error_message = "introspection_scope must be one scope token of RFC 6749 section 3.3."
  }
}

variable "assertion_audience" {
  description = "What aud of a client assertion may be. issuer, or token-endpoint for the issuer or the token endpoint."
  type        = string
  nullable    = false
  default     = "issuer"

  validation {
    condition     = contains(["issuer", "token-endpoint"], var.assertion_audience)
    error_message = "assertion_audience must be one of the allowed values."
  }
}

variable "assertion_max_lifetime" {
  description = "How far ahead exp of a client's assertion may be, in seconds."
  type        = number
  nullable    = false
  default     = 3600

  validation {
    condition     = var.assertion_max_lifetime >= 60
    error_message = "assertion_max_lifetime must be at least 60."
  }

  validation {
    condition     = var.assertion_max_lifetime <= 86400
    error_message = "assertion_max_lifetime must be at most 86400."
  }
}

variable "trusted_issuers" {
  description = "Issuers whose assertions authenticate clients that name them in federated_credentials, a JSON array of objects. Empty = none. Lambda allows 4 KB for all variables of a function together."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.trusted_issuers) <= 3000
    error_message = "trusted_issuers must have at most 3000 characters."
  }
}

variable "client_metadata_hosts" {
  description = "Hosts whose https URLs are identifiers of clients that have their metadata document there, a JSON object of host and scopes (docs/client-documents.md). Empty = none. Lambda allows 4 KB for all variables of a function together."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.client_metadata_hosts) <= 2000
    error_message = "client_metadata_hosts must have at most 2000 characters."
  }
}

variable "authorization_endpoint" {
  description = "authorization_endpoint of the metadata, for clients that refuse metadata without it. compat = this API's /authorize, which refuses every request with a page; or the https URL of another server. Empty = none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.authorization_endpoint) <= 512
    error_message = "authorization_endpoint must have at most 512 characters."
  }

  validation {
    condition     = can(regex("^$|^compat$|^https://[!\"$-~]+$", var.authorization_endpoint))
    error_message = "authorization_endpoint must be compat, or an https URL without a fragment."
  }
}

variable "cors_origins" {
  description = "Origins whose web pages may use the endpoints, separated by single spaces, such as https://app.example. The key set and the metadata are open to every origin. Empty = none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.cors_origins) <= 1024
    error_message = "cors_origins must have at most 1024 characters."
  }

  validation {
    condition     = can(regex("^$|^https?://[a-z0-9.:\\[\\]-]+( https?://[a-z0-9.:\\[\\]-]+)*$", var.cors_origins))
    error_message = "cors_origins must be origins in lower case, without a path or trailing slash, separated by single spaces."
  }
}

variable "dpop_nonce_ttl" {
  description = "Lifetime of a DPoP nonce in seconds; 0 = nonces are not required."
  type        = number
  nullable    = false
  default     = 0

  validation {
    condition     = var.dpop_nonce_ttl >= 0
    error_message = "dpop_nonce_ttl must be at least 0."
  }

  validation {
    condition     = var.dpop_nonce_ttl <= 86400
    error_message = "dpop_nonce_ttl must be at most 86400."
  }
}

variable "issuer" {
  description = "The issuer, byte for byte as in the tokens: the https origin of a custom domain that you map to this API. Empty = the API's own URL. Changing it invalidates every issued token."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.issuer) <= 255
    error_message = "issuer must have at most 255 characters."
  }

  validation {
    condition     = can(regex("^$|^https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$", var.issuer))
    error_message = "issuer must be an https origin in lower case, without a path or trailing slash."
  }
}

variable "mutual_tls_domain_name" {
  description = "The domain for mutual TLS (RFC 8705), separate from the issuer or the issuer's own. API Gateway rejects connections to it without a certificate that the trust store accepts. Empty = no mutual TLS."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.mutual_tls_domain_name) <= 253
    error_message = "mutual_tls_domain_name must have at most 253 characters."
  }

  validation {
    condition     = can(regex("^$|^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", var.mutual_tls_domain_name))
    error_message = "mutual_tls_domain_name must be a domain name in lower case."
  }
}

variable "mutual_tls_certificate_arn" {
  description = "The certificate of that domain, a public ACM certificate in this region."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^$|^arn:aws[a-zA-Z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$", var.mutual_tls_certificate_arn))
    error_message = "mutual_tls_certificate_arn must be the ARN of an ACM certificate."
  }
}

variable "mutual_tls_method" {
  description = "How clients authenticate with certificates at that domain. tls_client_auth = an authority in the trust store signed them; self_signed_tls_client_auth = they are in the trust store themselves. One domain has one method, because both would share the trust store. Empty = tls_client_auth."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = contains(["", "tls_client_auth", "self_signed_tls_client_auth"], var.mutual_tls_method)
    error_message = "mutual_tls_method must be one of the allowed values."
  }
}

variable "truststore_uri" {
  description = "The trust store, a PEM file of certificate authorities, as s3://bucket/key. For self_signed_tls_client_auth it contains the clients' own certificates, created with CA:FALSE."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^$|^s3://[a-z0-9.-]+/.+$", var.truststore_uri))
    error_message = "truststore_uri must be an s3 URI."
  }
}

variable "truststore_version" {
  description = "The version of that object, if its bucket keeps versions. Empty = the current one."
  type        = string
  nullable    = false
  default     = ""
}

variable "default_endpoint" {
  description = "Whether the API's own URL answers. disabled requires an Issuer on another domain; if that is MutualTlsDomainName, verifiers need a certificate to fetch the key set."
  type        = string
  nullable    = false
  default     = "enabled"

  validation {
    condition     = contains(["enabled", "disabled"], var.default_endpoint)
    error_message = "default_endpoint must be one of the allowed values."
  }
}

variable "signing_mode" {
  description = "Who signs tokens. kms = KMS signs every token; sealed = the function signs, with keys that KMS generates and encrypts and that rotate automatically. Changing it invalidates every issued token."
  type        = string
  nullable    = false
  default     = "kms"

  validation {
    condition     = contains(["kms", "sealed"], var.signing_mode)
    error_message = "signing_mode must be one of the allowed values."
  }
}

variable "signing_key_spec" {
  description = "For sealed, the key spec. RSA_2048 signs RS256, ECC_NIST_P256 ES256, ECC_NIST_P384 ES384, ECC_NIST_EDWARDS25519 EdDSA (Ed25519Alg). It may be changed: the next key has the new spec."
  type        = string
  nullable    = false
  default     = "RSA_2048"

  validation {
    condition     = contains(["RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_EDWARDS25519"], var.signing_key_spec)
    error_message = "signing_key_spec must be one of the allowed values."
  }
}

variable "ed25519_alg" {
  description = "For sealed, alg of an Ed25519 key and of the tokens that it signs. EdDSA is the name of RFC 8037, which most verifiers know; Ed25519 that of RFC 9864."
  type        = string
  nullable    = false
  default     = "EdDSA"

  validation {
    condition     = contains(["EdDSA", "Ed25519"], var.ed25519_alg)
    error_message = "ed25519_alg must be one of the allowed values."
  }
}

variable "signing_key_rotation" {
  description = "For sealed, how long a key signs, in seconds; at least four times JwksMaxAge."
  type        = number
  nullable    = false
  default     = 2592000

  validation {
    condition     = var.signing_key_rotation >= 3600
    error_message = "signing_key_rotation must be at least 3600."
  }

  validation {
    condition     = var.signing_key_rotation <= 31536000
    error_message = "signing_key_rotation must be at most 31536000."
  }
}

variable "key_spec" {
  description = "For kms, the key spec of the first signing key; none = there is no first key. The spec of an existing key cannot change: replace the key (docs/keys.md)."
  type        = string
  nullable    = false
  default     = "RSA_2048"

  validation {
    condition     = contains(["RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "none"], var.key_spec)
    error_message = "key_spec must be one of the allowed values."
  }
}

variable "signing_algorithm" {
  description = "For kms, the JWS algorithm of the first key. RS256 or PS256 for RSA, ES256 for P-256, ES384 for P-384."
  type        = string
  nullable    = false
  default     = "RS256"

  validation {
    condition     = contains(["RS256", "PS256", "ES256", "ES384"], var.signing_algorithm)
    error_message = "signing_algorithm must be one of the allowed values."
  }
}

variable "second_key_spec" {
  description = "For kms, the key spec of the second signing key, used to replace the first (docs/keys.md); none = there is no second key."
  type        = string
  nullable    = false
  default     = "none"

  validation {
    condition     = contains(["none", "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384"], var.second_key_spec)
    error_message = "second_key_spec must be one of the allowed values."
  }
}

variable "second_signing_algorithm" {
  description = "For kms, the JWS algorithm of the second key. RS256 or PS256 for RSA, ES256 for P-256, ES384 for P-384."
  type        = string
  nullable    = false
  default     = "RS256"

  validation {
    condition     = contains(["RS256", "PS256", "ES256", "ES384"], var.second_signing_algorithm)
    error_message = "second_signing_algorithm must be one of the allowed values."
  }
}

variable "signing_key_in_use" {
  description = "For kms, the key that signs. The other one, if it exists, is only published."
  type        = string
  nullable    = false
  default     = "first"

  validation {
    condition     = contains(["first", "second"], var.signing_key_in_use)
    error_message = "signing_key_in_use must be one of the allowed values."
  }
}

variable "architecture" {
  description = "Instruction set of the functions."
  type        = string
  nullable    = false
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be one of the allowed values."
  }
}

variable "memory_size" {
  description = "Memory of each function in MB. Lambda allocates CPU in proportion, one vCPU at 1769."
  type        = number
  nullable    = false
  default     = 512

  validation {
    condition     = var.memory_size >= 128
    error_message = "memory_size must be at least 128."
  }

  validation {
    condition     = var.memory_size <= 10240
    error_message = "memory_size must be at most 10240."
  }
}

variable "reserved_concurrency" {
  description = "How many instances each of the two functions may have at once. It bounds what a flood of requests costs in Lambda, DynamoDB and KMS, and keeps that much of the account's concurrency for each function; beyond it, API Gateway answers with an error of its own. Empty = no bound but the account's."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = length(var.reserved_concurrency) <= 5
    error_message = "reserved_concurrency must have at most 5 characters."
  }

  validation {
    condition     = can(regex("^$|^[1-9][0-9]*$", var.reserved_concurrency))
    error_message = "reserved_concurrency must be a whole number from 1, or empty."
  }
}

variable "throttling_rate_limit" {
  description = "Requests per second and route; API Gateway answers the rest with 429."
  type        = number
  nullable    = false
  default     = 100

  validation {
    condition     = var.throttling_rate_limit >= 1
    error_message = "throttling_rate_limit must be at least 1."
  }
}

variable "throttling_burst_limit" {
  description = "Burst per route above that rate."
  type        = number
  nullable    = false
  default     = 200

  validation {
    condition     = var.throttling_burst_limit >= 1
    error_message = "throttling_burst_limit must be at least 1."
  }
}

variable "log_retention_in_days" {
  description = "Retention of the logs of the functions and of the API, in days."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653], var.log_retention_in_days)
    error_message = "log_retention_in_days must be one of the allowed values."
  }
}

variable "metrics" {
  description = "Metrics of tokens, registrations, failures and times in CloudWatch, taken from the functions' log, with a dashboard and alarms. docs/logs.md says what they cost."
  type        = string
  nullable    = false
  default     = "on"

  validation {
    condition     = contains(["on", "off"], var.metrics)
    error_message = "metrics must be one of the allowed values."
  }
}

variable "alarm_topic_arn" {
  description = "The SNS topic that alarms notify. Empty = the alarms change their state and notify nobody."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^$|^arn:aws[a-zA-Z-]*:sns:[a-z0-9-]+:[0-9]{12}:.+$", var.alarm_topic_arn))
    error_message = "alarm_topic_arn must be the ARN of an SNS topic."
  }
}

variable "audit" {
  description = "A log of who registered, changed, disabled, enabled and deleted clients, and revoked tokens."
  type        = string
  nullable    = false
  default     = "on"

  validation {
    condition     = contains(["on", "off"], var.audit)
    error_message = "audit must be one of the allowed values."
  }
}

variable "audit_retention_in_days" {
  description = "Retention of the audit log, in days."
  type        = number
  nullable    = false
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653], var.audit_retention_in_days)
    error_message = "audit_retention_in_days must be one of the allowed values."
  }
}
