//! The names of this computer's users, by their numbers.

use std::fs;

/// The name of a user, or `number 1000` when the number has no name.
pub(crate) fn name(number: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    find(&users, number).unwrap_or_else(|| format!("number {number}"))
}

fn find(users: &str, number: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, known) = (fields.next()?, fields.next()?, fields.next()?);
        (known.parse() == Ok(number)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n";
        assert_eq!(find(users, 1000).as_deref(), Some("anna"));
        assert_eq!(find(users, 7), None);
    }
}
