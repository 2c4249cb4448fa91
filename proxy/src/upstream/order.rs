//! The order in which origins are tried.

/// Indices of the origins (given nearest first) to try: the healthy ones by distance, then the others. When none is
/// healthy all count as healthy, as in Route 53.
pub(crate) fn order(healthy: &[bool]) -> Vec<usize> {
    let with = |state: bool| (0..healthy.len()).filter(move |&index| healthy[index] == state);
    with(true).chain(with(false)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn healthy_first_each_by_distance() {
        assert_eq!(order(&[true, true, true]), [0, 1, 2]);
        assert_eq!(order(&[false, true, true]), [1, 2, 0]);
        assert_eq!(order(&[false, false, true]), [2, 0, 1]);
        assert_eq!(order(&[false, false, false]), [0, 1, 2]);
        assert_eq!(order(&[]), [] as [usize; 0]);
    }
}
