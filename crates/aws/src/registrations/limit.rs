//! A limit on open registration, shared by all instances (R18).

use std::net::IpAddr;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use ipnet::Ipv6Net;
use tokenmint_oauth::EpochSeconds;

use super::{KEY, RegistrationsTable};
use crate::Unavailable;

/// The maximum number of registrations per minute; 0 = no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// From one address. An IPv6 address counts as its /64, which one subscriber usually controls.
    pub per_address: u32,
    /// From all addresses.
    pub total: u32,
}

/// Why a registration was not counted.
#[derive(Debug, thiserror::Error)]
pub enum Throttled {
    /// A limit is exceeded.
    #[error("too many registrations in this minute")]
    Exceeded {
        /// Seconds until the next minute begins.
        retry_after: u64,
    },
    /// The table cannot be written.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RegistrationsTable {
    /// Counts a registration if the limits allow it, with one conditional `UpdateItem` for each limit that is set:
    /// first the address, then the total. DynamoDB also bills a refused write, by the size of the item. Each counter
    /// is a separate item, so both cost one write unit at any limit.
    ///
    /// A registration that exceeds the total has already been counted for its address. It would be refused for the
    /// rest of this minute anyway.
    ///
    /// # Errors
    /// [`Throttled`].
    pub async fn count(&self, from: IpAddr, limits: Limits, now: EpochSeconds) -> Result<(), Throttled> {
        let minute = format!("minute#{}#{}", self.region, now / 60);
        if limits.per_address > 0 {
            self.count_one(format!("{minute}#{}", subscriber(from)), limits.per_address, now).await?;
        }
        if limits.total > 0 {
            self.count_one(minute, limits.total, now).await?;
        }
        Ok(())
    }

    async fn count_one(&self, counter: String, limit: u32, now: EpochSeconds) -> Result<(), Throttled> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, AttributeValue::S(counter));
        let update = update
            .update_expression("ADD registrations :one SET expires_at = :end")
            .condition_expression("attribute_not_exists(registrations) OR registrations < :limit")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":limit", number(limit.into()))
            .expression_attribute_values(":end", number((now / 60 + 2) * 60));
        match Box::pin(update.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => {
                    Throttled::Exceeded { retry_after: 60 - now % 60 }
                }
                _ => Unavailable::new("dynamodb:UpdateItem", error).into(),
            }),
        }
    }
}

/// The prefix length of one IPv6 subscriber (RFC 6177).
const SUBSCRIBER_V6: u8 = 64;

/// The address, or the /64 of an IPv6 address.
fn subscriber(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, SUBSCRIBER_V6).trunc().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R18: one subscriber is one IPv4 address or one IPv6 /64.
    #[test]
    fn r18_subscriber() {
        let of = |text: &str| subscriber(text.parse().expect("an address"));
        assert_eq!(of("203.0.113.7"), of("::ffff:203.0.113.7"));
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }
}
