//! Calls by `fetch` and `XMLHttpRequest`: repeated as they were, or told why not.

use super::page::{Page, setup};
use crate::support::run;
use serde_json::{Value, json};

/// What the application said of each call.
fn bodies(outcomes: &[Value]) -> Vec<&str> {
    outcomes
        .iter()
        .map(|one| one[1]["body"].as_str().unwrap())
        .collect()
}

#[test]
fn three_refused_calls_wait_for_one_prompt_and_are_repeated_once() {
    run(async {
        let page = Page::open().await;
        page.runs(
            "for (const body of 'abc') keep(fetch('/act/one/' + body, { method: 'POST', body }))",
        )
        .await;
        page.becomes("three refusals", "events.length === 3").await;
        page.proves("Do one thing").await;
        let outcomes = page.outcomes(3).await;
        let mut bodies = bodies(&outcomes);
        bodies.sort_unstable();
        assert_eq!(bodies, ["a", "b", "c"]);
        assert!(outcomes.iter().all(|one| one[0] == 200));
        page.has_no_dialog().await;
        let told = page.runs("return [dialogs, events.slice(3)]").await;
        assert_eq!(told, json!([1, ["verified one"]]));
        assert_eq!(page.got().len(), 3);
        // While it counts, nothing is asked.
        page.runs("keep(fetch('/act/one/d', { method: 'DELETE' }))")
            .await;
        page.outcomes(4).await;
        assert_eq!(page.runs("return dialogs").await, 1);
    });
}

#[test]
fn what_is_repeated_is_what_was_sent() {
    run(async {
        let page = Page::open().await;
        page.runs(
            "const form = new FormData(); form.append('name', 'value'); form.append('file', new Blob(['content']), 'a.txt');
            const headers = { 'X-Mark': 'mine', 'Content-Type': 'text/x-own' };
            keep(fetch(new Request('/act/one/request', { method: 'PUT', headers, body: 'text' })));
            keep(fetch(new URL('/act/one/form', location), { method: 'POST', body: form }));
            keep(fetch('/act/one/bytes', { method: 'PATCH', headers, body: new Uint8Array([104, 105]) }))",
        )
        .await;
        page.proves("Do one thing").await;
        let mut said = page.outcomes(3).await;
        said.sort_by_key(|one| one[1]["path"].as_str().unwrap().to_owned());
        let bytes = json!([200, { "method": "PATCH", "path": "/act/one/bytes", "kind": "text/x-own", "mark": "mine", "body": "hi" }]);
        assert_eq!(said[0], bytes);
        let form = said[1][1]["body"].as_str().unwrap();
        for part in [
            "name=\"name\"\r\n\r\nvalue",
            "filename=\"a.txt\"",
            "\r\n\r\ncontent",
        ] {
            assert!(form.contains(part), "{form}");
        }
        let request = json!([200, { "method": "PUT", "path": "/act/one/request", "kind": "text/x-own", "mark": "mine", "body": "text" }]);
        assert_eq!(said[2], request);
    });
}

#[test]
fn a_request_of_the_older_kind_sees_the_second_answer_alone() {
    run(async {
        let page = Page::open().await;
        page.runs(SEND).await;
        page.proves("Do one thing").await;
        page.becomes("the end", "xhr.seen.at(-1) === 'loadend'")
            .await;
        let told = page
            .runs("return [xhr.status, xhr.response, xhr.seen, xhr.onloads]")
            .await;
        let said = json!({ "method": "POST", "path": "/act/one/xhr?a=1", "kind": "text/x-own", "mark": "mine", "body": "uploaded" });
        assert_eq!(told[0], 200);
        assert_eq!(told[1], said);
        assert_eq!(told[3], 1);
        let seen: Vec<_> = told[2]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| *one != "progress")
            .collect();
        let expected = [
            "readystatechange 1",
            "loadstart",
            "up load",
            "readystatechange 2",
            "readystatechange 3",
            "readystatechange 4",
            "load",
            "loadend",
        ];
        assert_eq!(seen, expected.iter().collect::<Vec<_>>());
    });
}

#[test]
fn whoever_gives_up_gets_the_refusal_as_it_was() {
    run(async {
        let page = Page::open().await;
        page.runs("keep(fetch('/act/one/a')); keep(fetch('/act/one/b'))")
            .await;
        page.becomes("two refusals", "events.length === 2").await;
        page.enters_prompt("Do one thing").await;
        page.browser.click("[data-leave]").await;
        page.leaves_prompt().await;
        for outcome in page.outcomes(2).await {
            assert_eq!(outcome[0], 403);
            assert_eq!(outcome[1]["reason"], "step-up-required");
        }
        page.has_no_dialog().await;
        page.browser.click("#first").await;
        page.runs(SEND).await;
        page.in_dialog("button").await.click().await.unwrap();
        page.becomes("the end", "xhr.seen.at(-1) === 'loadend'")
            .await;
        let told = page
            .runs("return [xhr.status, xhr.response.code, xhr.seen.slice(-3), xhr.onloads]")
            .await;
        let end = ["readystatechange 4", "load", "loadend"];
        assert_eq!(
            told,
            json!([403, "SENSITIVE_VERIFICATION_REQUIRED", end, 1])
        );
        assert!(page.got().is_empty());
        assert_eq!(
            page.runs("return events.filter(it => it === 'cancelled one').length")
                .await,
            2
        );
    });
}

#[test]
fn a_page_that_calls_again_by_itself_asks_nobody_who_gave_up() {
    run(async {
        let page = Page::open().await;
        page.runs("keep(fetch('/act/one/a'))").await;
        page.enters_prompt("Do one thing").await;
        page.browser.click("[data-leave]").await;
        page.leaves_prompt().await;
        page.outcomes(1).await;
        page.runs("keep(fetch('/act/one/a'))").await;
        assert_eq!(page.outcomes(2).await[1][0], 403);
        assert_eq!(page.runs("return dialogs").await, 1);
        // Another action is another question, and one that was aborted was not given up.
        page.runs("window.stop = new AbortController(); keep(fetch('/act/two/a', { signal: stop.signal }))")
            .await;
        page.enters_prompt("Do another thing").await;
        page.leaves_prompt().await;
        page.runs("stop.abort(); keep(fetch('/act/two/a'))").await;
        page.proves("Do another thing").await;
        page.outcomes(4).await;
        // Whoever does something in the page may have asked for it.
        page.browser.click("#first").await;
        page.runs("keep(fetch('/act/one/a'))").await;
        page.proves("Do one thing").await;
        assert_eq!(page.outcomes(5).await[4][0], 200);
    });
}

#[test]
fn a_call_that_is_aborted_waits_no_longer_and_the_last_one_closes_the_dialog() {
    run(async {
        let page = Page::open().await;
        page.runs(
            "window.ends = [new AbortController, new AbortController];
            ends.forEach(({ signal }, at) => keep(fetch('/act/one/' + at, { signal })))",
        )
        .await;
        page.becomes("two refusals", "events.length === 2").await;
        page.enters_prompt("Do one thing").await;
        page.browser.fill("#password", "half").await;
        page.leaves_prompt().await;
        page.runs("ends[0].abort()").await;
        assert_eq!(page.outcomes(1).await[0][0], "AbortError");
        // What was begun goes on for the other.
        page.enters_prompt("Do one thing").await;
        let typed = page
            .browser
            .see("#password")
            .await
            .prop("value")
            .await
            .unwrap();
        assert_eq!(typed.as_deref(), Some("half"));
        page.leaves_prompt().await;
        page.runs("ends[1].abort()").await;
        assert_eq!(page.outcomes(2).await[1][0], "AbortError");
        page.has_no_dialog().await;

        page.runs(SEND).await;
        page.enters_prompt("Do one thing").await;
        page.leaves_prompt().await;
        let told = page
            .runs("xhr.abort(); return [xhr.status, xhr.readyState, xhr.seen.slice(-2)]")
            .await;
        assert_eq!(told, json!([0, 0, ["abort", "loadend"]]));
        page.has_no_dialog().await;
        // A deadline of the page's own.
        page.runs("keep(fetch('/act/one/late', { signal: AbortSignal.timeout(300) }))")
            .await;
        assert_eq!(page.outcomes(3).await[2][0], "TimeoutError");
        page.has_no_dialog().await;
        assert!(page.got().is_empty());
    });
}

#[test]
fn calls_for_other_actions_are_asked_for_one_after_the_other_unless_they_are_open_by_then() {
    run(async {
        let page = Page::open().await;
        for (count, action) in (1..).zip(["one", "two", "shared"]) {
            page.runs(&format!("keep(fetch('/act/{action}/x'))")).await;
            page.becomes("a refusal", &format!("events.length === {count}"))
                .await;
        }
        page.proves("Do one thing").await;
        // What asks for less is opened by the first proof, and waits for its turn alone.
        page.proves("Do another thing").await;
        let outcomes = page.outcomes(3).await;
        assert!(outcomes.iter().all(|one| one[0] == 200), "{outcomes:?}");
        let told = page.runs("return [dialogs, events.slice(3)]").await;
        assert_eq!(told, json!([2, ["verified one", "verified two"]]));
    });
}

#[test]
fn a_proof_for_one_request_is_spent_by_its_repetition() {
    run(async {
        let page = Page::open().await;
        page.runs("for (const body of 'ab') keep(fetch('/act/once/x', { method: 'POST', body }))")
            .await;
        page.becomes("two refusals", "events.length === 2").await;
        page.proves("Do it once").await;
        page.outcomes(1).await;
        page.proves("Do it once").await;
        let outcomes = page.outcomes(2).await;
        let mut said = bodies(&outcomes);
        said.sort_unstable();
        assert_eq!(said, ["a", "b"]);
        assert_eq!(page.runs("return dialogs").await, 2);
        assert_eq!(page.got().len(), 2);
        let status = page.runs("return stepgate.status()").await;
        assert_eq!(status["grants"], json!([]), "both are spent");
        // The same once more is asked for once more.
        page.runs("keep(fetch('/act/once/x', { method: 'POST', body: 'a' }))")
            .await;
        page.enters_prompt("Do it once").await;
    });
}

#[test]
fn a_second_refusal_is_the_answer() {
    run(async {
        let page = Page::open().await;
        page.runs(
            "document.addEventListener('stepup:challenge', it => { it.preventDefault(); it.detail.waitFor(Promise.resolve(true)) });
            keep(fetch('/act/one/x', { method: 'POST' }))",
        )
        .await;
        assert_eq!(page.outcomes(1).await[0][0], 403);
        page.runs(SEND).await;
        page.becomes("the end", "xhr.seen.at(-1) === 'loadend'")
            .await;
        assert_eq!(
            page.runs("return [xhr.status, xhr.onloads, dialogs]").await,
            json!([403, 1, 0])
        );
        for path in ["/act/one/x", "/act/one/xhr"] {
            let decided = page.sidecar.decisions(path, 2);
            assert!(
                decided.len() == 2 && decided.iter().all(|one| one["outcome"] == "challenged"),
                "{decided:?}"
            );
        }
        assert!(page.got().is_empty());
    });
}

#[test]
fn a_page_may_ask_by_itself() {
    run(async {
        let page = Page::open().await;
        page.runs(
            "document.addEventListener('stepup:challenge', it => {
                const { challenge } = it.detail.problem
                it.preventDefault()
                const body = JSON.stringify({ token: challenge.token, factor: 'password', answer: 'Directory-pass-1!' })
                const headers = { 'Content-Type': 'application/json' }
                it.detail.waitFor(fetch(challenge.verify_url, { method: 'POST', headers, body }).then(it => it.ok))
            });
            keep(fetch('/act/one/x', { method: 'POST', body: 'own' }))",
        )
        .await;
        assert_eq!(bodies(&page.outcomes(1).await), ["own"]);
        assert_eq!(page.runs("return dialogs").await, 0);
    });
}

#[test]
fn nobody_but_the_frame_says_that_the_proof_is_there() {
    run(async {
        let page = Page::open().await;
        page.runs(
            "document.addEventListener('stepup:challenge', it => window.token = it.detail.problem.challenge.token);
            keep(fetch('/act/one/x', { method: 'POST' }))",
        )
        .await;
        page.in_dialog("iframe.shown").await;
        // By the page itself, and by a frame of no origin that it has.
        page.runs(
            "window.heard = 0; addEventListener('message', it => heard += it.data.stepgate === 'verified');
            const other = document.createElement('iframe'); other.sandbox = 'allow-scripts';
            other.srcdoc = `<script>parent.postMessage({ stepgate: 'verified', token: '${token}' }, '*')</script>`;
            document.body.append(other);
            postMessage({ stepgate: 'verified', token }, '*')",
        )
        .await;
        page.becomes("both messages", "heard === 2").await;
        assert_eq!(
            page.runs("return [kept.length, events.length]").await,
            json!([0, 1])
        );
        // What another challenge has earned says nothing of this one.
        page.runs("new BroadcastChannel('stepgate').postMessage('another token')")
            .await;
        // The driver sends keys to one process, and such a frame has its own.
        page.runs("document.querySelector('body > iframe').remove()")
            .await;
        page.proves("Do one thing").await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
    });
}

#[test]
fn own_endpoints_that_need_a_proof_are_repeated_as_well() {
    run(async {
        let page = Page::open().await;
        page.runs(
            "const headers = { 'Content-Type': 'application/json' };
            keep(fetch('/.stepup/sessions/revoke', { method: 'POST', headers, body: JSON.stringify({ others: true }) }))",
        )
        .await;
        page.proves("").await;
        let outcome = page.outcomes(1).await;
        assert_eq!(outcome[0][1], json!({ "ended": 0 }));
    });
}

#[test]
fn a_stream_is_not_repeated_and_that_is_said() {
    run(async {
        let page = Page::of(
            setup(&[])
                .tls()
                .line("public_url: https://localhost:{port}")
                .run(),
            &["--ignore-certificate-errors"],
        )
        .await;
        page.runs(
            "window.warned = []; console.warn = it => warned.push(it);
            const send = () => fetch('/act/one/x', { method: 'POST', duplex: 'half', body: new Blob(['streamed']).stream() });
            window.send = () => keep(send()); send(); ",
        )
        .await;
        page.becomes("a refusal", "events.length === 1").await;
        page.proves("Do one thing").await;
        page.becomes("a warning", "warned.length === 1").await;
        let warned = page.runs("return warned[0]").await;
        assert!(
            warned.as_str().unwrap().contains("/act/one/x is open now"),
            "{warned}"
        );
        assert!(page.got().is_empty());
        // It is open for whoever sends it anew.
        page.runs("send()").await;
        assert_eq!(bodies(&page.outcomes(1).await), ["streamed"]);
    });
}

#[test]
fn what_is_no_refusal_of_ours_is_left_alone() {
    run(async {
        let page = Page::open().await;
        // The page sends what the frame could not; and a call that only the application answers.
        page.runs(
            "keep(fetch('/act/one/x', { headers: { authorization: 'token abc' } }));
            keep(fetch('/.stepup/challenge?t=none', { headers: { accept: 'application/json' } }))",
        )
        .await;
        let outcomes = page.outcomes(2).await;
        assert!(outcomes.iter().all(|one| one[0] != 200), "{outcomes:?}");
        let told = page.runs(
            "const sync = new XMLHttpRequest(); sync.open('GET', '/act/one/x', false); sync.send(); \
             return [sync.status, sync instanceof XMLHttpRequest, XMLHttpRequest.DONE, dialogs]",
        );
        assert_eq!(told.await, json!([403, true, 4, 0]));
    });
}

/// A request of the older kind, whose events are kept.
const SEND: &str = "
const xhr = window.xhr = new XMLHttpRequest();
xhr.seen = []; xhr.onloads = 0; xhr.onload = () => xhr.onloads++;
for (const type of ['readystatechange', 'loadstart', 'progress', 'load', 'loadend', 'abort', 'error', 'timeout'])
    xhr.addEventListener(type, () => xhr.seen.push(type === 'readystatechange' ? type + ' ' + xhr.readyState : type));
xhr.upload.onload = () => xhr.seen.push('up load');
xhr.open('POST', '/act/one/xhr?a=1');
xhr.responseType = 'json';
xhr.setRequestHeader('Content-Type', 'text/x-own');
xhr.setRequestHeader('X-Mark', 'mine');
xhr.send('uploaded')";
