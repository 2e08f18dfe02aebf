//! Routes for which what the body says counts.

use super::ask::{Ask, FORM, ask, exception, matcher, table};
use crate::domain::{BodyMatcher, BodyRefusal, Exception, Method, MethodSet, ValueTest};

#[test]
fn a_method_in_a_form_counts() {
    let table = table(vec![matcher(&[Method::Delete], "/users/{id}")]);
    assert!(
        ask(Method::Post, "/users/1")
            .body(FORM, "a=b&_method=delete")
            .applies(&table)
    );
    assert!(
        !ask(Method::Post, "/users/1")
            .body(FORM, "a=b")
            .applies(&table)
    );
    assert!(!ask(Method::Post, "/users/1").applies(&table));
    assert!(
        ask(Method::Post, "/users/1")
            .body("application/json", r#"{"_method":"delete"}"#)
            .applies(&table)
    );
    assert!(
        !ask(Method::Post, "/users/1")
            .body("application/json", r#"{"a":"delete"}"#)
            .applies(&table)
    );
    assert!(
        !ask(Method::Post, "/users/1")
            .body("text/plain", "_method=delete")
            .awaits_body(&table)
    );
    for method in [Method::Put, Method::Patch] {
        let sent = |kind, body| ask(method, "/users/1").body(kind, body);
        assert!(sent(FORM, "_method=delete").applies(&table), "{method}");
        assert!(!sent(FORM, "a=b").applies(&table), "{method}");
        let json = sent("application/json", r#"{"_method":"delete"}"#);
        assert!(!json.awaits_body(&table), "{method}");
    }
    let doubled = ask(Method::Post, "/users/1")
        .body(FORM, "a=b")
        .body(FORM, "a=b");
    assert_eq!(
        doubled.settle(&table).unwrap_err(),
        BodyRefusal::DoubledContentType
    );
}

#[test]
fn a_parameter_counts_wherever_an_application_finds_it() {
    let wanted = || ValueTest::Equals("delete".to_owned());
    let mut by_form = matcher(&[Method::Post], "/admin");
    by_form.body = vec![BodyMatcher::Form("action".to_owned(), wanted())];
    let by_form = table(vec![by_form]);
    assert!(
        ask(Method::Post, "/admin?action=delete")
            .body(FORM, "action=view")
            .applies(&by_form)
    );
    assert!(ask(Method::Post, "/admin?action=delete").applies(&by_form));
    let mut by_json = matcher(&[Method::Post], "/admin");
    by_json.body = vec![BodyMatcher::Json("/action".to_owned(), wanted())];
    assert!(
        ask(Method::Post, "/admin?action=delete")
            .body("application/json", "{}")
            .applies(&table(vec![by_json]))
    );
    let mut by_query = matcher(&[Method::Post], "/admin");
    by_query.query = vec![("action".to_owned(), wanted())];
    let by_query = table(vec![by_query]);
    for (kind, body, applies) in [
        (FORM, "action=delete", true),
        (FORM, "action=view", false),
        ("application/json", r#"{"action":"delete"}"#, true),
        ("application/json", r#"{"x":{"action":"delete"}}"#, false),
    ] {
        let asked = ask(Method::Post, "/admin?x=1").body(kind, body);
        assert_eq!(asked.applies(&by_query), applies, "{body}");
    }
}

#[test]
fn a_parameter_behind_a_semicolon_of_the_path_counts() {
    let mut deletes = matcher(&[], "/admin");
    deletes.query = vec![("action".to_owned(), ValueTest::Equals("delete".to_owned()))];
    let table = table(vec![deletes]);
    for target in [
        "/admin;action=delete",
        "/admin;x=1&action=delete?y",
        "/admin%3baction=delete",
        "/admin;x/y;action=delete",
    ] {
        assert!(ask(Method::Get, target).applies(&table), "{target}");
    }
    for target in ["/admin;action=show", "/admin;x?y=delete"] {
        assert!(!ask(Method::Get, target).applies(&table), "{target}");
    }
}

#[test]
fn a_cookie_counts_as_a_parameter() {
    let wanted = || ValueTest::Equals("delete".to_owned());
    let mut by_form = matcher(&[Method::Post], "/admin");
    by_form.body = vec![BodyMatcher::Form("action".to_owned(), wanted())];
    let mut by_query = matcher(&[Method::Post], "/admin");
    by_query.query = vec![("action".to_owned(), wanted())];
    for table in [table(vec![by_form]), table(vec![by_query])] {
        let sent = |cookie| {
            let sent = ask(Method::Post, "/admin?action=view").body(FORM, "action=view");
            sent.header("cookie", cookie)
        };
        for cookie in ["action=delete", "sid=1; action=del%65te", "ACTION[]=delete"] {
            assert!(sent(cookie).applies(&table), "{cookie}");
        }
        assert!(!sent("action=view; sid=delete").applies(&table));
    }
}

#[test]
fn a_type_that_only_some_read_as_a_form_is_never_waved_through() {
    let table = table(vec![matcher(&[Method::Delete], "/users/{id}")]);
    for kind in [
        "multipart/mixed",
        "multipart/related; boundary=b",
        "application/x-url-encoded",
        "",
        "form",
    ] {
        let sent = ask(Method::Post, "/users/1").body(kind, "_method=delete");
        assert!(sent.settle(&table).is_err(), "{kind:?}");
    }
}

#[test]
fn a_query_is_looked_for_in_bodies_of_every_method() {
    let mut deletes = matcher(&[], "/users");
    deletes.query = vec![("action".to_owned(), ValueTest::Equals("delete".to_owned()))];
    let table = table(vec![deletes]);
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        let sent = |body| ask(method, "/users").body(FORM, body);
        assert!(sent("action=delete").applies(&table), "{method:?}");
        assert!(!sent("action=show").applies(&table), "{method:?}");
    }
}

#[test]
fn a_route_that_reads_the_body_waits_for_it_and_never_waves_through() {
    let mut admin = matcher(&[Method::Post], "/admin/{model}/");
    let is_delete = ValueTest::Equals("delete_selected".to_owned());
    admin.body = vec![BodyMatcher::Form("action".to_owned(), is_delete)];
    let table = table(vec![admin]);
    let post = || ask(Method::Post, "/admin/users/");
    assert!(
        post()
            .body(
                FORM,
                "action=delete_selected&_selected_action=1&_selected_action=2"
            )
            .applies(&table)
    );
    assert!(!post().body(FORM, "action=export").applies(&table));
    assert!(!post().applies(&table));
    let refusal = |ask: Ask| ask.settle(&table).unwrap_err();
    assert!(matches!(
        refusal(post().body("text/plain", "a")),
        BodyRefusal::OtherContentType { .. }
    ));
    assert!(matches!(
        refusal(post().body("application/json", "{}")),
        BodyRefusal::OtherContentType { .. }
    ));
    assert!(matches!(
        refusal(post().body(FORM, "a=%")),
        BodyRefusal::Unreadable(_)
    ));
    assert!(
        !ask(Method::Post, "/other")
            .body("text/plain", "a")
            .awaits_body(&table)
    );
}

#[test]
fn graphql_is_found_wherever_servers_look_for_it() {
    let mut graphql = matcher(&[], "/graphql");
    graphql.body = vec![BodyMatcher::GraphQl(vec!["deleteUser".to_owned()])];
    let table = table(vec![graphql]);
    let json = |body| ask(Method::Post, "/graphql").body("application/json", body);
    assert!(json(r#"{"query":"mutation { x: deleteUser(id: 1) }"}"#).applies(&table));
    assert!(json(r#"[{"query":"{ me }"},{"query":"mutation { deleteUser }"}]"#).applies(&table));
    assert!(ask(Method::Get, "/graphql?query=%7BdeleteUser%7D").applies(&table));
    assert!(
        ask(Method::Post, "/graphql")
            .body("application/graphql", "{deleteUser}")
            .applies(&table)
    );
    assert!(
        ask(Method::Post, "/graphql")
            .body(FORM, "query=%7BdeleteUser%7D")
            .applies(&table)
    );
    assert!(json(r#"{"query":"{ me }","Query":"{ deleteUser }"}"#).applies(&table));
    assert!(!json(r#"{"query":"{ me }"}"#).applies(&table));
    assert!(json(r#"{"query":"mutation { delete_user }"}"#).applies(&table));
    assert!(ask(Method::Get, "/graphql;query=%7BdeleteUser%7D").applies(&table));
    assert!(ask(Method::Get, "/graphql%3fquery=%7BdeleteUser%7D").applies(&table));
    assert!(!ask(Method::Get, "/graphql?query=%7Bme+%7Bid%7D%7D").applies(&table));
    assert!(!ask(Method::Get, "/graphql").applies(&table));
    for target in [
        "/graphql?a=b;query=%7BdeleteUser%7D",
        "/graphql?a=b&Query[]=%7BdeleteUser%7D",
        "/graphql??query=%7BdeleteUser%7D",
        "/graphql?query=%7Bme%7D&query=%7BdeleteUser%7D",
    ] {
        assert!(ask(Method::Get, target).applies(&table), "{target}");
    }
    let upload = "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n\
        [{\"query\":\"{ me }\"},[{\"query\":\"mutation { deleteUser }\"}]]\r\n--b--\r\n";
    let upload = ask(Method::Post, "/graphql").body("multipart/form-data; boundary=b", upload);
    assert!(upload.applies(&table));
    for unreadable in [
        r#"{"extensions":{}}"#,
        r#"{"query":5}"#,
        "5",
        r#"{"query":"{"}"#,
        r#"[[{"query":"{me}"},{"id":"x"}]]"#,
    ] {
        assert!(json(unreadable).settle(&table).is_err(), "{unreadable}");
    }
}

#[test]
fn a_form_that_is_json_as_well_is_refused_by_graphql() {
    let mut graphql = matcher(&[], "/graphql");
    graphql.body = vec![BodyMatcher::GraphQl(vec!["deleteUser".to_owned()])];
    let table = table(vec![graphql]);
    // The quickstart of graphql-php reads `php://input`, whatever type was sent.
    for body in [
        r#"{"a":"&query={me}&","query":"mutation { deleteUser }"}"#,
        r#"[{"a":"&query={me}&","query":"mutation { deleteUser }"}]"#,
        "\u{feff}{\"a\":\"&query={me}&\",\"query\":\"mutation { deleteUser }\"}",
    ] {
        let form = ask(Method::Post, "/graphql").body(FORM, body);
        assert!(form.settle(&table).is_err(), "{body}");
    }
    let form = ask(Method::Post, "/graphql").body(FORM, "query={me}");
    assert!(!form.applies(&table));
}

#[test]
fn a_graphql_document_that_only_the_server_knows_is_refused() {
    let mut graphql = matcher(&[], "/graphql");
    graphql.body = vec![BodyMatcher::GraphQl(vec!["deleteUser".to_owned()])];
    let table = table(vec![graphql]);
    let json = |body| ask(Method::Post, "/graphql").body("application/json", body);
    for body in [
        r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#,
        r#"{"query":"{me}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#,
        r#"{"query":"{me}","extensions":{"persistedQuery":"ab"}}"#,
        r#"{"query":"{me}","Extensions":{"persistedQuery":{"sha256Hash":"ab"}}}"#,
        r#"{"query":"{me}","id":"ab"}"#,
        r#"{"query":"{me}","queryId":"ab"}"#,
        r#"{"query":"{me}","document_id":"ab"}"#,
        r#"{"query":"{me}","doc_id":"ab"}"#,
        r#"{"query":"{me}","operationId":"app/ab"}"#,
        r#"[{"query":"{me}"},{"query":"{me}","hash":"ab"}]"#,
    ] {
        assert!(json(body).settle(&table).is_err(), "{body}");
    }
    for target in [
        "/graphql?extensions=%7B%22persistedQuery%22:%7B%22sha256Hash%22:%22ab%22%7D%7D",
        "/graphql?query=%7Bme%7D&extensions=%7B%22persistedQuery%22:%7B%22sha256Hash%22:%22ab%22%7D%7D",
        "/graphql?queryId=ab",
        "/graphql?query=%7Bme%7D&QUERYID=ab",
        "/graphql?x;id=ab",
        "/graphql?extensions=x",
    ] {
        assert!(ask(Method::Get, target).settle(&table).is_err(), "{target}");
    }
    let form = |body| ask(Method::Post, "/graphql").body(FORM, body);
    assert!(form("query=%7Bme%7D&queryId=ab").settle(&table).is_err());
    assert!(form("query=%7Bme%7D&id=").settle(&table).is_ok());
    // The hash of the very text is no other document: Apollo sends both to register it.
    for body in [
        r#"{"query":"{me}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"fb3f19a70751147dec9d3b3e38bb4014696b3b7462c9ced98568e30b739feb4d"}}}"#,
        r#"{"query":"{me}","extensions":{}}"#,
        r#"{"query":"{me}","extensions":null,"id":7,"documentId":null}"#,
    ] {
        assert!(!json(body).applies(&table), "{body}");
    }
    assert!(!ask(Method::Get, "/graphql").applies(&table));
}

#[test]
fn a_handshake_is_held_to_what_hides_in_it() {
    let mut graphql = matcher(&[Method::Post], "/graphql");
    graphql.body = vec![BodyMatcher::GraphQl(vec!["deleteUser".to_owned()])];
    graphql.query = vec![("v".to_owned(), ValueTest::Present)];
    let mut rpc = matcher(&[Method::Post], "/rpc");
    rpc.body = vec![BodyMatcher::Json("/method".to_owned(), ValueTest::Present)];
    let mut form = matcher(&[], "/form");
    form.body = vec![BodyMatcher::Form("action".to_owned(), ValueTest::Present)];
    let mut excepting = matcher(&[Method::Post], "/open");
    excepting.body = graphql.body.clone();
    excepting.except = vec![Exception {
        methods: MethodSet::EMPTY.with(Method::Get),
        path: None,
        ..exception("/")
    }];
    let table = table(vec![graphql, rpc, form, excepting]);
    let socket = |target| ask(Method::Get, target).header("upgrade", "websocket");
    for target in [
        "/graphql",
        "/GraphQL/",
        "/graphql?query=%7Bme%7D",
        "/rpc",
        "/%72pc",
    ] {
        assert!(socket(target).applies(&table), "{target}");
        assert!(!socket(target).awaits_body(&table), "{target}");
    }
    for target in ["/form", "/open", "/other"] {
        assert!(!socket(target).applies(&table), "{target}");
    }
    assert!(
        ask(Method::Get, "/open?_method=POST")
            .header("upgrade", "websocket")
            .applies(&table)
    );
    assert!(!ask(Method::Get, "/graphql").applies(&table));
}

#[test]
fn every_item_of_a_batch_counts() {
    let mut calls = matcher(&[Method::Post], "/rpc");
    let is_delete = ValueTest::Equals("user.delete".to_owned());
    calls.body = vec![BodyMatcher::Json("/method".to_owned(), is_delete)];
    let calls = table(vec![calls]);
    let json = |body| ask(Method::Post, "/rpc").body("application/json", body);
    for body in [
        r#"{"method":"user.delete"}"#,
        r#"[{"method":"user.delete"}]"#,
        r#"[{"method":"api.version"},{"method":"user.delete"}]"#,
        r#"[[{"method":"user.delete"}]]"#,
        r#"[5,null,{"Method":"user.delete"}]"#,
    ] {
        assert!(json(body).applies(&calls), "{body}");
    }
    assert!(!json(r#"[{"method":"api.version"},{"m":"user.delete"}]"#).applies(&calls));
    assert!(!json("[]").applies(&calls));
    // Several values, or a mark before the first, are not one JSON text.
    for body in [
        "{\"method\":\"api.version\"}\n{\"method\":\"user.delete\"}",
        r#"{"method":"a"}{"method":"user.delete"}"#,
        "\u{feff}{\"method\":\"user.delete\"}",
        "\u{1e}{\"method\":\"user.delete\"}\n",
    ] {
        assert!(json(body).settle(&calls).is_err(), "{body}");
    }
    let mut batch = matcher(&[Method::Post], "/rpc");
    let users = ValueTest::Equals("/users".to_owned());
    batch.body = vec![BodyMatcher::Json("/requests/0/path".to_owned(), users)];
    let batch = table(vec![batch]);
    for body in [
        r#"{"requests":[{"path":"/users"}]}"#,
        r#"{"requests":[{"path":"/posts"},{"path":"/users"}]}"#,
        r#"{"requests":{"7":{"path":"/users"}}}"#,
        r#"{"requests":{"path":"/users"}}"#,
        r#"[{"requests":[{"path":"/users"}]}]"#,
    ] {
        assert!(json(body).applies(&batch), "{body}");
    }
    assert!(!json(r#"{"requests":[{"path":"/posts"}]}"#).applies(&batch));
    let deletes = table(vec![matcher(&[Method::Delete], "/rpc")]);
    assert!(json(r#"[{"a":1},[{"_method":"delete"}]]"#).applies(&deletes));
    assert!(!json(r#"[{"a":{"_method":"delete"}}]"#).applies(&deletes));
}
