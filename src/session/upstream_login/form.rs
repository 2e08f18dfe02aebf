//! Forms of the application's pages, filled in as a browser does (HTML §4.10.21.4).

use crate::domain::Secret;
use scraper::{ElementRef, Html, Selector};

/// A form with the values that are sent.
pub(super) struct HtmlForm {
    action: String,
    fields: Vec<(String, Secret<String>)>,
    /// The field of type `password`.
    password: Option<String>,
}

impl HtmlForm {
    /// The first form with a field for a password: the named one, or the only one of that type.
    pub(super) fn with_password(page: &str, named: Option<&str>) -> Option<Self> {
        let found = |form: &Self| match named {
            None => form.password.is_some(),
            Some(name) => form.fields.iter().any(|(field, _)| field == name),
        };
        let mut form = forms(page)?.into_iter().find(found)?;
        if let Some(name) = named {
            form.password = Some(name.to_owned());
        }
        Some(form)
    }

    /// The first form that is posted to what `is_it` tells by its action.
    pub(super) fn sent_to(page: &str, is_it: impl Fn(&str) -> bool) -> Option<Self> {
        forms(page)?.into_iter().find(|form| is_it(&form.action))
    }

    /// A form without fields.
    pub(super) fn empty(action: &str) -> Self {
        Self {
            action: action.to_owned(),
            fields: Vec::new(),
            password: None,
        }
    }

    /// Where it is sent to, as the page says it.
    pub(super) fn action(&self) -> &str {
        &self.action
    }

    /// Fills in a field, which need not be there.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(field, _)| field != name);
        let value = Secret::new(value.to_owned());
        self.fields.push((name.to_owned(), value));
    }

    /// Fills in the password.
    pub(super) fn set_password(&mut self, value: &str) {
        if let Some(name) = self.password.clone() {
            self.set(&name, value);
        }
    }

    /// As it is sent.
    pub(super) fn body(&self) -> Secret<String> {
        let pairs = self.fields.iter();
        let pairs = pairs.map(|(name, value)| (name, value.expose()));
        let mut body = form_urlencoded::Serializer::new(String::new());
        Secret::new(body.extend_pairs(pairs).finish())
    }
}

/// All forms of a page that are posted.
fn forms(page: &str) -> Option<Vec<HtmlForm>> {
    let page = Html::parse_document(page);
    let form = Selector::parse("form").ok()?;
    let controls = Selector::parse("input, select, textarea, button").ok()?;
    let option = Selector::parse("option").ok()?;
    // HTML §4.10.19.6: without a method a form is a GET, which a login is not.
    let forms = page.select(&form).filter(|form| {
        let method = form.value().attr("method").unwrap_or_default();
        method.eq_ignore_ascii_case("post")
    });
    Some(forms.map(|form| read(form, &controls, &option)).collect())
}

fn read(form: ElementRef<'_>, controls: &Selector, option: &Selector) -> HtmlForm {
    let mut read = HtmlForm::empty(form.value().attr("action").unwrap_or_default());
    let mut is_submitted = false;
    for control in form.select(controls) {
        let element = control.value();
        let kind = match element.name() {
            "input" => element.attr("type").unwrap_or("text"),
            "button" => element.attr("type").unwrap_or("submit"),
            name => name,
        };
        let kind = kind.to_ascii_lowercase();
        let Some(name) = element.attr("name").filter(|name| !name.is_empty()) else {
            // An unnamed first button is the one that is pressed.
            is_submitted |= kind == "submit";
            continue;
        };
        let value = element.attr("value");
        let value = match kind.as_str() {
            _ if element.attr("disabled").is_some() => continue,
            "button" | "file" | "image" | "reset" => continue,
            "checkbox" | "radio" if element.attr("checked").is_none() => continue,
            // HTML §4.10.5.1.15: a box without a value is sent as `on`.
            "checkbox" | "radio" => value.unwrap_or("on").to_owned(),
            "select" => selected(control, option),
            // The first button is pressed, no other.
            "submit" if is_submitted => continue,
            "submit" => {
                is_submitted = true;
                value.unwrap_or_default().to_owned()
            }
            "textarea" => control.text().collect(),
            "password" => {
                read.password.get_or_insert_with(|| name.to_owned());
                String::new()
            }
            _ => value.unwrap_or_default().to_owned(),
        };
        read.fields.push((name.to_owned(), Secret::new(value)));
    }
    read
}

fn selected(select: ElementRef<'_>, option: &Selector) -> String {
    let options: Vec<_> = select.select(option).collect();
    let marked = options
        .iter()
        .find(|one| one.value().attr("selected").is_some());
    let Some(chosen) = marked.or(options.first()) else {
        return String::new();
    };
    match chosen.value().attr("value") {
        Some(value) => value.to_owned(),
        None => chosen.text().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html>
        <form action="/search"><input name=q></form>
        <form action="/lang" method=post><select name=l><option value=en>English<option selected>de</select></form>
        <form method="POST" action="?next=%2F">
          <input type="hidden" name="csrf" value="a&amp;b=&#34;c">
          <input name="user" value="bob"> <input type="Password" name="pass" value="old">
          <input type=checkbox name=remember value=1> <input type=checkbox name=terms checked>
          <input type=hidden name=off value=x disabled>
          <input type=radio name=realm value=a><input type=radio name=realm value=b checked>
          <textarea name=note>hi</textarea>
          <button name="act" value="in">Sign in</button><button name="act" value="reset">Forgot?</button>
        </form>
        <form method=post action=/logout><input type=hidden name=csrf value=out></form>"#;

    #[test]
    fn a_form_is_filled_in_as_a_browser_does() {
        let mut form = HtmlForm::with_password(PAGE, None).unwrap();
        assert_eq!(form.action(), "?next=%2F");
        form.set("user", "alice");
        form.set_password("p&s ü");
        assert_eq!(
            form.body().expose(),
            "csrf=a%26b%3D%22c&terms=on&realm=b&note=hi&act=in&user=alice&pass=p%26s+%C3%BC"
        );
        let named = HtmlForm::with_password(PAGE, Some("l")).unwrap();
        assert_eq!(named.body().expose(), "l=de");
        assert!(
            HtmlForm::with_password(PAGE, Some("q")).is_none(),
            "it is not posted"
        );
        assert!(HtmlForm::with_password("<p>Welcome back", None).is_none());
        let logout = HtmlForm::sent_to(PAGE, |action| action == "/logout").unwrap();
        assert_eq!(logout.body().expose(), "csrf=out");
    }
}
