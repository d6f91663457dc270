# Generated from template.yaml. Change that, then run:
# UPDATE_TERRAFORM=1 cargo test -p tokenmint-tests u9_

locals {
  keys_are_sealed          = var.signing_mode == "sealed"
  has_first_key            = (!(local.keys_are_sealed) && !(var.key_spec == "none"))
  has_second_key           = (!(local.keys_are_sealed) && !(var.second_key_spec == "none"))
  has_both_keys            = (local.has_first_key && local.has_second_key)
  makes_keys_table         = local.keys_are_sealed
  makes_first_key          = local.has_first_key
  makes_second_key         = local.has_second_key
  makes_sealing_key        = local.keys_are_sealed
  rotates_keys             = local.keys_are_sealed
  second_key_signs         = var.signing_key_in_use == "second"
  registration_is_on       = !(var.registration == "disabled")
  has_mutual_tls           = !(var.mutual_tls_domain_name == "")
  has_truststore_version   = !(var.truststore_version == "")
  has_reserved_concurrency = !(var.reserved_concurrency == "")
  default_endpoint_is_off  = var.default_endpoint == "disabled"
  has_issuer               = !(var.issuer == "")
  metrics_are_on           = var.metrics == "on"
  has_alarm_topic          = !(var.alarm_topic_arn == "")
  audit_is_on              = var.audit == "on"
  audit_is_watched         = (local.audit_is_on && local.metrics_are_on)
  kms_signing_algorithm = {
    RS256 = "RSASSA_PKCS1_V1_5_SHA_256"
    PS256 = "RSASSA_PSS_SHA_256"
    ES256 = "ECDSA_SHA_256"
    ES384 = "ECDSA_SHA_384"
  }
}

resource "terraform_data" "rules" {
  lifecycle {
    precondition {
      condition     = !(!(var.mutual_tls_domain_name == "")) || !(var.mutual_tls_certificate_arn == "")
      error_message = "mutual_tls_domain_name requires mutual_tls_certificate_arn."
    }

    precondition {
      condition     = !(!(var.mutual_tls_domain_name == "")) || !(var.truststore_uri == "")
      error_message = "mutual_tls_domain_name requires truststore_uri."
    }

    precondition {
      condition     = !(!(var.mutual_tls_method == "")) || !(var.mutual_tls_domain_name == "")
      error_message = "mutual_tls_method requires mutual_tls_domain_name."
    }

    precondition {
      condition     = !(var.default_endpoint == "disabled") || !(var.issuer == "")
      error_message = "default_endpoint is disabled, so issuer must name another domain."
    }

    precondition {
      condition     = !(!(var.key_spec == "none")) || ((contains(["RSA_2048", "RSA_3072", "RSA_4096"], var.key_spec) && contains(["RS256", "PS256"], var.signing_algorithm)) || (var.key_spec == "ECC_NIST_P256" && var.signing_algorithm == "ES256") || (var.key_spec == "ECC_NIST_P384" && var.signing_algorithm == "ES384"))
      error_message = "signing_algorithm must fit key_spec (RSA RS256 or PS256, P-256 ES256, P-384 ES384)."
    }

    precondition {
      condition     = !(!(var.second_key_spec == "none")) || ((contains(["RSA_2048", "RSA_3072", "RSA_4096"], var.second_key_spec) && contains(["RS256", "PS256"], var.second_signing_algorithm)) || (var.second_key_spec == "ECC_NIST_P256" && var.second_signing_algorithm == "ES256") || (var.second_key_spec == "ECC_NIST_P384" && var.second_signing_algorithm == "ES384"))
      error_message = "second_signing_algorithm must fit second_key_spec (RSA RS256 or PS256, P-256 ES256, P-384 ES384)."
    }

    precondition {
      condition     = !((var.signing_mode == "kms" && var.signing_key_in_use == "first")) || !(var.key_spec == "none")
      error_message = "signing_key_in_use is first, so key_spec must not be none."
    }

    precondition {
      condition     = !((var.signing_mode == "kms" && var.signing_key_in_use == "second")) || !(var.second_key_spec == "none")
      error_message = "signing_key_in_use is second, so second_key_spec must not be none."
    }

    precondition {
      condition     = !(var.security_profile == "fapi2") || ((var.signing_mode == "sealed" && contains(["ECC_NIST_P256", "ECC_NIST_EDWARDS25519"], var.signing_key_spec)) || (var.signing_mode == "kms" && (var.key_spec == "none" || contains(["PS256", "ES256"], var.signing_algorithm)) && (var.second_key_spec == "none" || contains(["PS256", "ES256"], var.second_signing_algorithm))))
      error_message = "With security_profile fapi2, every signing key must sign PS256, ES256 or Ed25519."
    }

    precondition {
      condition     = !(var.security_profile == "fapi2") || var.assertion_audience == "issuer"
      error_message = "With security_profile fapi2, assertion_audience must be issuer."
    }

    precondition {
      condition     = !(var.security_profile == "fapi2") || var.trusted_issuers == ""
      error_message = "With security_profile fapi2, trusted_issuers must be empty."
    }

    precondition {
      condition     = !(var.security_profile == "fapi2") || var.authorization_endpoint == ""
      error_message = "With security_profile fapi2, authorization_endpoint must be empty."
    }

    precondition {
      condition     = !(var.security_profile == "fapi2") || var.jwt_bearer_grant == "off"
      error_message = "With security_profile fapi2, jwt_bearer_grant must be off."
    }
  }
}
