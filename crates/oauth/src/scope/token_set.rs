use std::collections::BTreeSet;

/// Up to how many tokens are kept in place and compared one by one: as many as most clients ask for.
pub(super) const FEW: usize = 8;

/// A set of tokens. Up to [`FEW`] need no allocation; more are kept sorted, so that the work grows with
/// n log n and not with the square of what a stranger sends.
pub(super) struct TokenSet<T> {
    few: [Option<T>; FEW],
    /// All tokens, as soon as there are more than [`FEW`].
    many: BTreeSet<T>,
}

impl<T: Copy + Ord> TokenSet<T> {
    /// The empty set.
    pub(super) const fn new() -> Self {
        Self { few: [None; FEW], many: BTreeSet::new() }
    }

    /// Adds a token; `false` if it was there already.
    pub(super) fn insert(&mut self, token: T) -> bool {
        if self.many.is_empty() {
            for place in &mut self.few {
                match place {
                    None => {
                        *place = Some(token);
                        return true;
                    }
                    Some(own) if *own == token => return false,
                    Some(_) => {}
                }
            }
            self.many.extend(self.few.iter().flatten());
        }
        self.many.insert(token)
    }

    /// Whether the token is there.
    pub(super) fn contains(&self, token: &T) -> bool {
        if self.many.is_empty() { self.few.iter().flatten().any(|own| own == token) } else { self.many.contains(token) }
    }
}

impl<T: Copy + Ord> FromIterator<T> for TokenSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(tokens: I) -> Self {
        let mut set = Self::new();
        for token in tokens {
            set.insert(token);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;

    use super::*;

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    /// A token that counts how often tokens are compared on this thread.
    #[derive(Clone, Copy)]
    struct Counted(usize);

    impl Ord for Counted {
        fn cmp(&self, other: &Self) -> Ordering {
            COMPARED.set(COMPARED.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other).is_eq()
        }
    }

    impl Eq for Counted {}

    /// T4: each token costs a logarithm of comparisons, in whatever order the tokens come: for the 2048 tokens that
    /// 4096 bytes can hold at most 64 each, where a comparison with all earlier ones takes 1024 on average.
    #[test]
    fn t4_the_work_does_not_grow_with_the_square() {
        const TOKENS: usize = 2048;
        let orders: [fn(usize) -> usize; 3] = [|n| n, |n| TOKENS - n, |n| n * 1031 % TOKENS];
        for order in orders {
            COMPARED.set(0);
            let mut set = TokenSet::new();
            assert!((0..TOKENS).all(|n| set.insert(Counted(order(n)))));
            assert!((0..TOKENS).all(|n| !set.insert(Counted(order(n)))));
            assert!((0..TOKENS).all(|n| set.contains(&Counted(order(n)))));
            assert!(COMPARED.get() < 3 * TOKENS * 64, "{}", COMPARED.get());
        }
    }

    /// T4: the set is the same on both sides of the bound between few and many.
    #[test]
    fn t4_few_and_many() {
        for size in 0..3 * FEW {
            let mut set = TokenSet::new();
            assert!((0..size).all(|token| set.insert(token)));
            assert!((0..size).all(|token| !set.insert(token) && set.contains(&token)), "{size}");
            assert!(!set.contains(&size), "{size}");
        }
    }
}
