//! Recordings of real applications that do it in ways of their own.

use super::*;

#[test]
fn a_form_on_the_front_page_leads_back_to_it_without_the_form() {
    // Roundup, at its first start: the name is the password, and a wrong one leads back, too.
    const FORM_THERE: &str = r#"<form><input name="__login_name"><input type="password">"#;
    let attempt = |body| sent("POST", "/", 302).body(FORM, body);
    let (text, _) = learned(vec![
        sent("GET", "/", 200).answer(HTML, FORM_THERE),
        attempt("__login_name=admin&__login_password=wrong&%40action=Login")
            .told(LOCATION, "http://tracker.test/?%40error_message=Invalid"),
        sent("GET", "/?%40error_message=Invalid", 200).answer(HTML, FORM_THERE),
        attempt("__login_name=admin&__login_password=admin&%40action=Login")
            .told(SET_COOKIE, SESSION)
            .told(LOCATION, "http://tracker.test/?%40ok_message=Welcome"),
        sent("GET", "/?%40ok_message=Welcome", 200)
            .cookie("sid=0123456789abcdef0123")
            .answer(HTML, "Hello"),
        sent("GET", "/?@action=logout&@sort=activity", 302)
            .cookie("sid=0123456789abcdef0123")
            .told(SET_COOKIE, "sid=; Max-Age=0"),
    ]);
    has(
        &text,
        &[
            "path: /, form: { '@action': \"Login\", '__login_password': present } }",
            "subject: { form: '__login_name' }",
            "cookie: sid",
            "- match: { methods: [GET], path: /, query: { '@action': \"logout\" } }",
        ],
    );
}

#[test]
fn a_logout_by_json_rpc_is_told_by_its_method() {
    let call = |body| sent("POST", "/rpc", 200).body("application/json", body);
    let (text, _) = learned(vec![
        call(r#"{"method":"login","params":{"user":"alice","password":"x1"}}"#)
            .told(SET_COOKIE, SESSION)
            .answer("application/json", r#"{"result":{"uid":7}}"#),
        call(r#"{"method":"logout"}"#).cookie("sid=0123456789abcdef0123"),
    ]);
    has(
        &text,
        &[r#"- match: { methods: [POST], path: /rpc, json: { /method: "logout" } }"#],
    );
}

#[test]
fn a_second_step_asks_the_application_who_it_was() {
    // django-two-factor-auth: `login` in the name of a field that nobody types.
    let step = |name: &str| {
        format!(r#"<form><input type="hidden" name="login_view-current_step" value="{name}">"#)
    };
    let page =
        |name: &str, status| sent("POST", "/account/login/", status).answer(HTML, &step(name));
    let (text, _) = learned(vec![
        sent("GET", "/account/login/", 200)
            .answer(HTML, &(step("auth") + r#"<input type="password">"#)),
        page("token", 200).body(
            FORM,
            "login_view-current_step=auth&auth-username=alice&auth-password=opensesame",
        ),
        sent("POST", "/account/login/", 302)
            .body(FORM, "login_view-current_step=token&token-otp_token=123456")
            .told(SET_COOKIE, SESSION)
            .told(LOCATION, "/home"),
        sent("GET", "/home", 200)
            .cookie("sid=0123456789abcdef0123")
            .answer(HTML, r#"<p id="user-tools">Hello <b>alice</b></p>"#),
    ]);
    has(
        &text,
        &[
            "url: /home\n    subject: { css: '#user-tools b' }",
            "- match: { methods: [POST], path: /account/login/, form: { token-otp_token: present } }",
            "subject: whoami  # the application is asked who has logged in",
            "success: { status: 302, location: /home, cookie: sid }",
        ],
    );
}
