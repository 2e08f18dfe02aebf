//! The shapes that programs see.

use super::*;
use serde_json::json;

fn two_ways() -> Vec<FactorSet> {
    let both = FactorSet::EMPTY.with(Factor::Password).with(Factor::Totp);
    vec![both, FactorSet::EMPTY.with(Factor::EmailCode)]
}

#[test]
fn a_verify_request_takes_the_answer_under_its_natural_names() {
    for name in ["answer", "password", "code"] {
        let body = json!({"token": "t", "factor": "totp", name: "123456"}).to_string();
        let request: VerifyRequest = serde_json::from_str(&body).unwrap();
        assert_eq!(request.answer.text().unwrap().expose(), "123456");
        assert!(!format!("{request:?}").contains("123456"));
    }
}

#[test]
fn an_answer_is_a_text_or_an_object() {
    let request = |answer: serde_json::Value| {
        let body = json!({"token": "t", "factor": "totp", "answer": answer}).to_string();
        serde_json::from_str::<VerifyRequest>(&body)
    };
    let object = json!({"id": "x", "response": {"flags": 5}});
    let answer = request(object.clone()).unwrap().answer;
    assert!(answer.text().is_none());
    assert_eq!(answer.read::<serde_json::Value>(), Some(object));
    for other in [json!(5), json!(null), json!(true), json!(["123456"])] {
        assert!(request(other).is_err());
    }
}

#[test]
fn a_first_step_tells_what_remains() {
    let proven = FactorSet::EMPTY.with(Factor::Password);
    let response = VerifyResponse::partly(&two_ways(), proven, Timestamp::from_millis(0));
    assert_eq!(
        serde_json::to_value(&response).unwrap(),
        json!({"verified": false, "remaining": [["totp"], ["email_code"]],
               "expires_at": "1970-01-01T00:00:00Z"})
    );
}

#[test]
fn a_client_without_cookies_gets_its_key() {
    let key = Some(Secret::new("k".to_owned()));
    let response = VerifyResponse::verified(Timestamp::from_millis(1_700_000_000_999), key);
    assert_eq!(
        serde_json::to_value(&response).unwrap(),
        json!({"verified": true, "remaining": [], "expires_at": "2023-11-14T22:13:20Z", "key": "k"})
    );
}

#[test]
fn the_end_of_time_is_still_a_time() {
    assert!(rfc3339(Timestamp::from_millis(u64::MAX)).starts_with("9999-12-"));
}

#[test]
fn a_wait_is_rounded_up() {
    let sent = SendResponse::sent("a•••@example.com".to_owned(), Duration::from_millis(1_001));
    assert_eq!(sent.wait, 2);
}
