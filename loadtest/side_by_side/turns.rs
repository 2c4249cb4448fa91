//! Who is compared takes turns, so that whatever else the machine does hits all.

/// Measures each of `contenders` once in each round, one after another, and hands what comes of it to `tell` with the
/// number of the round. Returns each one's measurements; the first error ends it.
pub(crate) async fn by_turns<C, M>(
    rounds: u32,
    contenders: &[C],
    measure: impl AsyncFn(&C) -> anyhow::Result<M>,
    tell: impl Fn(u32, &C, &M),
) -> anyhow::Result<Vec<Vec<M>>> {
    let mut measured: Vec<Vec<M>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        for (contender, measured) in contenders.iter().zip(&mut measured) {
            let one = measure(contender).await?;
            tell(round, contender, &one);
            measured.push(one);
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn each_is_measured_in_each_round_before_the_next_begins() {
        let (order, told) = (RefCell::new(String::new()), RefCell::new(Vec::new()));
        let measure = async |name: &char| {
            order.borrow_mut().push(*name);
            Ok(order.borrow().len())
        };
        let measured = by_turns(2, &['a', 'b'], measure, |round, name, place| {
            told.borrow_mut().push((round, *name, *place));
        });
        assert_eq!(measured.await.unwrap(), [[1, 3], [2, 4]]);
        assert_eq!(
            told.into_inner(),
            [(1, 'a', 1), (1, 'b', 2), (2, 'a', 3), (2, 'b', 4)]
        );
    }

    #[tokio::test]
    async fn an_error_ends_it() {
        let measure = async |good: &bool| if *good { Ok(()) } else { anyhow::bail!("bad") };
        let measured = by_turns(1, &[true, false], measure, |_, _, ()| ()).await;
        assert_eq!(measured.unwrap_err().to_string(), "bad");
    }
}
