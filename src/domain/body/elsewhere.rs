//! Values that stand in another place of a body than the one where they are looked for.

use super::Body;
use super::json::Json;
use crate::domain::Field;

impl Body<'_> {
    /// The values of a field of a form that stand in JSON, or the other way: Rails and Laravel make one thing of
    /// both, `a[b]` of a form and `/a/b` of JSON.
    pub(in crate::domain) fn values_elsewhere(&self, field: &Field) -> Vec<String> {
        match field {
            Field::Form(name) => {
                // RFC 6901 §3: as a key may have these in it.
                let name = name.replace('~', "~0").replace('/', "~1");
                let pointer = name.replace(']', "").replace('[', "/");
                self.json_texts(&format!("/{pointer}"))
            }
            Field::Json(pointer) => {
                let mut tokens = Json::tokens(pointer);
                let first = tokens.next().unwrap_or_default();
                let name = tokens.fold(first, |name, token| format!("{name}[{token}]"));
                let values = self.form_values(&name);
                values
                    .map(|value| String::from_utf8_lossy(value).into_owned())
                    .collect()
            }
            Field::Header(_) | Field::Path(_) | Field::Query(_) => Vec::new(),
        }
    }

    /// Whether the list at a pointer, if there is one, holds values without a name.
    pub(in crate::domain) fn has_unnamed_values(&self, pointer: &str) -> bool {
        let is_value = |item: &Json| !matches!(item, Json::Array(_) | Json::Object(_));
        let mut found = self.json_values(pointer).into_iter();
        found.any(|value| matches!(value, Json::Array(items) if items.iter().any(is_value)))
    }
}
