//! Who runs a command, as the audit log names them.

use std::fs;

/// `anna (uid 1000)`, `anna (uid 1000) as root (uid 0)` after sudo or su, or what `--by` says in place of
/// the names. The ids are the kernel's: nobody can give another.
pub(super) fn named(by: Option<&str>) -> String {
    let user = rustix::process::getuid().as_raw();
    let login = login().unwrap_or(user);
    let names = fs::read_to_string("/etc/passwd").unwrap_or_default();
    match by {
        Some(name) if login == user => format!("{name} (uid {user})"),
        Some(name) => format!("{name} (uid {login} as uid {user})"),
        None if login == user => described(user, &names),
        None => format!(
            "{} as {}",
            described(login, &names),
            described(user, &names)
        ),
    }
}

/// The user who logged in, before any sudo; Linux keeps it.
fn login() -> Option<u32> {
    let text = fs::read_to_string("/proc/self/loginuid").ok()?;
    // The highest number stands for nobody: a service, a container.
    text.trim().parse().ok().filter(|id| *id != u32::MAX)
}

fn described(id: u32, passwd: &str) -> String {
    match name_of(id, passwd) {
        Some(name) => format!("{name} (uid {id})"),
        None => format!("uid {id}"),
    }
}

/// The name in a file of the form of `/etc/passwd`: `name:password:uid:…`.
fn name_of(id: u32, passwd: &str) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(id)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_number_and_a_number_stands_for_itself() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# note\nanna:x:1000:1000::/home/anna:\n";
        assert_eq!(described(1000, passwd), "anna (uid 1000)");
        assert_eq!(described(100, passwd), "uid 100");
        assert!(named(Some("Anna B.")).starts_with("Anna B. (uid "));
    }
}
