//! Sets of label values made of others at compile time.

/// `names` with one more.
pub(super) const fn with<const N: usize, const M: usize>(
    names: [&'static str; N],
    more: &'static str,
) -> [&'static str; M] {
    assert!(M == N + 1);
    let mut all = [more; M];
    let mut index = 0;
    while index < N {
        all[index] = names[index];
        index += 1;
    }
    all
}

/// `names` without the first.
pub(super) const fn without_first<const N: usize, const M: usize>(names: [&'static str; N]) -> [&'static str; M] {
    assert!(M == N - 1);
    let mut rest = [""; M];
    let mut index = 0;
    while index < M {
        rest[index] = names[index + 1];
        index += 1;
    }
    rest
}

/// `names` without the last.
pub(super) const fn without_last<const N: usize, const M: usize>(names: [&'static str; N]) -> [&'static str; M] {
    assert!(M == N - 1);
    let mut rest = [""; M];
    let mut index = 0;
    while index < M {
        rest[index] = names[index];
        index += 1;
    }
    rest
}
