//! Proxima: the first tier alone, or the ring alone.

use std::path::Path;

use super::Peer;
use crate::server::Running;
use crate::setting::Setting;
use crate::side_by_side::process::{START_TIMEOUT, pinned};
use crate::started::{self, Started};
use crate::tier::Tier;

/// Starts it with one worker and waits until it says that it is ready.
pub(super) async fn start(program: &Path, setting: &Setting) -> anyhow::Result<Running> {
    let file = setting.write("proxima.toml", &configuration(setting))?;
    let command = pinned(setting.core, "KILL", program);
    let Started { process, http, tls } = started::start(command, &file, &setting.dir, START_TIMEOUT).await?;
    Ok(Running {
        http,
        tls,
        processes: vec![process],
    })
}

fn configuration(setting: &Setting) -> String {
    let template = match setting.tier {
        Tier::L1 => include_str!("../proxima.toml.in"),
        Tier::L2 => include_str!("../proxima-ring.toml.in"),
    };
    setting.fill(template, Peer::Proxima, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::tests::{example, unfilled};

    #[test]
    fn configurations_have_no_words_left_to_fill_in() {
        for tier in Tier::ALL {
            let text = configuration(&example(tier));
            assert_eq!(unfilled(&text), [""; 0], "{tier:?}");
        }
    }
}
