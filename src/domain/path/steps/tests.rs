//! Each step by itself.

use super::*;

#[test]
fn each_step_does_one_thing() {
    let cases: &[(Step, &str, Option<&str>)] = &[
        (encoded_slash_as_slash, "/a%2fb%2Fc%41", Some("/a/b/c%41")),
        (encoded_slash_as_slash, "/a%41", None),
        (cut_authority, "//x/a/b", Some("/a/b")),
        (cut_authority, "////u@h:1/a", Some("/a")),
        (cut_authority, "//x", Some("/")),
        (cut_authority, "//x?/a", Some("/")),
        (cut_authority, "//x//a", Some("//a")),
        (cut_authority, "/a//x/b", None),
        (merge_slashes, "//a///b/", Some("/a/b/")),
        (cut_parameters, "/a;x=1/b;y", Some("/a/b")),
        (cut_at_semicolon, "/a;x=1/b;y", Some("/a")),
        (cut_at_semicolon, "/;/a", Some("/")),
        (cut_at_semicolon, "/a", None),
        (cut_segment_heads, "/ a/\u{3000}b/c", Some("/a/b/c")),
        (cut_segment_heads, "/a / ..", None),
        (fold_compatible, "/ａｄｍｉｎ/ﬁ", Some("/admin/fi")),
        (fold_compatible, "/a\u{200B}b\u{AD}", Some("/ab")),
        (fold_compatible, "/caf\u{e9}", None),
        (fold_compatible, "/…", None),
        (fold_compatible, "/a/．．/b", None),
        (cut_segment_tails, "/a./b . /c", Some("/a/b/c")),
        (cut_segment_tails, "/a.php::$DATA", Some("/a.php")),
        (fold_digits, "/a/\u{665}\u{96b}/\u{1d7d8}", Some("/a/55/0")),
        (fold_digits, "/caf\u{e9}", None),
        (cut_cookieless, "/(S(x))/a/b", Some("/a/b")),
        (cut_cookieless, "/a/(b)/(A(x)F(y))/c", Some("/a/(b)/c")),
        (cut_cookieless, "/a/(S(x))b/c", Some("/ab/c")),
        (cut_cookieless, "/(F(x))a", Some("/a")),
        (cut_cookieless, "/a/(b)/c", None),
        (cut_data_request, "/a/__data.json", Some("/a")),
        (cut_data_request, "/__data.json", Some("/")),
        (cut_data_request, "/_next/data/x-1/a/b.json", Some("/a/b")),
        (cut_data_request, "/base/_next/data/x/a.json", Some("/a")),
        (cut_data_request, "/_next/static/a.json", None),
        (cut_trailing_slashes, "/a//", Some("/a")),
        (cut_trailing_slashes, "/", None),
        (cut_suffix, "/a.b.json", Some("/a.b")),
        (cut_suffix, "/a.json/b", None),
        (cut_suffix, "/.env", None),
        (cut_known_suffix, "/v1.2", None),
        (cut_known_suffix, "/a.XML", Some("/a")),
        (cut_index_file, "/a/index.php", Some("/a/")),
        (cut_index_file, "/a/index", None),
        (cut_path_info, "/a.php/b/c", Some("/a.php")),
        (cut_path_info, "/a.php", None),
        (cut_path_info, "/a.png/b", None),
        (drop_front_controller, "/index.php/b/c", Some("/b/c")),
        (drop_front_controller, "/a/index.php/b", Some("/a/b")),
        (drop_front_controller, "/a.php/", None),
        (drop_front_controller, "/a.php", None),
        (cut_suffix, "/a.not-a_format~at-all", Some("/a")),
        (cut_query, "/a?b", Some("/a")),
        (backslash_as_slash, "/a\\b", Some("/a/b")),
        (drop_controls, "/a\tb", Some("/ab")),
        (cut_at_nul, "/a\0.png", Some("/a")),
        (decode_unicode_escapes, "/%u0061%41", Some("/a%41")),
        (resolve_dots, "/a/./b/../c", Some("/a/c")),
        (resolve_dots, "/../..", Some("/")),
    ];
    for (step, path, read) in cases {
        assert_eq!(step(path).as_deref(), *read, "{path}");
    }
}

#[test]
fn no_cut_of_ours_makes_a_dot_segment() {
    for path in ["/a/..json", "/a/. .json", "/a/...", "/a/.."] {
        assert_eq!(cut_suffix(path), None, "{path}");
        assert_eq!(cut_segment_tails(path), None, "{path}");
    }
}
