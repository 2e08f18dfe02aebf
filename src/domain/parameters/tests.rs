//! The spellings of parameters.

use super::*;

#[test]
fn a_plus_is_a_blank_and_a_plus() {
    let pairs: Vec<_> = parameters("a=1+2&b=%2B&c").collect();
    let pair = |name: &'static str, value: &'static str| (Cow::from(name), Cow::from(value));
    assert_eq!(
        pairs,
        [
            pair("a", "1 2"),
            pair("a", "1+2"),
            pair("b", "+"),
            pair("c", "")
        ]
    );
}

#[test]
fn a_query_is_split_in_every_way() {
    for query in [
        "do=delete",
        "?do=delete",
        "??do=delete",
        "&do=delete",
        "a=1?do=delete",
        "a=1;do=delete",
        "a=1;b?do=delete;c",
        "a=1%26do=delete",
        "a=1%26do%3Ddelete",
        "do%3Ddelete",
        "a%3Fdo=delete",
        "%3Fdo=delete",
        "a=1%3Bdo=delete",
        "do=delet%2565",
        "%2564o=delete",
        "d%6?=delete",
        "x=1&d%6?=de%6<ete",
        "%EF%BB%BFdo=delete",
    ] {
        let mut found = parameters(query);
        assert!(
            found.any(|(name, value)| same_key(&name, "do") && value == "delete"),
            "{query}"
        );
    }
    for query in ["a=do=delete", "a=do%2Cdelete", "undo=delete", "do=%41"] {
        let mut found = parameters(query);
        assert!(
            !found.any(|(name, value)| same_key(&name, "do") && value == "delete"),
            "{query}"
        );
    }
}

#[test]
fn broken_escapes_stay_as_they_are() {
    let pairs: Vec<_> = parameters("a=%zz%4&b=%ff").collect();
    assert_eq!(pairs[0].1, "%zz%4");
    assert_eq!(pairs[1].1, "\u{fffd}");
}

#[test]
fn one_key_has_many_spellings() {
    for sent in [
        "user_id",
        "USER_ID",
        "user_id[]",
        "user_id[0]",
        "user_id[a][b]",
        "[user_id]",
        "user_id]",
        "[[user_id",
        "user.id",
        " user id",
        "user_id ",
        "\u{a0}user_id\u{3000}",
        "user[id",
        "User.ID[ ]",
        "user_id\0x",
        "?user_id",
        "??user_id",
        " ?user_id",
        "?\u{FEFF}user_id",
        "\u{FEFF}user_id",
        "\u{1}user_id\u{1f}",
        "?user.id[]",
    ] {
        assert!(same_key(sent, "user_id"), "{sent}");
    }
    for sent in [
        "user[id]",
        "user[id]junk",
        "[user][id]",
        "user[ID][]",
        "user_id",
    ] {
        assert!(same_key(sent, "user[id]"), "{sent}");
    }
    for sent in [
        "user_ids",
        "user",
        "x[user_id]",
        "user_id_",
        "",
        "[]",
        "\0user_id",
        "user_id?",
        "user?_id",
    ] {
        assert!(!same_key(sent, "user_id"), "{sent}");
    }
    for (sent, known) in [
        (".do", "do"),
        ("do.x", "do"),
        ("do[x].y", "do"),
        (".user[id]", "user[id]"),
        ("user.id.x", "user[id]"),
        ("user.id.x", "user.id"),
        ("USER.id", "user[id]"),
    ] {
        assert!(may_be_key(sent, known), "{sent}");
    }
    for (sent, known) in [
        ("do_x", "do"),
        ("x.do", "do"),
        ("user.name", "user.id"),
        ("undo.x", "do"),
    ] {
        assert!(!may_be_key(sent, known), "{sent}");
    }
    assert!(!same_key("user[name]", "user[id]"));
    assert!(!same_key("user[name]", "[]"));
}
