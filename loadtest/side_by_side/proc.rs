//! Lines of the files in `/proc` that have a name and a value each.

/// The value of the first line `name : value`.
pub(crate) fn value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (own, value) = line.split_once(':')?;
        (own.trim() == name).then(|| value.trim())
    })
}

/// The value of a line such as `VmHWM: 1234 kB`.
pub(crate) fn kib(text: &str, name: &str) -> Option<u64> {
    value(text, name)?.strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_first_value_of_that_name() {
        let text = "processor\t: 0\nmodel name\t: A CPU @ 2.00GHz\n\nprocessor\t: 1\nmodel name\t: another\n";
        assert_eq!(value(text, "model name"), Some("A CPU @ 2.00GHz"));
        assert_eq!(value(text, "name"), None);
    }

    #[test]
    fn memory_is_in_kib() {
        let status = "Name:\twrk\nVmPeak:\t  9999 kB\nVmHWM:\t    1234 kB\nThreads:\t1\n";
        assert_eq!(kib(status, "VmHWM"), Some(1234));
        assert_eq!(kib(status, "Threads"), None);
        assert_eq!(kib("Name:\twrk\nState:\tZ (zombie)\n", "VmHWM"), None);
    }
}
