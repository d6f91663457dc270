use proptest::prelude::*;

use super::*;

const POLICY: Policy = Policy { rotation: 10_000, max_age: 1_000, token_ttl: 500 };
/// Two cache lifetimes, and the clocks.
const LEAD: u64 = 2_060;
/// A token, one cache lifetime, and the clocks.
const PUBLISHED_ONLY: u64 = 500 + 1_060;
const START: u64 = 1_700_000_000;

/// The first key and the one in reserve, as a deployment makes them at its first start.
fn pair() -> Vec<KeyDates> {
    vec![POLICY.dates(1, START, START), POLICY.dates(2, START, START + 10_000)]
}

fn duties(keys: &[KeyDates], now: u64) -> Vec<Duty> {
    (0..keys.len()).map(|at| Schedule::new(POLICY, keys).duty(at, now)).collect()
}

fn signers(keys: &[KeyDates], now: u64) -> Vec<u64> {
    Schedule::new(POLICY, keys).signers(now).map(|at| keys[at].generation).collect()
}

/// K3: the times that follow from the settings, to the second.
#[test]
fn k3_times_of_a_policy() {
    assert_eq!((POLICY.refresh_after(), POLICY.stale_after()), (250, 500));
    assert_eq!((POLICY.max_age_with_skew(), POLICY.retry_after()), (1_060, 62));
    let expected = KeyDates {
        generation: 3,
        created_at: START,
        signs_from: START + 5,
        expires_at: START + 5 + 20_000 + 500 + 1_060 + 86_400,
        max_age: 1_000,
        token_ttl: 500,
    };
    assert_eq!(POLICY.dates(3, START, START + 5), expected);
}

/// K3: the first key signs at once; then there is one in reserve, which signs when its time has come.
#[test]
fn k3_the_first_key_and_its_reserve() {
    let empty = Schedule::new(POLICY, &[]);
    assert_eq!((empty.next(START), empty.earliest(START), empty.is_settled(START)), (Some(START), START + LEAD, true));
    let first = [POLICY.dates(1, START, START)];
    assert_eq!(Schedule::new(POLICY, &first).next(START), Some(START + 10_000));
    let keys = pair();
    assert_eq!(Schedule::new(POLICY, &keys).next(START), None);
}

/// K3: each boundary of a key's life, a second before it, at it, and a second after.
#[test]
fn k3_every_boundary() {
    use Duty::{Announced, Gone, Retired, Signs};
    let keys = pair();
    let takes_over = START + 10_000;
    let gone = takes_over + PUBLISHED_ONLY;
    for (now, expected) in [
        (START - 1, [Announced, Announced]),
        (START, [Signs, Announced]),
        (START + 1, [Signs, Announced]),
        (takes_over - 1, [Signs, Announced]),
        (takes_over, [Retired, Signs]),
        (takes_over + 1, [Retired, Signs]),
        (gone - 1, [Retired, Signs]),
        (gone, [Gone, Signs]),
        (gone + 1, [Gone, Signs]),
        (keys[1].expires_at - 1, [Gone, Signs]),
        (keys[1].expires_at, [Gone, Gone]),
        (keys[1].expires_at + 1, [Gone, Gone]),
    ] {
        assert_eq!(duties(&keys, now), expected, "{}", now.cast_signed() - START.cast_signed());
    }
}

/// K3: who signs, and who signs where that key is lost: an older key only tokens that it outlives.
#[test]
fn k3_who_signs() {
    let keys = pair();
    let takes_over = START + 10_000;
    for (now, expected) in [
        (takes_over - 1, &[1, 2][..]),
        (takes_over, &[2, 1]),
        (takes_over + 1, &[2, 1]),
        (takes_over + 1_000, &[2, 1]),
        (takes_over + 1_001, &[2]),
    ] {
        assert_eq!(signers(&keys, now), expected, "{}", now - START);
    }
    // At its end a key leaves no token behind.
    let end = keys[1].expires_at - 500 - CLOCKS;
    assert_eq!((signers(&keys, end), signers(&keys, end + 1)), (vec![2], vec![]));
}

/// K4: the next key is made when the newest begins to sign, and never signs earlier than verifiers know it.
#[test]
fn k4_when_the_next_key_is_made() {
    let keys = pair();
    let schedule = Schedule::new(POLICY, &keys);
    let begins = START + 10_000;
    for (now, expected) in [
        (begins - 1, None),
        (begins, Some(begins + 10_000)),
        (begins + 1, Some(begins + 10_000)),
        // The regular date is as far away as the lead; then the lead decides.
        (begins + 10_000 - LEAD - 1, Some(begins + 10_000)),
        (begins + 10_000 - LEAD, Some(begins + 10_000)),
        (begins + 10_000 - LEAD + 1, Some(begins + 10_001)),
        (begins + 50_000, Some(begins + 50_000 + LEAD)),
        // Everything is gone: as on the first day.
        (keys[1].expires_at - 1, Some(keys[1].expires_at - 1 + LEAD)),
        (keys[1].expires_at, Some(keys[1].expires_at)),
    ] {
        assert_eq!(schedule.next(now), expected, "{}", now - START);
    }
}

/// V9: the most keys that are published at the same time, with the settings of the defaults and of the extremes.
#[test]
fn v9_the_most_keys_that_are_published() {
    for (rotation, max_age, token_ttl, most) in [
        (2_592_000, 3_600, 18_000, 3),
        (3_600, 600, 1_500, 3),
        (3_600, 60, 3_480, 3),
        (3_600, 60, 3_481, 4),
        (14_400, 3_600, 604_800, 45),
    ] {
        let policy = Policy { rotation, max_age, token_ttl };
        // Each key is made when the one before begins to sign.
        let signs_from = |at: u64| 1_000_000 + at * u64::from(rotation);
        let created = |at: u64| if at == 0 { 1_000_000 } else { signs_from(at - 1) };
        let keys: Vec<_> = (0..100).map(|at| policy.dates(at + 1, created(at), signs_from(at))).collect();
        let published = |now: u64| {
            let known: Vec<_> = keys.iter().copied().filter(|key| key.created_at <= now).collect();
            let schedule = Schedule::new(policy, &known);
            (0..known.len()).filter(|&at| schedule.duty(at, now) != Duty::Gone).count() as u64
        };
        let times = (50..55).flat_map(|at| [signs_from(at) - 1, signs_from(at), signs_from(at) + 1]);
        assert_eq!((times.map(published).max(), policy.most_published()), (Some(most), most), "{policy:?}");
    }
}

/// K3: a key made out of turn (another kind of key is wanted) overtakes the reserve, and one answer is enough.
#[test]
fn k3_out_of_turn() {
    let mut keys = pair();
    let now = START + 5_000;
    let begins = Schedule::new(POLICY, &keys).earliest(now);
    assert_eq!(begins, now + LEAD);
    keys.push(POLICY.dates(3, now, begins));
    assert!(!Schedule::new(POLICY, &keys).is_settled(now + LEAD - 1));
    assert!(Schedule::new(POLICY, &keys).is_settled(now + LEAD));
    assert_eq!(signers(&keys, begins - 1), [1, 3, 2]);
    assert_eq!(signers(&keys, begins), [3, 1, 2]);
    assert_eq!(signers(&keys, START + 10_000)[0], 3);
    assert_eq!(duties(&keys, begins), [Duty::Retired, Duty::Retired, Duty::Signs]);
}

/// K3: settings that were changed are remembered by the keys: verifiers still cache, and tokens still live, as
/// they were told before.
#[test]
fn k3_changed_settings() {
    let before = Policy { rotation: 40_000, max_age: 9_000, token_ttl: 7_000 };
    let keys = [before.dates(1, START, START), before.dates(2, START, START + 40_000)];
    let schedule = Schedule::new(POLICY, &keys);
    assert_eq!(schedule.earliest(START), START + 18_060);
    let gone = START + 40_000 + 7_000 + 9_060;
    assert_eq!((schedule.duty(0, gone - 1), schedule.duty(0, gone)), (Duty::Retired, Duty::Gone));
    // And the other way round: what is promised now.
    let keys = pair();
    let schedule = Schedule::new(before, &keys);
    assert_eq!(schedule.earliest(START), START + 18_060);
    assert_eq!(schedule.duty(0, START + 10_000 + 7_000 + 9_059), Duty::Retired);
}

/// A server that runs on several machines, and what its verifiers saw.
#[derive(Default)]
struct World {
    table: Vec<KeyDates>,
    /// Per instance: its copy of the table, and when it was read, by its own clock.
    copies: [Option<(u64, Vec<KeyDates>)>; INSTANCES],
    /// Issued at, expires at, by the key.
    tokens: Vec<(u64, u64, u64)>,
    /// Fetched at, the keys.
    fetches: Vec<(u64, Vec<u64>)>,
}

const INSTANCES: usize = 4;

/// Time passes, then every instance signs and is asked for the keys.
#[derive(Clone, Debug)]
struct Step {
    pass: u64,
    faults: [Faults; INSTANCES],
}

#[derive(Clone, Copy, Debug)]
struct Faults {
    /// The table cannot be read.
    read: bool,
    /// A key cannot be made.
    make: bool,
    /// The key that should sign cannot be opened: an older one signs, or none.
    open: bool,
}

impl World {
    fn run(&mut self, policy: Policy, skew: [u64; INSTANCES], steps: &[Step]) {
        let mut time = START;
        for step in steps {
            time += step.pass;
            for (instance, (faults, skew)) in step.faults.iter().zip(skew).enumerate() {
                let now = time + skew;
                let Some(keys) = self.view(policy, instance, *faults, now) else { continue };
                let schedule = Schedule::new(policy, &keys);
                let begun = |at: &usize| keys[*at].signs_from <= now;
                let signer =
                    if faults.open { schedule.signers(now).filter(begun).nth(1) } else { schedule.signers(now).next() };
                if let Some(at) = signer {
                    self.tokens.push((time, now + u64::from(policy.token_ttl), keys[at].generation));
                }
                let published = (0..keys.len()).filter(|&at| schedule.duty(at, now) != Duty::Gone);
                let published: Vec<_> = published.map(|at| keys[at].generation).collect();
                // Without any key there is no answer.
                if !published.is_empty() {
                    self.fetches.push((time, published));
                }
            }
        }
    }

    /// The instance's copy, read again when it is time to; nothing if it is too old.
    fn view(&mut self, policy: Policy, instance: usize, faults: Faults, now: u64) -> Option<Vec<KeyDates>> {
        let age = self.copies[instance].as_ref().map(|(read_at, _)| now - read_at);
        if age.is_none_or(|age| age >= policy.refresh_after()) && !faults.read {
            while let Some(signs_from) = Schedule::new(policy, &self.table).next(now) {
                // It never fails for a whole rotation: a key's end is set for that long.
                let rotation = u64::from(policy.rotation);
                let overdue = self.table.last().is_some_and(|last| last.signs_from + 2 * rotation < now);
                if faults.make && !overdue {
                    break;
                }
                let generation = self.table.last().map_or(1, |last| last.generation + 1);
                self.table.push(policy.dates(generation, now, signs_from));
            }
            self.copies[instance] = Some((now, self.table.clone()));
        } else if age.is_none_or(|age| age >= policy.stale_after()) {
            return None;
        }
        self.copies[instance].as_ref().map(|(_, keys)| keys.clone())
    }

    /// Every token, until it expires, against every set of keys that a verifier may hold in that time.
    fn check(&self, policy: Policy) -> Result<(), TestCaseError> {
        for &(issued_at, expires_at, generation) in &self.tokens {
            for (fetched_at, keys) in &self.fetches {
                let held = *fetched_at < expires_at && issued_at <= fetched_at + u64::from(policy.max_age);
                prop_assert!(
                    !held || keys.contains(&generation),
                    "issued at {}, good until {}, signed by {generation}; at {} only {keys:?}",
                    issued_at - START,
                    expires_at - START,
                    fetched_at - START,
                );
            }
        }
        Ok(())
    }
}

/// Most of the time little passes; now and then the server sleeps through a date.
fn steps(policy: Policy) -> impl Strategy<Value = Vec<Step>> {
    let (max_age, rotation) = (u64::from(policy.max_age), u64::from(policy.rotation));
    let pass = prop_oneof![
        12 => 0..max_age / 3,
        2 => 0..2 * max_age,
        1 => (rotation - 2 * max_age)..3 * rotation,
    ];
    let fault = |probability| prop::bool::weighted(probability);
    let faults = (fault(0.5), fault(0.3), fault(0.2)).prop_map(|(read, make, open)| Faults { read, make, open });
    let step = (pass, prop::array::uniform4(faults)).prop_map(|(pass, faults)| Step { pass, faults });
    prop::collection::vec(step, 1..60)
}

/// Often the tightest that are allowed.
fn policy() -> impl Strategy<Value = Policy> {
    let max_age = prop_oneof![60_u32..300, 60_u32..86_400];
    let token_ttl = prop_oneof![60_u32..300, 60_u32..604_800];
    let more = prop_oneof![Just(0_u32), 0_u32..2_000_000];
    (max_age, token_ttl, more).prop_map(|(max_age, token_ttl, more)| Policy {
        rotation: (4 * max_age).max(3_600) + more,
        max_age,
        token_ttl,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// K3: rotation never makes a good token fail, whatever the settings, whoever asks and when, with clocks
    /// that differ, reads and writes that fail, and keys that cannot be opened when their time comes.
    #[test]
    fn k3_every_token_verifies(
        (policy, steps) in policy().prop_flat_map(|policy| (Just(policy), steps(policy))),
        skew in prop::array::uniform4(0..=CLOCKS / 2),
    ) {
        let mut world = World::default();
        world.run(policy, skew, &steps);
        world.check(policy)?;
    }
}
