//! The times of the pure path of a token, and of the scopes that a request can bring.

mod pure;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokenmint_oauth::scope::Scope;

use crate::pure::PurePath;

fn token(criterion: &mut Criterion) {
    let path = PurePath::new();
    criterion.bench_function("token: parse, authenticate, decide, signing input", |bencher| {
        bencher.iter(|| path.signing_input());
    });
}

/// A scope of so many bytes in as many tokens as they hold, all of them different: the most work that a request can
/// make of it.
fn hostile_scope(bytes: usize) -> String {
    // Two characters and a space.
    const CHARACTERS: &[u8] =
        b"!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz";
    let tokens = CHARACTERS.iter().flat_map(|a| CHARACTERS.iter().map(|b| [char::from(*a), char::from(*b)]));
    let mut scope: String = tokens.take(bytes / 3).flat_map(|[a, b]| [a, b, ' ']).collect();
    scope.pop();
    scope
}

/// Scopes of growing length: twice the bytes are to take about twice the time, not four times.
fn scopes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scope");
    for bytes in [512, 1024, 2048, 4096] {
        let text = hostile_scope(bytes);
        let asked = Scope::parse(&text).expect("a scope");
        // The same tokens in another order: equal texts need no look at the tokens.
        let registered: Scope = text.split(' ').rev().collect();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("parse", bytes), |bencher| {
            bencher.iter(|| Scope::parse(black_box(&text)));
        });
        group.bench_function(BenchmarkId::new("is_subset_of", bytes), |bencher| {
            bencher.iter(|| black_box(&asked).is_subset_of(black_box(&registered)));
        });
        group.bench_function(BenchmarkId::new("reduced_to", bytes), |bencher| {
            bencher.iter(|| black_box(&asked).reduced_to(black_box(&registered)));
        });
    }
    group.finish();
}

criterion_group!(benches, token, scopes);
criterion_main!(benches);
