//! The pages on which people approve what a program asks for.

use super::*;
use crate::domain::{Action, Timestamp};
use crate::verification::{DeviceAsker, DeviceState, DeviceView};

const STATES: [DeviceState; 4] = [
    DeviceState::Approved,
    DeviceState::Denied,
    DeviceState::Pending,
    DeviceState::Void,
];

fn request(state: DeviceState, hostile: Option<&str>) -> DeviceView {
    let say = |usual: &str| hostile.unwrap_or(usual).to_owned();
    let at = Timestamp::from_millis(1_800_000_000_000);
    DeviceView {
        user_code: "WDJB-MJHT".parse().unwrap(),
        state,
        action: Action::new("release.publish"),
        title: say("Publish a release").as_str().into(),
        level: RiskLevel::Critical,
        asker: DeviceAsker {
            request: (say("POST"), say("/api/releases/4.2/publish?channel=stable")),
            address: "2001:db8:7::42".parse().unwrap(),
            agent: say("python-requests/2.32.5"),
        },
        shown: vec![(say("version"), say("4.2"))],
        asked_at: at,
        expires_at: at.after(Duration::from_mins(10)),
    }
}

/// All of them, as people see them, or with `hostile` wherever a text of somebody's stands.
pub(super) fn device_pages(site: &Site, hostile: Option<&str>) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut add = |name: String, mut page: DevicePage| {
        page.anti_forgery = Secret::new("anti-forgery-value".to_owned());
        hostile
            .unwrap_or("ada@example.com")
            .clone_into(&mut page.account);
        pages.push((name, device(site, &page)));
    };
    let typed = hostile.unwrap_or("WDJB-MJHX").to_owned();
    add("device-unknown".to_owned(), DevicePage::unknown(typed));
    for state in STATES {
        let page = DevicePage::found(request(state, hostile), true);
        add(format!("device-{}", state.as_str()), page);
    }
    let away = DevicePage::found(request(DeviceState::Pending, hostile), false);
    add("device-elsewhere".to_owned(), away);
    pages
}

#[test]
fn what_a_program_asks_for_is_shown_whole_and_decided_by_a_form_of_this_browser() {
    for (name, html) in device_pages(&site(Locale::En), None) {
        assert!(!html.contains("http-equiv"), "{name}");
        let decides = ["device-pending", "device-elsewhere"].contains(&&*name);
        let posts: Vec<_> = forms(&html)
            .into_iter()
            .filter(|form| form.contains("user_code") && form.contains("method=\"post\""))
            .collect();
        assert_eq!(posts.len(), usize::from(decides), "{name}: {html}");
        if !decides {
            continue;
        }
        assert!(posts[0].contains("name=\"anti_forgery\" value=\"anti-forgery-value\""));
        for shown in [
            "WDJB-MJHT",
            "Publish a release",
            "/api/releases/4.2/publish?channel=stable",
            "2001:db8:7::42",
            "python-requests/2.32.5",
            "2027-01-15 08:00 UTC",
            "2027-01-15 08:10 UTC",
            "ada@example.com",
            "Did you start this yourself",
        ] {
            assert!(html.contains(shown), "{name} lacks {shown}: {html}");
        }
        let is_far = html.contains("another network");
        assert_eq!(is_far, name == "device-elsewhere");
    }
}
