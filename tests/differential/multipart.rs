//! Bodies of forms in parts, and their content types, as one parser reads them and another does not.

use crate::generator::{
    BLANKS, Chance, disturbed, inserted, octal, other_case, percent, replaced, with_one,
};

/// The content type and the body of one field, honest.
const TYPE: &[u8] = b"multipart/form-data; boundary=b";
const BODY: &[u8] =
    b"--b\r\nContent-Disposition: form-data; name=\"NAME\"\r\n\r\nVALUE\r\n--b--\r\n";

/// Content types beside the honest one.
const TYPES: &[&[u8]] = &[
    b"application/x-www-form-urlencoded",
    b"APPLICATION/X-WWW-Form-Urlencoded",
    b"application/x-www-form-urlencoded; charset=utf-16",
    b"application/x-www-form-urlencoded; charset=utf-7",
    b"application/x-www-form-urlencoded; charset=ibm037",
    b"application/x-www-form-urlencoded;",
    b"application/x-www-form-urlencoded, text/plain",
    b"text/plain",
    b"text/plain, application/x-www-form-urlencoded",
    b"text/plain; a=application/x-www-form-urlencoded",
    b"text/plain; a=multipart/form-data; boundary=b",
    b"application/json",
    b"application/octet-stream",
    b"",
    b"x",
    b"multipart/form-data",
    b"multipart/form-data; boundary=\"b\"",
    b"multipart/form-data; boundary=b; boundary=c",
    b"multipart/form-data; boundary=c; boundary=b",
    b"multipart/form-data; xboundary=c; boundary=b",
    b"multipart/form-data; boundary*=utf-8''b",
    b"multipart/form-data; boundary*0=b",
    b"multipart/form-data; Boundary=b",
    b"multipart/form-data boundary=b",
    b"multipart/form-data, boundary=b",
    b"multipart/form-data; boundary=b, x",
    b"multipart/form-data; boundary =b",
    b"multipart/form-data; boundary='b'",
    b"multipart/form-data; boundary=b; charset=utf-16",
    b"multipart/form-data; charset=utf-8; boundary=b",
    b"multipart/mixed; boundary=b",
    b"multipart/related; boundary=b",
    b"Multipart/Form-Data; boundary=b",
];

/// What the head of a part says of its name.
const DISPOSITIONS: &[&[u8]] = &[
    b"Content-Disposition: form-data; name=NAME",
    b"Content-Disposition: form-data; name='NAME'",
    b"Content-Disposition: form-data; name=\"NA\\ME\"",
    b"Content-Disposition: form-data; name=\"NAME\"; filename=\"\"",
    b"Content-Disposition: form-data; name=\"NAME\"; filename=\"f\"",
    b"Content-Disposition: form-data; name=\"NAME\"; filename=",
    b"Content-Disposition: form-data; filename=\"f\"; name=\"NAME\"",
    b"Content-Disposition: form-data; name=\"NAME\"; filename*=utf-8''f",
    b"Content-Disposition: form-data; name*=utf-8''NAME",
    b"Content-Disposition: form-data; name=\"x\"; name=\"NAME\"",
    b"Content-Disposition: form-data; name=\"NAME\"; name=\"x\"",
    b"Content-Disposition: form-data; name=\"x\"; name*=utf-8''NAME",
    b"Content-Disposition: form-data; name=\"x; name=NAME\"",
    b"Content-Disposition: form-data; x=\"; name=NAME\"",
    b"Content-Disposition: form-data; NAME=\"NAME\"",
    b"Content-Disposition: form-data; name =\"NAME\"",
    b"Content-Disposition: form-data;name=\"NAME\"",
    b"Content-Disposition: form-data name=\"NAME\"",
    b"Content-Disposition: attachment; name=\"NAME\"",
    b"Content-Disposition: name=\"NAME\"",
    b"Content-Disposition : form-data; name=\"NAME\"",
    b"content-disposition:form-data; name=\"NAME\"",
    b"Content-Disposition: form-data;\r\n name=\"NAME\"",
    b"X: y\r\nContent-Disposition: form-data; name=\"NAME\"",
    b"X: Content-Disposition: form-data; name=\"NAME\"",
    b"X-Content-Disposition: form-data; name=\"NAME\"",
    b"Content-Disposition: form-data; name=\"x\"\r\nContent-Disposition: form-data; name=\"NAME\"",
    b"Content-Type: text/plain; charset=utf-16\r\nContent-Disposition: form-data; name=\"NAME\"",
    b"Content-Type: text/plain; charset=utf-7\r\nContent-Disposition: form-data; name=\"NAME\"",
    b"Content-Type: application/json\r\nContent-Disposition: form-data; name=\"NAME\"",
    b"Content-Type: multipart/mixed; boundary=c\r\nContent-Disposition: form-data; name=\"NAME\"",
    b"Content-Transfer-Encoding: quoted-printable\r\nContent-Disposition: form-data; name=\"NAME\"",
    b"Content-Transfer-Encoding: 8bit\r\nContent-Disposition: form-data; name=\"NAME\"",
    b"Content-Length: 3\r\nContent-Disposition: form-data; name=\"NAME\"",
];

/// Values that some parser decodes.
const VALUES: &[&[u8]] = &[
    b"VALUE\r\n",
    b"\r\nVALUE",
    b"VALUE\n",
    b" VALUE",
    b"VALUE ",
    b"VALUE\0",
    b"=44elete",
    b"ZGVsZXRl",
    b"\xef\xbb\xbfVALUE",
    b"x",
    b"VALUE\r\n--b",
    b"VALUE\r\n--bx\r\n",
    b"\"VALUE\"",
];

/// What is put into bodies.
const JUNK: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"--b",
    b"--b--",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"--",
    b" ",
    b"\t",
    b";",
    b"\"",
    b"'",
    b"\\",
    b"\0",
    b"=",
    b"x",
    b":",
    b"%",
    b"[]",
    b"[x]",
    b".",
    b"filename=\"\"; ",
    b"name=x; ",
    b"\xff",
    b"\xc3\xa9",
    b"\x0b",
    b"\x1c",
    b"&",
];

/// The odd ones of the tables, as content type and body.
pub(crate) fn odd() -> impl Iterator<Item = [Vec<u8>; 2]> {
    let mut all = vec![whole(TYPE, BODY.to_vec())];
    all.extend(TYPES.iter().map(|kind| whole(kind, BODY.to_vec())));
    all.extend(TYPES.iter().map(|kind| whole(kind, b"NAME=VALUE".to_vec())));
    let plain = b"Content-Disposition: form-data; name=\"NAME\"";
    all.extend(
        DISPOSITIONS
            .iter()
            .map(|it| whole(TYPE, replaced(BODY, plain, it))),
    );
    all.extend(
        VALUES
            .iter()
            .map(|it| whole(TYPE, replaced(BODY, b"VALUE", it))),
    );
    all.into_iter()
}

/// Some parts, honest or not, with `NAME` and `VALUE` for what is looked up.
pub(crate) fn case(chance: &mut Chance) -> [Vec<u8>; 2] {
    let kind = if chance.one_in(3) {
        chance.pick(TYPES)
    } else {
        TYPE
    };
    let mut body = Vec::new();
    for _ in 0..=chance.below(3) {
        body.extend(b"--b\r\n");
        body.extend(part(chance));
        body.extend(if chance.one_in(15) {
            b"\n"
        } else {
            &b"\r\n"[..]
        });
    }
    body.extend(if chance.one_in(15) {
        b"--b\r\n"
    } else {
        &b"--b--\r\n"[..]
    });
    while chance.one_in(3) {
        body = disturbed(&body, chance, JUNK);
    }
    let mut kind = kind.to_vec();
    while chance.one_in(6) {
        kind = disturbed(&kind, chance, JUNK);
    }
    [kind, body]
}

fn part(chance: &mut Chance) -> Vec<u8> {
    let head = if chance.one_in(2) {
        chance.pick(DISPOSITIONS)
    } else {
        b"Content-Disposition: form-data; name=\"NAME\""
    };
    let name = match chance.below(8) {
        0 => b"x".to_vec(),
        1 => b"dry".to_vec(),
        2 => odd_name(chance),
        _ => b"NAME".to_vec(),
    };
    let value = if chance.one_in(3) {
        chance.pick(VALUES)
    } else {
        b"VALUE"
    };
    [&replaced(head, b"NAME", &name)[..], b"\r\n\r\n", value].concat()
}

fn odd_name(chance: &mut Chance) -> Vec<u8> {
    match chance.below(6) {
        0 => with_one(b"NAME", chance, octal),
        1 => with_one(b"NAME", chance, percent),
        2 => with_one(b"NAME", chance, other_case),
        3 => [&b"NAME"[..], chance.pick(BLANKS)].concat(),
        4 => [chance.pick(BLANKS), b"NAME"].concat(),
        _ => inserted(b"NAME", chance.place(b"NAME"), chance.pick(JUNK)),
    }
}

fn whole(kind: &[u8], body: Vec<u8>) -> [Vec<u8>; 2] {
    [kind.to_vec(), body]
}
