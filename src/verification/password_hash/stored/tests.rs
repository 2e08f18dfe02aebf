//! Hashes of other programs: which match, and which are refused.

use super::*;

const PASSWORD: &str = "correct horse";

/// Of [`PASSWORD`], as Django 5, Werkzeug 3, passlib 1.7, OpenSSL and Apache's htpasswd wrote them.
const READ: &[&str] = &[
    "$argon2id$v=19$m=64,t=1,p=1$c2FsdFNBTFQxMg$Tea6BtvNcp3FY0Ca25BncJpR4mBnMitEsoam0wvhWe8",
    "argon2$argon2id$v=19$m=64,t=1,p=1$c2FsdFNBTFQxMg$Tea6BtvNcp3FY0Ca25BncJpR4mBnMitEsoam0wvhWe8",
    "{ARGON2}$argon2id$v=19$m=64,t=1,p=1$c2FsdFNBTFQxMg$Tea6BtvNcp3FY0Ca25BncJpR4mBnMitEsoam0wvhWe8",
    "$2y$04$4SrwL6c6r26f5DVb4ONveu0FzjiABwb8BMVVhjBE..cno0gq3VOFm",
    "$2a$04$.qGwvC7UKVSbJiKceovG7uBxj5e1U/6K023eQxQlsKDYYypoShM8m",
    "$2b$04$4Aploqn3rhDaEF0f0GFPOug0C1B85RcCyw4bhpDQ7S/foCtHarLjm",
    "{BLF-CRYPT}$2y$04$4SrwL6c6r26f5DVb4ONveu0FzjiABwb8BMVVhjBE..cno0gq3VOFm",
    "bcrypt$$2b$04$BRA6Fdysd/3w0kA1HTVH0uO9WfbajIucC7CCIESKPDIqdx66D/7y2",
    "bcrypt_sha256$$2b$04$XOi.FLq0lJ2ry9gttUb98.RiT.AKIOKOK0NlOlFv2BCcsQVhEF2dq",
    "pbkdf2_sha256$1000$saltSALT12$aNFNgDo0za0VVTcBJJGCIJ/Jp1xfTKPQjKCBKcs9hFU=",
    "pbkdf2_sha1$1000$saltSALT12$qHFKlQvZiHzlLrFzUcs8VIWfmrM=",
    "scrypt$16$saltSALT12$8$1$ZTfjdocV7tkPlZFTF4W7Sl6Or6xQbtv2E5lrVFV2uCLO1wWtxqOm3Q5rhEDk/LR6yLerVQXgBl8aerfkF6ENRA==",
    "pbkdf2:sha256:1000$7GylD4iV$bcedae1afae4499ce24784dc2b128988b09959463080051c78339c820f5db892",
    "pbkdf2:sha1:1000$CL9Fq2CO$bb0ea45ff6c7ca7fe288d521f5fcba682ab43b97",
    "pbkdf2:sha512:1000$PXRnlO8f$02ae2397d38aa1a6409f6f4f0c278f8928fb9c79349acb28a52b0e4863547b3df91c0b8e37fc1e182c860b8de31ba282fae848a371781900c91ff3cbc35d2119",
    "scrypt:1024:8:1$j67oBqqq$0683b7f58668e18b808c838189eba28545b7d075dc3d55172f7dce400607764db32b17be68b3c77d967bcd052c44c6a05dfdb023b546282fc5e0272a0b6b2b77",
    "$pbkdf2-sha256$1000$a43R.j.nNCZkzDkHICQkhA$.c6oyJLba9GxFkeo06E/AvWaCbdiwqh3ff1KpwD48Xo",
    "$pbkdf2-sha256$i=1000,l=32$a43R+j+nNCZkzDkHICQkhA$+c6oyJLba9GxFkeo06E/AvWaCbdiwqh3ff1KpwD48Xo",
    "$pbkdf2-sha512$1000$rjVmTOk9B4CQkpKyVuqdUw$U7LNXnzH5opchIVoHAtrHxWAjwt0JQRq/s4fM6t9wWwarvSH8Zndwbkge1HvXMMh1RjKpm5bJfTeJqV16pocFA",
    "$pbkdf2$1000$NQbA2Btj7D3nXIvx/v/fGw$lWD1S.nGfLVqsnSYdw0iP/AS1aA",
    "$scrypt$ln=4,r=8,p=1$TqlVKoXQ+l+LEeL8/x9j7A$5K0ndJP8Y//NN0KP3GfQLEVpmsB7Z3BXhvk/y0VtmxU",
    "$apr1$EvAUeIOx$kJ9PfaO9gvIMjIGhlUKxh0",
    "$1$EQmEtLck$tIiKoWBO1vp181ml4m5wz1",
    "$5$rounds=1000$ZoYSSzO2XzDSc48V$XYkJ0/5JudP0SUYdx9ephu5h8af1Wi.dRbPK9IeOGp7",
    "$6$5btfKOnkN94QBxFk$j2wTKrVbsNggelzdFi/QSjV8.wD8eigewE4h3BJwuvzvKyvgrM8wvgtE8ldMsGrKTZ13a1aTKFaGfU5TpTJ/11",
    "$6$rounds=1000$8d8baWrWl9jbIb.l$qA4B4mev/ZdpZKEHcaeBlQcQ4k5o0u0Nr3v9tyoEZ52FG.r17u5mtUXL.nwqhhIUUWQ3CEc6oq14ye6AmajqY1",
    "{CRYPT}$6$rounds=1000$VskLDAGSFFXwh5Qu$6V7jrTIiG/RgZISOEtKW5n6JiuIH2JWTFCget3snUZA1jdMJhDlAiVOotFw9l7N.5fAE1XT2QZ7NGkrrCnUcP1",
];

fn fault(text: &str) -> HashFault {
    let Err(fault) = StoredHash::read(text) else {
        panic!("`{text}` was taken");
    };
    fault
}

#[test]
fn the_right_password_matches_in_every_format_and_no_other() {
    let mut memory = Vec::new();
    for hash in READ {
        let read = StoredHash::read(hash).unwrap_or_else(|fault| panic!("{hash}: {fault}"));
        assert!(read.matches(PASSWORD.as_bytes(), &mut memory), "{hash}");
        for wrong in ["", "correct", "correct horse ", "Correct horse", hash] {
            assert!(
                !read.matches(wrong.as_bytes(), &mut memory),
                "{hash} {wrong}"
            );
        }
    }
}

#[test]
fn a_hash_that_was_cut_or_changed_matches_nothing() {
    let mut memory = Vec::new();
    for hash in READ {
        for length in 0..hash.len() {
            let Ok(read) = StoredHash::read(&hash[..length]) else {
                continue;
            };
            // PBKDF2 and scrypt derive as many bytes as are asked for: 16 of them are a hash.
            if let StoredHash::Derived(_) = read
                && length - hash.rfind('$').unwrap() > 16 * 8 / 6
            {
                continue;
            }
            assert!(
                !read.matches(PASSWORD.as_bytes(), &mut memory),
                "{hash} {length}"
            );
        }
        // The last sign but one, where no padding is.
        let at = hash.trim_end_matches('=').len() - 2;
        let other = if &hash[at..=at] == "a" { "b" } else { "a" };
        let changed = format!("{}{other}{}", &hash[..at], &hash[at + 1..]);
        if let Ok(read) = StoredHash::read(&changed) {
            assert!(!read.matches(PASSWORD.as_bytes(), &mut memory), "{changed}");
        }
    }
}

#[test]
fn md5_crypt_is_apaches_for_passwords_of_any_length() {
    let umlauts = "äöü".repeat(30);
    for (password, hash) in [
        ("", "$apr1$abcd1234$9ARrPhupKa1ZPJFmPEwwo."),
        ("a", "$apr1$abcd1234$0k2xcvade/h3Klo4QJveF1"),
        (&umlauts, "$apr1$abcd1234$hp1mIBYc6Z7qHKrNZgd5p0"),
        (&"x".repeat(17), "$apr1$abcd1234$YrS7nC8rCo0XOh/EuXyoJ0"),
        (&"x".repeat(100), "$apr1$abcd1234$yarqyh78z2GtYuefgmwDx."),
        ("secret", "$apr1$a$PtM1vJaZieHDFk40mKMu6/"),
    ] {
        let read = StoredHash::read(hash).unwrap_or_else(|fault| panic!("{hash}: {fault}"));
        assert!(read.matches(password.as_bytes(), &mut Vec::new()), "{hash}");
    }
}

#[test]
fn weak_hashes_are_refused_with_what_to_do() {
    for (hash, named) in [
        ("{SSHA}T0siMKSobvtWnZrAmWspN8dohEXMGcPY", "{SSHA}"),
        ("{ssha}T0siMKSobvtWnZrAmWspN8dohEXMGcPY", "{SSHA}"),
        ("{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=", "{SHA}"),
        ("{SMD5}dCcqfHZX6+idM8dromKl3eSc894=", "{SMD5}"),
        ("{SSHA512}dCcqfHZX6+idM8dromKl3eSc894=", "{SSHA256}"),
        ("{CLEARTEXT}secret", "clear text"),
        ("{CRYPT}0hXvTUVzzfI36", "DES"),
        ("0hXvTUVzzfI36", "DES"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "MD5"),
        ("md5$saltSALT12$cd6adc2ff8440ac3d88b9a9fe4215cd4", "MD5"),
        ("sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "SHA"),
        (
            "$2x$04$4SrwL6c6r26f5DVb4ONveu0FzjiABwb8BMVVhjBE..cno0gq3VOFm",
            "bcrypt",
        ),
        (
            "pbkdf2_sha256$999$s$aNFNgDo0za0VVTcBJJGCIJ/Jp1xfTKPQjKCBKcs9hFU=",
            "PBKDF2",
        ),
    ] {
        let fault = fault(hash);
        assert!(matches!(fault, HashFault::Weak(_)), "{hash}: {fault}");
        let told = fault.to_string();
        assert!(
            told.contains(named) && told.contains("stepgate user passwd"),
            "{told}"
        );
    }
}

#[test]
fn a_hash_that_would_take_minutes_to_check_is_refused() {
    let tag = "aNFNgDo0za0VVTcBJJGCIJ/Jp1xfTKPQjKCBKcs9hFU";
    for hash in [
        "$2b$31$4Aploqn3rhDaEF0f0GFPOug0C1B85RcCyw4bhpDQ7S/foCtHarLjm".to_owned(),
        "$2b$17$4Aploqn3rhDaEF0f0GFPOug0C1B85RcCyw4bhpDQ7S/foCtHarLjm".to_owned(),
        format!("pbkdf2_sha256$4294967295$salt${tag}="),
        format!("$pbkdf2-sha256$i=10000001$c2FsdA${tag}"),
        format!("$scrypt$ln=40,r=8,p=1$c2FsdA${tag}"),
        format!("$scrypt$ln=70,r=8,p=1$c2FsdA${tag}"),
        format!("$scrypt$ln=4,r=4294967295,p=4294967295$c2FsdA${tag}"),
        format!("scrypt$18446744073709551615$salt$8$1${tag}="),
        format!("$6$rounds=999999999$salt${}", "a".repeat(86)),
        format!("$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdFNBTFQxMg${tag}"),
        format!("$argon2id$v=19$m=64,t=4294967295,p=1$c2FsdFNBTFQxMg${tag}"),
    ] {
        let fault = fault(&hash);
        assert!(matches!(fault, HashFault::Costly { .. }), "{hash}: {fault}");
    }
}

#[test]
fn what_would_match_any_password_is_no_hash() {
    for hash in [
        "",
        "$",
        "$$",
        "!",
        "*",
        "x",
        "!9PZTJ8GfXqx1LlZSwHYuMymvkJu6WXmzYLPFjXtT",
        "$scrypt$ln=4,r=8,p=1$TqlVKoXQ+l+LEeL8/x9j7A$",
        "$scrypt$ln=4,r=8,p=1$TqlVKoXQ+l+LEeL8/x9j7A$YQ",
        "$scrypt$ln=0,r=0,p=0$TqlVKoXQ+l+LEeL8/x9j7A$5K0ndJP8Y//NN0KP3GfQLEVpmsB7Z3BXhvk/y0VtmxU",
        "pbkdf2_sha256$1000$saltSALT12$",
        "pbkdf2:sha256:1000$salt$",
        "pbkdf2:sha256:0$salt$bcedae1afae4499ce24784dc2b128988",
        "$apr1$EvAUeIOx$",
        "$apr1$$kJ9PfaO9gvIMjIGhlUKxh0",
        "$apr1$EvAUeIOx$kJ9PfaO9gvIMjIGhlUKxhz",
        "$6$salt$",
        "$6$rounds=1000$salt",
        "$y$j9T$salt$hash",
        "$P$61EE7c5suCuWNxrm8Ty/hLWhSrJBA7.",
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ",
    ] {
        let fault = fault(hash);
        let known = matches!(fault, HashFault::Malformed(_) | HashFault::Unknown);
        assert!(known, "{hash}: {fault}");
    }
}
