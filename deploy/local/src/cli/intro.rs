//! What has been started, and commands to try it with.

use std::time::Duration;

use proxima_local::{Memcached, World};

use super::table::aligned;

/// Profile that the commands are about; the self-check leaves it alone.
const PROFILE: u32 = 7;

/// The table of regions and the commands.
pub(crate) fn text(world: &World, took: Duration) -> String {
    let heading = ["region", "URL", "plain HTTP", "admin", "ring nodes", "origin"].map(str::to_owned);
    let mut rows = vec![heading];
    for region in world.regions() {
        let ring: Vec<_> = region.ring().iter().map(Memcached::address).collect();
        let proxies = region.proxies();
        rows.extend(proxies.iter().map(|proxy| {
            [
                region.name().to_owned(),
                proxy.https_url(),
                proxy.http_url(),
                proxy.admin_url(),
                ring.join(", "),
                region.origin_url().to_owned(),
            ]
        }));
    }
    format!(
        "Up in {:.1} s; files are in {}\n\n{}\n{}\n",
        took.as_secs_f64(),
        world.dir().display(),
        aligned(&rows),
        commands(world)
    )
}

/// Lines that work when pasted.
fn commands(world: &World) -> String {
    let [near, .., far] = world.regions() else {
        return String::new();
    };
    let (here, there) = (near.name(), far.name());
    let (near, far) = (near.proxy(), far.proxy());
    let (near_url, far_url, admin_url) = (near.https_url(), far.https_url(), near.admin_url());
    let ca = quoted(&world.ca().cert_path().display().to_string());
    format!(
        r#"# a miss, and a hit when run again: see Cache-Status
curl -i --cacert {ca} '{near_url}/profiles/{PROFILE}?fields=headline' -w '\n'
# write in {there}, then run the first again: {here} has the new headline
curl -sS -D - -o /dev/null --cacert {ca} {far_url}/profiles/{PROFILE} \
  -X PATCH -H 'Content-Type: application/json' -d '{{"headline":"Hello from {there}"}}'
# lists, and what operators see
curl -i --cacert {ca} '{near_url}/jobs?limit=3' -w '\n'
curl {admin_url}/readyz -w '\n'
curl {admin_url}/metrics
"#
    )
}

/// A word for the shell, in quotes if it needs them.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_folders_are_quoted() {
        assert_eq!(quoted("/tmp/a-1/ca.pem"), "/tmp/a-1/ca.pem");
        assert_eq!(quoted("/tmp/it's here/ca.pem"), r"'/tmp/it'\''s here/ca.pem'");
    }
}
