//! What a key that rotates may do: rules K3 and K4, as a pure function of the keys' dates and the clock.
//!
//! | from | a key |
//! |---|---|
//! | `created_at` | is published, so that every verifier has it before it signs |
//! | `signs_from` | signs |
//! | the `signs_from` of a later key | is only published |
//! | when the last token it signed has expired, and a margin | is gone |
//!
//! There is always one key in reserve: the next one is made as soon as the newest begins to sign, and has
//! then a whole rotation in which verifiers learn of it. Should the key that signs be lost, the reserve
//! signs in its place, and every verifier knows it. Nothing here is an appointment: a server that slept
//! through every date finds the same answers when it wakes.
//!
//! What is given: verifiers cache for no longer than they are told, clocks differ by no more than
//! [`CLOCKS`], an instance uses its copy of the list for no longer than [`Policy::stale_after`], and the
//! making of a key does not fail for a whole rotation on end.

use crate::EpochSeconds;

/// By how many seconds the clocks of two machines may differ, a verifier's leeway included.
pub const CLOCKS: u64 = 60;

/// For how many seconds an item outlives its key, at least: nobody needs it, but nobody is in a hurry.
const DAY: u64 = 86_400;

/// What the dates of keys are made from. All in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For how long a key signs; at least four times `max_age`.
    pub rotation: u32,
    /// For how long verifiers cache the JWKS.
    pub max_age: u32,
    /// For how long a token is good.
    pub token_ttl: u32,
}

/// The dates of a key. They are written once, when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDates {
    /// The number of the key: one more than that of the key before.
    pub generation: u64,
    /// When it was made, and published from then on.
    pub created_at: EpochSeconds,
    /// When it begins to sign.
    pub signs_from: EpochSeconds,
    /// When it is of no use any more, whatever became of the keys after it.
    pub expires_at: EpochSeconds,
    /// [`Policy::max_age`] when it was made: verifiers may still cache for as long.
    pub max_age: u32,
    /// [`Policy::token_ttl`] when it was made: its tokens may be good for as long.
    pub token_ttl: u32,
}

/// What a key does at a given moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Published; does not sign yet.
    Announced,
    /// Signs.
    Signs,
    /// Published; a later key signs.
    Retired,
    /// Nothing: not published any more.
    Gone,
}

/// The keys of a deployment and what each may do.
#[derive(Clone, Copy, Debug)]
pub struct Schedule<'a> {
    policy: Policy,
    keys: &'a [KeyDates],
}

impl Policy {
    /// After how many seconds an instance reads the list of keys again.
    pub const fn refresh_after(&self) -> u64 {
        self.max_age as u64 / 4
    }

    /// After how many seconds a list that could not be read again must not be used any more. A verifier
    /// that was given it at that moment caches it for `max_age`; a new key waits for both, and for half of
    /// `max_age` more.
    pub const fn stale_after(&self) -> u64 {
        self.max_age as u64 / 2
    }

    /// For how many seconds verifiers may use keys that they fetched, by a clock that differs from ours.
    pub const fn max_age_with_skew(&self) -> u64 {
        self.max_age as u64 + CLOCKS
    }

    /// After how many seconds what failed is tried again, as long as it is not needed.
    pub const fn retry_after(&self) -> u64 {
        self.max_age as u64 / 16
    }

    /// How many keys are published at the same time at most, as long as each is made in its turn: the one that signs, the
    /// reserve, and those that are retired and whose last token, or its margin, is not over.
    pub const fn most_published(&self) -> u64 {
        let retired_for = self.token_ttl as u64 + margin(self.max_age);
        2 + retired_for.div_ceil(self.rotation as u64)
    }

    /// The dates of a key that is made at `now` and signs from `signs_from`.
    pub fn dates(&self, generation: u64, now: EpochSeconds, signs_from: EpochSeconds) -> KeyDates {
        let Self { rotation, max_age, token_ttl } = *self;
        // One rotation in which it signs, and one more in case there is no next key for so long.
        let expires_at = signs_from + 2 * u64::from(rotation) + u64::from(token_ttl) + margin(max_age) + DAY;
        KeyDates { generation, created_at: now, signs_from, expires_at, max_age, token_ttl }
    }
}

/// For how long a key is published before it signs: two cache lifetimes. One is the verifier's, half of one
/// the list's that it was given (see [`Policy::stale_after`]), the rest is for slow requests and clocks.
const fn lead(max_age: u32) -> u64 {
    2 * max_age as u64 + CLOCKS
}

/// For how long a key is published after its last regular token has expired. For so long it may also sign on
/// where the next key cannot be opened.
const fn margin(max_age: u32) -> u64 {
    max_age as u64 + CLOCKS
}

impl<'a> Schedule<'a> {
    /// The schedule of these keys, which are in the order of their generations.
    pub fn new(policy: Policy, keys: &'a [KeyDates]) -> Self {
        debug_assert!(keys.is_sorted_by(|a, b| a.generation < b.generation), "in order, and each once");
        Self { policy, keys }
    }

    /// What the key at this index does.
    pub fn duty(&self, at: usize, now: EpochSeconds) -> Duty {
        if now >= self.gone_from(at) {
            Duty::Gone
        } else if self.retires_at(at).is_some_and(|retires_at| now >= retires_at) {
            Duty::Retired
        } else if now >= self.keys[at].signs_from {
            Duty::Signs
        } else {
            Duty::Announced
        }
    }

    /// The keys that may sign, the one that should first. The others are for the case that its private half
    /// is lost: keys before it for as long as their publication outlives the token, then keys after it, of
    /// which verifiers may know for less time than they should.
    pub fn signers(&self, now: EpochSeconds) -> impl Iterator<Item = usize> + use<> {
        let lives = now + u64::from(self.policy.token_ttl) + CLOCKS;
        let good = (0..self.keys.len()).filter(|&at| lives <= self.gone_from(at));
        let (mut begun, mut announced): (Vec<_>, Vec<_>) = good.partition(|&at| self.keys[at].signs_from <= now);
        begun.reverse();
        announced.sort_by_key(|&at| self.keys[at].signs_from);
        begun.into_iter().chain(announced)
    }

    /// If a key is to be made now: when it shall begin to sign.
    ///
    /// The first one signs at once: nobody has cached anything, and nothing else could sign.
    pub fn next(&self, now: EpochSeconds) -> Option<EpochSeconds> {
        let Some(newest) = self.newest(now) else { return Some(now) };
        let regular = newest.signs_from.saturating_add(u64::from(self.policy.rotation));
        (newest.signs_from <= now).then(|| regular.max(self.earliest(now)))
    }

    /// When a key that is made now, and not in its turn, may begin to sign.
    pub fn earliest(&self, now: EpochSeconds) -> EpochSeconds {
        now + lead(self.newest(now).map_or(0, |newest| newest.max_age).max(self.policy.max_age))
    }

    /// Whether the newest key was made so long ago that another one, made at `now` and not in its turn, is no
    /// answer to the same cause.
    pub fn is_settled(&self, now: EpochSeconds) -> bool {
        self.newest(now).is_none_or(|newest| newest.created_at.saturating_add(lead(newest.max_age)) <= now)
    }

    fn newest(&self, now: EpochSeconds) -> Option<&KeyDates> {
        (0..self.keys.len()).rev().find(|&at| now < self.gone_from(at)).map(|at| &self.keys[at])
    }

    /// When a later key signs in its place.
    fn retires_at(&self, at: usize) -> Option<EpochSeconds> {
        self.keys[at + 1..].iter().map(|later| later.signs_from).min()
    }

    fn gone_from(&self, at: usize) -> EpochSeconds {
        let key = &self.keys[at];
        let token_ttl = u64::from(key.token_ttl.max(self.policy.token_ttl));
        let margin = margin(key.max_age.max(self.policy.max_age));
        let published_until = self.retires_at(at).map(|retires_at| retires_at.saturating_add(token_ttl + margin));
        published_until.map_or(key.expires_at, |until| until.min(key.expires_at))
    }
}

#[cfg(test)]
mod tests;
