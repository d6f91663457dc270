//! How often a client that is kept may be read again because of refusals: a token bucket.

use tokenmint_oauth::EpochSeconds;

/// How many reads of one client refusals can cause at once.
pub const READS_AT_ONCE: u64 = 10;

/// How many more they can cause each second.
pub const READS_PER_SECOND: u64 = 1;

/// The reads that are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    reads: u64,
    counted_at: EpochSeconds,
}

impl Budget {
    /// All of them.
    pub(super) const fn full(now: EpochSeconds) -> Self {
        Self { reads: READS_AT_ONCE, counted_at: now }
    }

    /// Takes one read, if one is left.
    pub(super) fn spend(&mut self, now: EpochSeconds) -> bool {
        let earned = now.saturating_sub(self.counted_at).saturating_mul(READS_PER_SECOND);
        self.reads = self.reads.saturating_add(earned).min(READS_AT_ONCE);
        self.counted_at = now;
        let is_left = self.reads > 0;
        self.reads = self.reads.saturating_sub(1);
        is_left
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// O2: ten at once, then one per second, and never more than ten at once again.
    #[test]
    fn o2_ten_reads_at_once_then_one_per_second() {
        let mut budget = Budget::full(1_000);
        let spend = |budget: &mut Budget, now| (0..100).filter(|_| budget.spend(now)).count();
        assert_eq!(spend(&mut budget, 1_000), 10);
        assert_eq!(spend(&mut budget, 1_000), 0);
        assert_eq!(spend(&mut budget, 1_001), 1);
        assert_eq!(spend(&mut budget, 1_004), 3);
        assert_eq!(spend(&mut budget, u64::MAX), 10);
        // A clock that was set back gives nothing.
        assert_eq!(spend(&mut budget, 0), 0);
    }

    proptest! {
        /// O2: whenever requests come, there are at most the first ten reads and one for each second that has passed.
        #[test]
        fn o2_reads_of_refused_requests_are_bounded(waits in prop::collection::vec(0_u64..4, 0..200)) {
            let (mut budget, mut now, mut reads) = (Budget::full(0), 0, 0);
            for wait in waits {
                now += wait;
                reads += u64::from(budget.spend(now));
                prop_assert!(reads <= READS_AT_ONCE + now * READS_PER_SECOND);
            }
        }
    }
}
